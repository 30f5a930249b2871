"""Reminders: asked for, listed, answered, put off, cancelled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form, Press, clock_time
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.flags import not_understood
from multivac.desk.moments import coming
from multivac.desk.names import reopen_first
from multivac.desk.spelling import called, spelt
from multivac.desk.tasks import person_meant
from multivac.errors import Refused
from multivac.incident import EntryKind, Group, IncidentId, Person
from multivac.steps.reminders import PASSED, is_put_away
from multivac.store import reminders as rows
from multivac.store.cases import Case
from multivac.store.reminders import Reminder
from multivac.tongue import lasting, mark, phrase, plural, written
from multivac.verbs import Words, read_words, span

_LONGEST = 300
_SNOOZE = timedelta(minutes=15)
_ASK_AGAIN = timedelta(minutes=10)
_LEAST = timedelta(minutes=1)
_LEAST_APART = timedelta(minutes=5)
_LONGEST_SPAN = timedelta(days=30)
_MOST = 50  # of one incident, those that have ended too
_OFFERED = 5
_SPANS = (
    ("in:10m", mark("In 10m")),
    ("in:20m", mark("In 20m")),
    ("in:30m", mark("In 30m")),
    ("in:1h", mark("In 1h")),
    ("every:15m", mark("Every 15m")),
    ("every:30m", mark("Every 30m")),
    ("when:update-overdue", mark("When an update is overdue")),
    ("when:resolved", mark("When it is over")),
)
_MOMENTS = ("resolved", "update-overdue")
_HOW = mark("Write it so: `/incident remind me in:20m Look at the queue`, or every:15m, or at:14:00.")
_ANSWERED = {  # by the answer as rows have it
    "Done": mark("Already done by {name} at {time}."),
    "Snoozed": mark("Already snoozed by {name} at {time}."),
    "Cancelled": mark("Already cancelled by {name} at {time}."),
    PASSED: mark("Already passed on by {name} at {time}."),
}
_ENTRY = {
    "Done": mark("{name} answered reminder {number}, done: {text}"),
    "Snoozed": mark("{name} answered reminder {number}, snoozed: {text}"),
    "Cancelled": mark("{name} answered reminder {number}, cancelled: {text}"),
    PASSED: mark("{name} passed reminder {number} on to {whom}: {text}"),
}
_OVER = {"Done": mark("Done: {text}"), "Cancelled": mark("Cancelled: {text}")}
_LATER = {
    "Done": mark("Done until {time}: {text}"),
    "Snoozed": mark("Snoozed until {time}: {text}"),
    PASSED: mark("Passed on to {whom}: {text}"),
}


def remind(sitting: Sitting) -> Reply:
    """Write down what to remind somebody of; without a time or a text, ask."""
    words = sitting.words
    if sitting.ask.fields:
        words = read_words(sitting.verb, f"{sitting.ask.fields.get('when', '')} {sitting.text('text')}")
    elif not words.text:
        return _form(sitting)
    elif odd := _like_options(words):
        return not_understood(replace(sitting, words=replace(words, strange=odd)))
    first, _, rest = words.text.partition(" ")
    text = rest if first.lower() in {"me", "here"} else words.text
    if not text:
        raise Refused(phrase("Say what it is about. {how}", how=phrase(_HOW)))
    moment, escalate_to = _moment(words), _escalate_to(sitting, words)
    new = Reminder(
        number=0,
        text=text[:_LONGEST],
        by=sitting.person,
        whom=_whom(sitting, words, first.lower()),
        due_at=sitting.now if moment else _due_at(sitting, words),
        every=_checked(words.every, least=_LEAST_APART) if words.every and not moment else None,
        moment=moment,
        thread=sitting.ask.thread or None,
        escalate_to=escalate_to,
        then_page=_then_page(sitting, words, escalate_to),
        after=_checked(_span(words.options.get("after"))) if "after" in words.options else _ASK_AGAIN,
        until_at=_until_at(sitting, words),
        until_done=words.options.get("until", "").lower() == "done",
        until_resolved=words.options.get("until", "").lower() == "resolved",
    )
    _must_come(new)
    return sitting.change(partial(_add, sitting=sitting, new=new))


def _like_options(words: Words) -> tuple[str, ...]:
    """Words of the text that look as if they were meant to say how to remind."""
    said = _PIECE.findall(words.text)
    options = [one for one in said if _OPTION.fullmatch(one)]
    for name, value in pairwise(said):
        takes = _TAKES.get(name.lower())
        if takes is not None and takes.fullmatch(value) and name.lower() not in words.options:
            options.append(name)
    return tuple(options)


_PIECE = re.compile(r'"[^"]*"|`[^`]*`|\S+')
_OPTION = re.compile(r"[a-z][a-z-]*:(?!//)(?!\d+$)[^\s:]+", re.IGNORECASE)  # no address, no port, no emoji
_TAKES = {  # what may follow an option's name where its colon was forgotten
    "escalate": re.compile(r"<?@\S+"),
    "after": re.compile(r"\d+[mh]"),
    "until": re.compile(r"done|resolved|\d{1,2}:\d{2}"),
    "then": re.compile(r"page"),
}


def _must_come(new: Reminder) -> None:
    if new.until_at is not None and new.moment is None and new.until_at <= new.due_at:
        ends, comes = clock_time(new.until_at), clock_time(new.due_at)
        told = phrase("It would end at {ends}, and comes at {comes} only.", ends=ends, comes=comes)
        raise Refused(told)


def _add(tx: sa.Connection, case: Case, *, sitting: Sitting, new: Reminder) -> Change:
    if is_put_away(case) or (new.until_resolved and not case.status.is_open):
        raise Refused(reopen_first(case.id, case.status))
    if new.then_page and case.drill:
        raise Refused(phrase("This is a drill: nobody is paged. Leave out then:page."))
    if sitting.ask.channel != case.channel_id:
        new = replace(new, thread=None)  # of a channel in which others read
    if len(case.reminders) >= _MOST:
        told = phrase(
            "INC-{number} has had {most} reminders. `/incident reminders` shows them.",
            number=case.id,
            most=_MOST,
        )
        raise Refused(told)
    number = rows.add(tx, case.id, new)
    said = phrase(_SET[new.moment], number=number, whom=_called(new, sitting.person), time=when_due(new))
    return Change(
        said=" ".join([said, *_how_it_goes_on(new)]),
        kind=EntryKind.TASK,
        entry=written(
            "{name} set reminder {number}: {text}", name=sitting.person.name, number=number, text=new.text
        ),
        after=str(number),
    )


_SET = {
    None: mark("Reminder {number}: {whom} at {time}."),
    "resolved": mark("Reminder {number}: {whom}, when it is over."),
    "update-overdue": mark("Reminder {number}: {whom}, when an update is overdue."),
}


def _how_it_goes_on(one: Reminder) -> Iterator[str]:
    """What becomes of it if nobody answers, and when it ends, in sentences."""
    if one.escalate_to is not None:
        text = mark("Without an answer in {span}, {name} is asked.")
        if one.then_page:
            text = mark("Without an answer in {span}, {name} is asked, and paged after as long again.")
        yield phrase(text, span=lasting(one.after), name=one.escalate_to.name)
    if one.until_at is not None:
        yield phrase("It ends at {time}.", time=clock_time(one.until_at))
    if one.until_done:
        yield phrase("It ends once somebody answers “Done”.")
    if one.until_resolved:
        yield phrase("It ends with the incident.")


def _called(one: Reminder, me: Person) -> str:
    if one.whom is None:
        return phrase("the channel")
    return phrase("you") if one.whom.key == me.key else one.whom.name


def when_due(one: Reminder) -> str:
    """When it comes, and how often."""
    if one.moment is not None:
        return phrase(_AT[one.moment])
    time = clock_time(one.due_at)
    if not one.every:
        return time
    minutes = round(one.every.total_seconds() / 60)
    return plural("{time}, then every minute", "{time}, then every {count} minutes", minutes, time=time)


_AT = {"resolved": mark("When it is over"), "update-overdue": mark("When an update is overdue")}


def _moment(words: Words) -> str | None:
    """What it waits for instead of a time."""
    said = words.options.get("when", "").lower()
    if said and said not in _MOMENTS:
        raise Refused(phrase("I know when:resolved and when:update-overdue, not when:{said}.", said=said))
    return said or None


def _whom(sitting: Sitting, words: Words, first: str) -> Person | Group | None:
    if words.groups:
        group = words.groups[0]
        return Group(id=group, name=called(sitting.house.out, group))
    chosen = sitting.ask.fields.get("whom", "")
    named = [chosen] if isinstance(chosen, str) and chosen else list(words.people)
    if named:
        return person_meant(sitting, named[0])
    return None if first == "here" else sitting.person


def _escalate_to(sitting: Sitting, words: Words) -> Person | None:
    named = words.options.get("escalate")
    if named is None:
        return None
    if named.lower() == "me":
        return sitting.person
    if named[:1] not in {"U", "W"}:
        named = spelt(sitting.house.out, named)
        raise Refused(phrase("“{named}” is nobody I know. Mention them: escalate:@bo.", named=named))
    return person_meant(sitting, named)


def _then_page(sitting: Sitting, words: Words, escalate_to: Person | None) -> bool:
    """Whether whoever it is escalated to is paged in the end. Raises `Refused` where that cannot be."""
    said = words.options.get("then", "").lower()
    if not said:
        return False
    if said != "page":
        raise Refused(phrase("I know then:page, not then:{said}.", said=said))
    if escalate_to is None:
        raise Refused(phrase("Say who is to be paged: escalate:@bo after:10m then:page."))
    if sitting.house.out.pager is None:
        raise Refused(
            phrase("Multivac has no key for PagerDuty, so nobody can be paged. Leave out then:page.")
        )
    return True


def _due_at(sitting: Sitting, words: Words) -> datetime:
    now = sitting.now
    if words.at is not None:
        return coming(sitting, words.at)
    lasts = words.after or words.every
    if lasts is None:
        raise Refused(phrase("Say when. {how}", how=phrase(_HOW)))
    return now + _checked(lasts)


def _checked(lasts: timedelta, *, least: timedelta = _LEAST) -> timedelta:
    if least <= lasts <= _LONGEST_SPAN:
        return lasts
    if least is _LEAST_APART:
        raise Refused(phrase("Name a time from five minutes to 30 days for every:, such as every:15m."))
    raise Refused(phrase("Name a time from one minute to 30 days, such as 20m or 2h."))


def _span(said: str | None) -> timedelta:
    lasts = span(said or "")
    if lasts is None:
        raise Refused(phrase("“{said}” is no time span. Write it like 15m or 1h.", said=said))
    return lasts


def _until_at(sitting: Sitting, words: Words) -> datetime | None:
    said = words.options.get("until", "resolved").lower()
    if said in {"done", "resolved"}:
        return None
    return coming(sitting, said)


def _form(sitting: Sitting) -> Form:
    choices = tuple((value, phrase(label)) for value, label in _SPANS)
    return Form(
        title=phrase("Remind somebody"),
        line=f"INC-{sitting.incident} remind",
        send=phrase("Remind"),
        fields=(
            Field(
                name="text",
                label=phrase("Remind of what?"),
                kind=Asked.LINE,
                optional=False,
                longest=_LONGEST,
            ),
            Field(
                name="when",
                label=phrase("When?"),
                kind=Asked.CHOICE,
                choices=choices,
                filled=("in:20m",),
                optional=False,
            ),
            Field(name="whom", label=phrase("Whom? You, if left empty."), kind=Asked.PERSON),
        ),
    )


# --- what stands ----------------------------------------------------------------------------------


def reminders(sitting: Sitting) -> Reply:
    """Show them, or do with one what the words say."""
    word, *rest = sitting.words.text.lower().split() or ["list"]
    match word:
        case "list":
            return _list(sitting)
        case "done" | "snooze" | "cancel" if rest:
            return sitting.change(partial(_answer, sitting=sitting, said=(word, *rest)))
        case "pass" if rest:
            return _pass_on(sitting, rest[0])
        case _:
            raise Refused(
                phrase(
                    "Say which: reminders done 1, reminders snooze 1 15m, reminders pass 1 @bo, "
                    "reminders cancel 1."
                )
            )


def _pass_on(sitting: Sitting, which: str) -> Reply:
    """Let somebody else be reminded; without a name, ask whom."""
    chosen = sitting.ask.fields.get("whom", "")
    named = [chosen] if isinstance(chosen, str) and chosen else list(sitting.words.people)
    if named:
        whom = person_meant(sitting, named[0])
        return sitting.change(partial(_answer, sitting=sitting, said=("pass", which), whom=whom))
    case = sitting.case()
    kept, number = _find(case, which)
    if _is_answered(kept, number):
        return Answer(lines=(_already(kept),))
    return pass_form(case.id, which, about=kept.text)


def pass_form(incident: IncidentId, which: str, *, about: str) -> Form:
    """Who is to do it instead."""
    return Form(
        title=phrase("Pass it on"),
        line=f"INC-{incident} reminders pass {which}",
        send=phrase("Pass on"),
        intro=(about,),
        fields=(Field(name="whom", label=phrase("Who is to do it?"), kind=Asked.PERSON, optional=False),),
    )


def _list(sitting: Sitting) -> Reply:
    case, now = sitting.case(), sitting.now
    lasts = (one for one in case.reminders.values() if case.status.is_open or not one.until_resolved)
    still = [one.current(now) for one in lasts if not one.is_over(now)]
    if not still or is_put_away(case):
        told = phrase(
            "Nobody is to be reminded of anything in INC-{number}. {how}", number=case.id, how=phrase(_HOW)
        )
        return Answer(lines=(told,))
    lines = (
        " · ".join(
            (
                f"{one.number}. {when_due(one)}: {one.text}",
                _called(one, sitting.person),
                *_how_it_goes_on(one),
            )
        )
        for one in still
    )
    presses = (
        Press(
            label=phrase("Cancel {number}: {text}", number=one.number, text=one.text),
            line=f"INC-{case.id} reminders cancel {one.number}",
        )
        for one in still[:_OFFERED]
    )
    return Answer(
        title=phrase("Reminders of INC-{number}", number=case.id), lines=tuple(lines), presses=tuple(presses)
    )


def _answer(
    tx: sa.Connection, case: Case, *, sitting: Sitting, said: Sequence[str], whom: Person | None = None
) -> Change:
    word, which, *rest = said
    kept, number = _find(case, which)
    if _is_answered(kept, number):
        return Change(said=_already(kept))
    wait = _checked(_span(rest[0])) if word == "snooze" and rest else _SNOOZE
    answer, new = _answered(kept, word, now=sitting.now, wait=wait, whom=whom)
    by = sitting.person.name
    rows.write(
        tx, case.id, replace(new, answered=kept.round, answered_by=by, answered_at=sitting.now, answer=answer)
    )
    is_shown = sitting.ask.via == "button" and word != "cancel"
    told = _LATER[answer] if new.ended is None else _OVER[answer]
    named = whom.name if whom else ""
    return Change(
        said="" if is_shown else phrase(told, time=clock_time(new.due_at), text=kept.text, whom=named),
        kind=EntryKind.TASK,
        entry=entry_of(kept, answer, by=by, whom=named),
        before=str(kept.round),
        after=answer,
    )


def _is_answered(one: Reminder, number: int) -> bool:
    return one.ended is not None or (one.answered is not None and number == one.answered)


def entry_of(one: Reminder, answer: str, *, by: str, whom: str = "") -> str:
    """What the timeline says of an answer."""
    return written(_ENTRY[answer], name=by, number=one.number, text=one.text, whom=whom)


def done(one: Reminder, *, now: datetime) -> tuple[str, Reminder]:
    """The answer that it is done, as rows have it, and the reminder as it goes on or ends."""
    return _answered(one, "done", now=now)


def _answered(
    one: Reminder, word: str, *, now: datetime, wait: timedelta = _SNOOZE, whom: Person | None = None
) -> tuple[str, Reminder]:
    """The answer as rows have it, and the reminder as it goes on or ends."""
    newest = one.current(now)
    following = replace(newest, round=newest.round + 1)
    match word:
        case "cancel":
            return "Cancelled", replace(one, ended="cancelled")
        case "done" if one.every is None or one.until_done:
            return "Done", replace(one, ended="done")
        case "done":
            assert one.every is not None  # noqa: S101  # the case above
            due_at = newest.due_at if newest.due_at > now else newest.due_at + one.every
            return "Done", replace(following, due_at=due_at)
        case "pass":
            due_at = now if one.every is None and one.due_at <= now else newest.due_at
            return PASSED, replace(following, due_at=due_at, whom=whom)
        case _:
            return "Snoozed", replace(following, due_at=now + wait, moment=None)


def _find(case: Case, which: str) -> tuple[Reminder, int]:
    """The reminder and the round of it that are meant; of a number alone, the newest."""
    number, _, round_ = which.partition("/")
    kept = case.reminders.get(int(number)) if number.isdecimal() and len(number) < 9 else None  # noqa: PLR2004
    if kept is None:
        raise Refused(
            phrase("There is no reminder {which}. `/incident reminders` shows what there is.", which=which)
        )
    return kept, int(round_) if round_.isdecimal() else kept.round


def _already(one: Reminder) -> str:
    if one.answered_at is None or one.answer is None:
        return phrase("Reminder {number} has ended.", number=one.number)
    return phrase(_ANSWERED[one.answer], name=one.answered_by, time=clock_time(one.answered_at))
