"""Follow-ups: work after the incident, written down when somebody thinks of it; at the end issues in Jira."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form, Press
from multivac.desk.asking import BadField, Change, Reply, Sitting
from multivac.desk.handover import whom
from multivac.desk.meant import resolved
from multivac.desk.moments import coming_day
from multivac.errors import Refused, sure
from multivac.incident import EntryKind, Person
from multivac.store import sayings
from multivac.store.cases import Case
from multivac.store.facts import person_to
from multivac.store.sayings import Saying, SayingKind
from multivac.tongue import mark, phrase, written
from multivac.verbs import Spoken, read, verb_named

_MOST = 40
_LONGEST = 200
_SHOWN = 20
_SHOWN_IN_FORM = 5
_NAME = re.compile(r"(?:^|\s)@([\w.-]*\w)(?=[\s.,;:]|$)")


def follow_up(sitting: Sitting) -> Reply:
    """Write one down, for somebody if they say whom; without a word ask for it."""
    said = " ".join(sitting.text("text").split())
    is_sent = bool(sitting.ask.fields)
    if not is_sent and (not said or sitting.words.message is not None):
        return _form(sitting, sitting.case())
    if said.lower() == "list":
        return _list(sitting.case())
    if wrong := _wrong_with(said):
        raise BadField("text", wrong) if is_sent else Refused(wrong)
    new = New(text=said, owner=_owner(sitting), due=_due(sitting))
    return sitting.change(lambda tx, case: _write_down(tx, case, sitting, new=new))


def in_a_line(sitting: Sitting, line: str) -> New:
    """The follow-up that a line of a form says, read as if somebody had typed it. Raises `Refused`."""
    typed = f"INC-{sitting.incident} followup {line}"
    spoken = read(typed)
    words = sure(spoken if isinstance(spoken, Spoken) else None).words
    verb, ask = sure(verb_named("followup")), replace(sitting.ask, line=typed, fields={})
    meant = resolved(replace(sitting, verb=verb, words=words, ask=ask))
    if isinstance(meant, Answer):
        raise Refused(" ".join(meant.lines))
    text = " ".join(meant.words.text.split()) or line
    return New(text=text[:_LONGEST], owner=_owner(meant), due=_due(meant))


def _wrong_with(said: str) -> str:
    if not said:
        return phrase("Write what is left to do.")
    if len(said) > _LONGEST:
        return phrase("Write it in {most} letters at most: it becomes a title.", most=_LONGEST)
    return ""


@dataclass(frozen=True, slots=True)
class New:
    """What is to be done, by whom and by which day, if they say so."""

    text: str
    owner: Person | None
    due: str

    def whose(self) -> str:
        """That it is nobody's, although it names somebody: nobody whom we know; "" if it does not."""
        named = _NAME.search(self.text) if self.owner is None else None
        if named is None:
            return ""
        return phrase(
            "I do not know who “{name}” is: “{text}” is nobody's yet.", name=named[1], text=self.text
        )

    def more(self) -> dict[str, Any]:
        """What is kept of it besides its words."""
        owner = {"owner": person_to(self.owner)} if self.owner else {}
        return {**owner, **({"due": self.due} if self.due else {})}


def _write_down(tx: sa.Connection, case: Case, sitting: Sitting, *, new: New) -> Change:
    if len(case.said(SayingKind.FOLLOW_UP)) >= _MOST:
        raise Refused(phrase("There are {most} follow-ups already. Write it into Jira.", most=_MOST))
    more = new.more()
    if sitting.words.message is not None:
        more["link"] = sitting.words.message.link
    by, at = sitting.person.name, sitting.now
    sayings.add(tx, case.id, kind=SayingKind.FOLLOW_UP, text=new.text, by=by, at=at, more=more)
    return _added(sitting, case, new)


def _owner(sitting: Sitting) -> Person | None:
    chosen = str(sitting.ask.fields.get("owner", "")) or next(iter(sitting.words.people), "")
    return whom(sitting, chosen) if chosen else None


def _due(sitting: Sitting) -> str:
    """The day by which it is to be done; "" if nobody says one."""
    said = sitting.choice("due")
    try:
        return coming_day(sitting, said).isoformat() if said else ""
    except Refused as no:
        raise (BadField("due", no.reason) if sitting.ask.fields else no) from no


def _added(sitting: Sitting, case: Case, new: New) -> Change:
    line, owner = mark("{name} wrote down a follow-up: {text}"), new.owner
    said = written("{text}, due {day}", text=new.text, day=new.due) if new.due else new.text
    if owner is not None:
        line = mark("{name} wrote down a follow-up for {owner}: {text}")
    return Change(
        said=" ".join(filter(None, (_what_becomes_of_it(sitting, case), new.whose()))),
        kind=EntryKind.NOTE,
        entry=written(line, name=sitting.person.name, owner=owner.name if owner else "", text=said),
        after=said,
        link=sitting.words.message.link if sitting.words.message is not None else None,
    )


def _what_becomes_of_it(sitting: Sitting, case: Case) -> str:
    if sitting.house.out.tracker is None:
        return phrase("It is written down; the line that ends the incident says it.")
    if case.status.is_open:
        return phrase("It is written down, and becomes an issue in Jira when the incident ends.")
    return phrase("It becomes an issue in Jira now; the line that ended the incident links it.")


def _list(case: Case) -> Answer:
    add = Press(label=phrase("Add a follow-up"), line=f"INC-{case.id} followup")
    known = case.said(SayingKind.FOLLOW_UP)
    if not known:
        none = phrase("INC-{number} has no follow-ups yet.", number=case.id)
        return Answer(lines=(none,), presses=(add,))
    lines = tuple(_line(case, one) for one in known[-_SHOWN:])
    return Answer(title=phrase("Follow-ups of INC-{number}", number=case.id), lines=lines, presses=(add,))


def _line(case: Case, one: Saying) -> str:
    issue, owner = case.result(f"follow-up/{one.id}"), one.more.get("owner", {}).get("name", "")
    where = f"{issue['key']} {issue['url']}" if issue else one.more.get("link", "")
    due = phrase("due {day}", day=one.more["due"]) if "due" in one.more else ""
    return " · ".join(filter(None, (one.text, owner, due, where)))


def _form(sitting: Sitting, case: Case) -> Form:
    known = case.said(SayingKind.FOLLOW_UP)[-_SHOWN_IN_FORM:]
    message, quoted = sitting.words.message, sitting.words.text or sitting.ask.quoted
    return Form(
        title=phrase("Add a follow-up"),
        line=f"INC-{case.id} followup {message.word if message is not None else ''}".strip(),
        intro=tuple(phrase("Written down already: {text}", text=_line(case, one)) for one in known),
        send=phrase("Add"),
        fields=(
            Field(
                name="text",
                label=phrase("What is left to do?"),
                kind=Asked.LINE,
                hint=phrase("It becomes the title of an issue in Jira."),
                optional=False,
                longest=_LONGEST,
                filled=(" ".join(quoted.split())[:_LONGEST],),
            ),
            Field(name="owner", label=phrase("Who does it?"), kind=Asked.PERSON),
            Field(name="due", label=phrase("By which day?"), kind=Asked.DAY, filled=(_due(sitting),)),
        ),
    )
