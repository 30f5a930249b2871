"""Joining an incident: being invited, inviting others, being briefed, and finding out who is on call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa

from multivac.briefing import Answer, day_and_time
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.people import who_is
from multivac.errors import MultivacError, Refused
from multivac.incident import EntryKind, Person
from multivac.ports import OnCall, Pager
from multivac.steps import briefs, people
from multivac.steps.base import View
from multivac.store import acts, members, timeline
from multivac.store import people as directory
from multivac.store.cases import Case

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
    duty = briefs.duty_of(case, sitting.person, people.listed(case), now=sitting.now)
    view = View(case=case, now=sitting.now, out=sitting.house.out)
    return briefs.briefing(view, entries, why=briefs.why_here(case, sitting.person, duty))


# --- coming in ------------------------------------------------------------------------------------


def join(sitting: Sitting) -> Reply:
    """Have whoever asks invited into the channel."""
    case = sitting.case()
    if not case.status.is_open:
        where = f" Its channel is <#{case.channel_id}>." if case.channel_id else ""
        raise Refused(f"INC-{case.id} is {case.status}.{where}")

    def ask(tx: sa.Connection, case: Case) -> Change:
        if not members.ask_for(tx, case.id, sitting.ask.by, by=sitting.ask.by, at=sitting.now):
            return Change(said=f"You are in <#{case.channel_id}> already.")
        return Change(said=f"You are invited into {_where(case)}.", after="joins")

    return sitting.change(ask)


def _where(case: Case) -> str:
    return f"<#{case.channel_id}>" if case.channel_id else "its channel as soon as that is open"


def invite(sitting: Sitting) -> Reply:
    """Have the people who are mentioned invited into the channel."""
    named = tuple(dict.fromkeys(sitting.words.people))
    if not named:
        raise Refused("Mention whom to bring in: `/incident invite @bo`.")
    case = sitting.case()
    if not case.status.is_open:
        raise Refused(f"INC-{case.id} is {case.status}. Reopen it first.")
    known = {one: _who(sitting, one) for one in named}

    def ask(tx: sa.Connection, case: Case) -> Change:
        fresh = [
            person.name
            for one, person in known.items()
            if members.ask_for(tx, case.id, one, by=sitting.ask.by, at=sitting.now)
        ]
        if not fresh:
            return Change(said="They are in the channel already.")
        told = ", ".join(fresh)
        return Change(
            said=f"Invited into {_where(case)}: {told}.",
            kind=EntryKind.PEOPLE,
            entry=f"{sitting.person.name} asks for {told}",
            after=told,
        )

    return sitting.change(ask)


def _who(sitting: Sitting, chat_id: str) -> Person:
    person, is_guest = who_is(sitting.house.out, chat_id, "")
    if is_guest:
        raise Refused(f"{person.name} is a guest. Invite them in Slack itself, if they may see all of it.")
    return person


# --- who is on call -------------------------------------------------------------------------------


def on_call(sitting: Sitting) -> Reply:
    """Who is on call: for a service, of a person, for this incident, or everywhere."""
    pager = sitting.house.out.pager
    if pager is None:
        raise Refused("Multivac is not connected to PagerDuty. Look there who is on call.")
    title, about, ask = _question(sitting, pager)
    return _answered(sitting, title, about=about, ask=ask)


def _question(sitting: Sitting, pager: Pager) -> tuple[str, str, Callable[[], Sequence[str]]]:
    """What they ask: in words, as a key under which the answer is kept, and how it is asked."""
    if sitting.words.people:
        person, _ = who_is(sitting.house.out, sitting.words.people[0], "")
        return f"On call: {person.name}", person.key, lambda: _of_person(sitting, pager, person)
    if service := sitting.words.text:
        about = f"service {service.lower()}"
        return f"On call for {service}", about, lambda: _for_service(pager, service)
    if policies := _policies_here(sitting):
        about = f"policies {','.join(policies)}"
        return "On call here", about, lambda: _listed(pager.on_call_of_policies(policies))
    return "On call", "all", lambda: _listed(pager.on_call_everywhere())


def _policies_here(sitting: Sitting) -> tuple[str, ...]:
    """The policies of the incident that they name, or in whose channel they ask; none elsewhere."""
    if sitting.number is None:
        return ()
    with sitting.house.out.database.read() as tx:
        if not acts.exists(tx, sitting.number):
            raise Refused(f"There is no INC-{sitting.number}. `/incident list` shows what there is.")
    return people.policies_of(sitting.case())


def _answered(sitting: Sitting, title: str, *, about: str, ask: Callable[[], Sequence[str]]) -> Answer:
    """The answer of the pager; if it does not answer, its last one with its age."""
    database, key = sitting.house.out.database, f"asked {about}"
    try:
        lines = list(ask())
    except MultivacError as error:
        with database.read() as tx:
            last = directory.last_answer(tx, key)
        if last is None:
            raise Refused(f"Who is on call cannot be said now: {error}. Look into PagerDuty.") from error
        lines = [f"PagerDuty does not answer. This is as of {day_and_time(last[1])}:", *last[0]]
        return Answer(title=title, lines=tuple(lines))
    database.write(lambda tx: directory.keep_answer(tx, key, lines, now=sitting.now))
    return Answer(title=title, lines=tuple(lines))


def _for_service(pager: Pager, name: str) -> Sequence[str]:
    policies = pager.policies_of_service(name)
    if not policies:
        return (f"PagerDuty has no service with “{name}” in its name.",)
    return _listed(pager.on_call_of_policies(policies), called=policies)


def _of_person(sitting: Sitting, pager: Pager, person: Person) -> Sequence[str]:
    everywhere = [(one, sitting.house.out.complete(one.person)) for one in pager.on_call_everywhere()]
    theirs = [one for one, who in everywhere if who.key == person.key or _same_id(who, person)]
    return _listed(theirs) if theirs else (f"{person.name} is not on call.",)


def _same_id(one: Person, other: Person) -> bool:
    return one.pagerduty is not None and one.pagerduty == other.pagerduty


def _listed(found: Iterable[OnCall], *, called: Mapping[str, str] | None = None) -> Sequence[str]:
    """One line a policy: its people by level, and until when."""
    by_policy: dict[str, list[str]] = {}
    for one in sorted(found, key=lambda each: (each.policy_name, each.level, each.person.name)):
        name = (called or {}).get(one.policy or "") or one.policy_name or "PagerDuty"
        until = f" until {day_and_time(one.until)}" if one.until else ""
        by_policy.setdefault(name, []).append(f"{one.person.name} (level {one.level}){until}")
    lines = [f"{name}: {', '.join(told)}" for name, told in by_policy.items()]
    if len(lines) > _SHOWN:
        lines = [*lines[:_SHOWN], f"and {len(lines) - _SHOWN} more: name a service."]
    return lines or ("Nobody is on call.",)
