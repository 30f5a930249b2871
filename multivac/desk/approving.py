"""What only the lead may do, and others ask them to approve: it is then done in the lead's name."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form, Press, clock_time
from multivac.desk.asking import Change, OnlyLead, Reply, Sitting, Wish, right_of
from multivac.desk.flags import told_of
from multivac.desk.meant import resolved
from multivac.desk.names import reopen_first, with_reason
from multivac.desk.operators import with_names
from multivac.desk.spelling import spelt, spelt_out
from multivac.desk.standing import is_for_oneself
from multivac.errors import Refused, sure
from multivac.incident import EntryKind, IncidentId
from multivac.jobs import Put
from multivac.steps import people
from multivac.steps.approvals import title_of, wished
from multivac.store import cases, incidents, requests, sayings
from multivac.store.cases import Case
from multivac.store.requests import Answered, Request
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase, written
from multivac.verbs import Part, Right, Spoken, read, refusal

ANSWERS = frozenset({"approve", "decline"})
_WORDS = ("severity", "to", "other", "fixed", "reason", "note", "text")  # the fields that a line can say too
_BESIDE_ITS_WORDS = frozenset({Part.HARM})
_LONGEST = 1500


def offer(no: OnlyLead, sitting: Sitting) -> Answer:
    """The refusal, and a button that asks the lead to approve what was refused."""
    if sitting.verb.name in ANSWERS:
        return Answer(lines=(no.reason,))
    with sitting.house.out.database.read() as tx:
        case = cases.load(tx, no.number)
    if case.lead is not None and people.chat_id(case, case.lead) is None:
        told = _out_of_reach(no.lead)
        take = Press(label=phrase("Take the lead"), line=f"INC-{no.number} lead me", stands_out=True)
        return Answer(lines=(no.reason, told), presses=(take,))
    line = no.line or f"{sitting.verb.name} {_said(sitting)}"
    ask = Press(
        label=phrase("Ask {name} to approve", name=no.lead),
        line=f"INC-{no.number} ask {line}",
        stands_out=True,
    )
    return Answer(lines=(no.reason,), presses=(ask,))


def _out_of_reach(name: str) -> str:
    return phrase(
        "{name} cannot be reached in Slack. Ask them in another way, or take the lead: `/incident lead me`.",
        name=name,
    )


def _said(sitting: Sitting) -> str:
    """What follows the verb, as one line; of a form, what a line can say."""
    fields = sitting.ask.fields
    if fields:
        to = {"to": f"<@{fields['to']}>"} if fields.get("to") else {}
        said = ({**fields, **to}.get(name) for name in _WORDS)
        return " ".join(" ".join(one.split()) for one in said if isinstance(one, str))[:_LONGEST]
    if sitting.verb.takes <= _BESIDE_ITS_WORDS:
        flags = (f"{name}:{value}" for name, value in sitting.words.options.items())
        return " ".join([sitting.words.text, *flags])[:_LONGEST]
    line = sitting.ask.line.split()
    rest = line[1:] if read(line[0]) == read(f"INC-{sitting.number}") else line
    return " ".join(rest[1:])[:_LONGEST]


# --- asking ---------------------------------------------------------------------------------------


def ask(sitting: Sitting) -> Reply:
    """Ask the lead to do what only they may; what lacks something opens its form first."""
    wanted = read(f"INC-{sitting.incident} {sitting.words.text}")
    if not isinstance(wanted, Spoken):
        raise Refused(phrase("Say what the lead is to approve: `/incident ask resolve Rolled back`."))
    if wanted.words.strange:
        raise Refused(told_of(wanted.verb, wanted.words.strange))
    if wanted.verb.right is Right.ADMIN:
        house = sitting.house
        raise Refused(with_names(refusal(wanted.verb), out=house.out, admins=house.admins))
    if not _is_theirs(wanted):
        told = phrase("This needs no approval. Say it yourself: `/incident {line}`.", line=sitting.words.text)
        raise Refused(told)
    line = f"INC-{sitting.incident} {sitting.words.text}"
    inner = resolved(
        replace(
            sitting,
            verb=wanted.verb,
            words=wanted.words,
            ask=replace(sitting.ask, line=line),
            instead=lambda: None,  # it is not theirs to do
        )
    )
    if isinstance(inner, Answer):
        return inner
    reason = spelt(sitting.house.out, _said(inner))
    asks = partial(_ask, sitting=sitting, inner=inner, reason=reason)
    reply = sitting.house.does[wanted.verb.name](replace(inner, instead=lambda: sitting.change(asks)))
    if isinstance(reply, Form):
        return replace(reply, line=f"INC-{sitting.incident} ask {sitting.words.text}", send=phrase("Ask"))
    return reply


def _is_theirs(wanted: Spoken) -> bool:
    """Whether only the lead may do it, or at times: to lower the severity, to give the lead to a third."""
    verb = wanted.verb
    at_times = verb.name == "severity" or (verb.name == "lead" and not is_for_oneself(wanted.words))
    return at_times or (verb.right is Right.LEAD and verb.name not in ANSWERS)


def _ask(tx: sa.Connection, case: Case, *, sitting: Sitting, inner: Sitting, reason: str) -> Change:
    lead, verb = case.lead, inner.verb.name
    if lead is None or right_of(tx, sitting, case) >= Right.LEAD:
        raise Refused(phrase("You may do that yourself: `/incident {line}`.", line=sitting.words.text))
    if not case.status.is_open and verb not in requests.AFTERWARDS:
        raise Refused(reopen_first(case.id, case.status))
    chat = people.chat_id(case, lead)
    if chat is None:
        raise Refused(_out_of_reach(lead.name))
    if (earlier := _earlier(case, sitting, verb)) is not None and earlier.lead_chat == chat:
        told = phrase("{name} was asked at {time}.", name=earlier.lead, time=clock_time(earlier.at))
        return Change(said=told)
    kept = {
        "by_key": sitting.person.key,
        "by_chat": sitting.ask.by,
        "lead": lead.name,
        "lead_chat": chat,
        "verb": verb,
        "line": inner.ask.line,
        "fields": {name: list(one) if isinstance(one, tuple) else one for name, one in _fields(inner)},
    }
    sayings.add(
        tx, case.id, kind=SayingKind.REQUEST, text=reason, by=sitting.person.name, at=sitting.now, more=kept
    )
    return Change(
        said=phrase("{name} is asked by a direct message; you are told the answer.", name=lead.name),
        kind=EntryKind.NOTE,
        entry=written(
            "{name} asks {lead} to approve: {what}",
            name=sitting.person.name,
            lead=lead.name,
            what=f"{verb} {reason}".strip(),
        ),
        after=f"{verb} {reason}".strip(),
    )


def _fields(inner: Sitting) -> list[tuple[str, str | tuple[str, ...]]]:
    return list(inner.ask.fields.items())


def _earlier(case: Case, sitting: Sitting, verb: str) -> Request | None:
    """What this person has asked for and nobody has answered."""
    theirs = (
        one
        for one in requests.of(case).values()
        if (one.by_key, one.verb, one.answered) == (sitting.person.key, verb, None)
    )
    return next(theirs, None)


# --- answering ------------------------------------------------------------------------------------


def approve(sitting: Sitting) -> Reply:
    """Do what was asked for, in the name of whoever approves it."""
    asked = _open_request(sitting, sitting.case())
    wanted = _spoken(asked)
    fields = {name: tuple(one) if isinstance(one, list) else str(one) for name, one in asked.fields.items()}
    inner = replace(
        sitting,
        verb=wanted.verb,
        words=wanted.words,
        ask=replace(sitting.ask, line=asked.line, fields=fields),
        wish=Wish(
            name=asked.by,
            key=asked.by_key,
            settle=lambda tx, change: _settle(tx, change, sitting=sitting, number=asked.id),
        ),
    )
    try:
        return sitting.house.does[wanted.verb.name](spelt_out(inner))
    except Refused as no:
        _end(sitting, asked.id, no.reason)
        raise Refused(no.reason) from no


def _spoken(asked: Request) -> Spoken:
    line = read(asked.line)
    return sure(line if isinstance(line, Spoken) else None)  # `ask` kept no other


def _settle(tx: sa.Connection, change: Change, *, sitting: Sitting, number: int) -> None:
    """Approved, in the transaction that did it; too late if nothing was left to do."""
    asked = _open_request(sitting, cases.load(tx, sitting.incident), number)
    answered = Answered.APPROVED if change.kind is not None else Answered.TOO_LATE
    why = "" if change.kind is not None else change.said
    requests.answer(
        tx, sitting.incident, asked, answered=answered, by=sitting.person.name, at=sitting.now, why=why
    )


def _end(sitting: Sitting, number: int, why: str) -> None:
    """Have nobody be asked any more for what cannot be done; the refusal is told by whoever calls."""

    def end(tx: sa.Connection) -> Put | None:
        incidents.lock(tx, sitting.incident)
        case = cases.load(tx, sitting.incident)
        asked = requests.of(case).get(number)
        if asked is None or asked.answered is not None or right_of(tx, sitting, case) < Right.LEAD:
            return None
        late = Answered.TOO_LATE
        requests.answer(tx, case.id, asked, answered=late, by=sitting.person.name, at=sitting.now, why=why)
        return sitting.house.jobs.put(tx, incidents.touch(tx, case.id))

    put = sitting.house.out.database.write(end, urgent=True)
    if put is not None:
        sitting.house.jobs.begin(put)


def decline(sitting: Sitting) -> Reply:
    """Say no, with a reason perhaps; whoever asked is told."""
    said, case = sitting.words.text.split(maxsplit=1), sitting.case()
    meant = _open_request(sitting, case)
    reason = said[1] if len(said) > 1 and said[0].isdigit() else str(sitting.ask.fields.get("reason", ""))
    if not reason and not sitting.ask.fields:
        return _why_not(case, meant)

    def say_no(tx: sa.Connection, case: Case) -> Change:
        asked = _open_request(sitting, case, meant.id)
        requests.answer(
            tx,
            case.id,
            asked,
            answered=Answered.DECLINED,
            by=sitting.person.name,
            at=sitting.now,
            why=reason,
        )
        entry = written(
            "{name} declined “{what}”, which {asker} asked for",
            name=sitting.person.name,
            what=f"{asked.verb} {asked.reason}".strip(),
            asker=asked.by,
        )
        return Change(
            said=phrase("{name} is told that you declined.", name=asked.by),
            kind=EntryKind.NOTE,
            entry=with_reason(entry, reason),
            before=asked.line,
            after=Answered.DECLINED,
        )

    return sitting.change(say_no)


def _why_not(case: Case, asked: Request) -> Form:
    """The form that asks why, for who wants to say; it shows what was asked."""
    return Form(
        title=phrase("Decline what was asked"),
        line=f"INC-{case.id} decline {asked.id}",
        send=phrase("Decline"),
        intro=tuple(filter(None, (title_of(case, asked), wished(asked)))),
        fields=(
            Field(
                name="reason",
                label=phrase("Why?"),
                kind=Asked.LINE,
                hint=phrase("{name} reads it.", name=asked.by),
            ),
        ),
    )


def _open_request(sitting: Sitting, case: Case, number: int | None = None) -> Request:
    """The request that is meant. Raises `Refused` if there is none, or if it was answered."""
    known = requests.of(case)
    if number is None:
        word = next(iter(sitting.words.text.split()), "")
        still = [one.id for one in known.values() if one.answered is None]
        number = int(word) if word.isdigit() else still[0] if len(still) == 1 and not word else None
    asked = known.get(number) if number is not None else None
    if asked is None:
        raise Refused(phrase("Press Approve or Decline in the message that asks you."))
    if asked.answered is not None and asked.answered_at is not None:
        raise Refused(_said_before(case.id, asked))
    return asked


def _said_before(number: IncidentId, asked: Request) -> str:
    time = clock_time(asked.answered_at) if asked.answered_at else ""
    told = {
        Answered.APPROVED: phrase("{name} approved this at {time}.", name=asked.answered_by, time=time),
        Answered.DECLINED: phrase("{name} declined this at {time}.", name=asked.answered_by, time=time),
    }
    late = phrase(
        "This could not be done any more at {time}; INC-{number} had moved on.", time=time, number=number
    )
    return told.get(asked.answered or Answered.TOO_LATE, late)
