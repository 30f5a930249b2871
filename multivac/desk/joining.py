"""Joining an incident: coming in, being briefed, and finding out who is on call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from multivac.briefing import Answer, day_and_time
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.meant import met
from multivac.desk.names import channel_link, none_such, stands
from multivac.errors import MultivacError, Refused
from multivac.incident import Person
from multivac.ports import OnCall, Pager
from multivac.steps import briefs, oncall
from multivac.steps.base import View
from multivac.store import acts, members, timeline
from multivac.store import people as directory
from multivac.store.cases import Case
from multivac.tongue import phrase, plural, speaking

_SHOWN = 15


# --- a briefing -----------------------------------------------------------------------------------


def brief(sitting: Sitting) -> Reply:
    """What this person must know of the incident, at once; they are then told nothing unasked."""
    case = sitting.case()
    with sitting.house.out.database.read() as tx:
        entries = timeline.entries(tx, case.id)
        is_known = members.was_seen(tx, case.id, sitting.ask.by)
    if not is_known:
        sitting.house.out.database.write(
            lambda tx: members.seen(tx, case.id, sitting.ask.by, at=sitting.now), urgent=True
        )
    duty = briefs.duty_of(case, sitting.person, oncall.listed(case), now=sitting.now)
    view = View(case=case, now=sitting.now, out=sitting.house.out)
    return briefs.briefing(view, entries, why=briefs.why_here(case, sitting.person, duty))


# --- coming in ------------------------------------------------------------------------------------


def join(sitting: Sitting) -> Reply:
    """Bring whoever asks into the channel."""
    case = sitting.case()
    if not case.status.is_open:
        raise Refused(_over(case))

    def ask(tx: sa.Connection, case: Case) -> Change:
        if not members.ask_for(tx, case.id, sitting.ask.by, by=sitting.ask.by, at=sitting.now):
            return Change(said=phrase("You are in {channel} already.", channel=channel_link(case.channel_id)))
        return Change(said=_you_come_in(case), after="joins")

    return sitting.change(ask)


def _over(case: Case) -> str:
    told = stands(case.id, case.status)
    if case.channel_id is None:
        return told
    return phrase("{stands} Its channel is {channel}.", stands=told, channel=channel_link(case.channel_id))


def _you_come_in(case: Case) -> str:
    if case.channel_id is None:
        return phrase("You are in its channel as soon as that is open.")
    return phrase("You are in {channel} in a moment.", channel=channel_link(case.channel_id))


# --- who is on call -------------------------------------------------------------------------------


def on_call(sitting: Sitting) -> Reply:
    """Who is on call: for a service, of a person, for this incident, or everywhere."""
    pager = sitting.house.out.pager
    if pager is None:
        raise Refused(phrase("Multivac is not connected to PagerDuty. Look there who is on call."))
    title, about, ask = _question(sitting, pager)
    return _answered(sitting, title, about=about, ask=ask)


_Draw = Callable[[], Sequence[str]]  # what the pager has answered, in lines for whoever reads it


def _question(sitting: Sitting, pager: Pager) -> tuple[str, str, Callable[[], _Draw]]:
    """What they ask: in words, as a key under which the answer is kept, and how it is asked."""
    if sitting.words.people:
        person, _ = met(sitting, sitting.words.people[0])
        title = phrase("On call: {name}", name=person.name)
        return title, person.key, lambda: _of_person(sitting, pager, person)
    if service := sitting.words.text:
        about = f"service {service.lower()}"
        title = phrase("On call for {service}", service=service)
        return title, about, lambda: _for_service(pager, service)
    if policies := _policies_here(sitting):
        about = f"policies {','.join(policies)}"
        title = phrase("On call here")
        return title, about, lambda: partial(_listed, pager.on_call_of_policies(policies))
    return phrase("On call"), "all", lambda: partial(_listed, pager.on_call_everywhere())


def _policies_here(sitting: Sitting) -> tuple[str, ...]:
    """The policies of the incident that they name, or in whose channel they ask; none elsewhere."""
    if sitting.number is None:
        return ()
    with sitting.house.out.database.read() as tx:
        if not acts.exists(tx, sitting.number):
            raise Refused(none_such(sitting.number))
    return oncall.policies_of(sitting.case())


def _answered(sitting: Sitting, title: str, *, about: str, ask: Callable[[], _Draw]) -> Answer:
    """The answer of the pager; if it does not answer, its last one with its age, in the house's language."""
    database, key = sitting.house.out.database, f"asked {about}"
    try:
        draw = ask()
    except MultivacError as error:
        with database.read() as tx:
            last = directory.last_answer(tx, key)
        if last is None:
            told = phrase("Who is on call cannot be said now: {why}. Look into PagerDuty.", why=error)
            raise Refused(told) from error
        age = phrase("PagerDuty does not answer. This is as of {time}:", time=day_and_time(last[1]))
        return Answer(title=title, lines=(age, *last[0]))
    with speaking(None):
        kept = list(draw())
    database.write(lambda tx: directory.keep_answer(tx, key, kept, now=sitting.now))
    return Answer(title=title, lines=tuple(draw()))


def _for_service(pager: Pager, name: str) -> _Draw:
    policies = pager.policies_of_service(name)
    if not policies:
        return lambda: (phrase("PagerDuty has no service with “{name}” in its name.", name=name),)
    return partial(_listed, pager.on_call_of_policies(policies), called=policies)


def _of_person(sitting: Sitting, pager: Pager, person: Person) -> _Draw:
    everywhere = [(one, sitting.house.out.complete(one.person)) for one in pager.on_call_everywhere()]
    theirs = [one for one, who in everywhere if who.key == person.key or _same_id(who, person)]
    if not theirs:
        return lambda: (phrase("{name} is not on call.", name=person.name),)
    return partial(_listed, theirs)


def _same_id(one: Person, other: Person) -> bool:
    return one.pagerduty is not None and one.pagerduty == other.pagerduty


def _listed(found: Iterable[OnCall], *, called: Mapping[str, str] | None = None) -> Sequence[str]:
    """One line a policy: its people by level, and until when."""
    by_policy: dict[str, list[OnCall]] = {}
    for one in sorted(found, key=lambda each: (each.policy_name, each.level, each.person.name)):
        name = (called or {}).get(one.policy or "") or one.policy_name or "PagerDuty"
        by_policy.setdefault(name, []).append(one)
    lines = [f"{name}: {', '.join(_duties(on_call))}" for name, on_call in by_policy.items()]
    if len(lines) > _SHOWN:
        rest = plural(
            "and {count} more: name a service.", "and {count} more: name a service.", len(lines) - _SHOWN
        )
        lines = [*lines[:_SHOWN], rest]
    return lines or (phrase("Nobody is on call."),)


def _duties(on_call: Sequence[OnCall]) -> Sequence[str]:
    """Each person once, with every level at which they answer until then."""
    levels: dict[tuple[str, datetime | None], list[int]] = {}
    for one in on_call:
        levels.setdefault((one.person.name, one.until), []).append(one.level)
    return [_duty(name, until, sorted(set(at))) for (name, until), at in levels.items()]


def _duty(name: str, until: datetime | None, levels: Sequence[int]) -> str:
    where = ", ".join(map(str, levels))
    who = plural("{name} (level {levels})", "{name} (levels {levels})", len(levels), name=name, levels=where)
    return phrase("{who} until {time}", who=who, time=day_and_time(until)) if until else who
