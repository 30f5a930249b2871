"""Joining an incident: coming in, being briefed, and finding out who is on call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa

from multivac.briefing import Answer
from multivac.desk import roster
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.meant import met
from multivac.desk.names import channel_link, none_such, stands
from multivac.desk.roster import Roster
from multivac.errors import MultivacError, Refused
from multivac.ports import OnCall, Pager
from multivac.steps import briefs, oncall
from multivac.steps.base import View
from multivac.store import acts, members, timeline
from multivac.store.cases import Case
from multivac.tongue import phrase

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
    return briefs.briefing(view, entries, person=sitting.person, duty=duty)


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
    if sitting.words.people:
        return _of_person(sitting, pager)
    if service := sitting.words.text:
        return _for_service(sitting, pager, service)
    if policies := _policies_here(sitting):
        found = _asked(
            sitting, f"policies {','.join(policies)}", lambda: (pager.on_call_of_policies(policies), {})
        )
        return Answer(title=phrase("On call here"), lines=tuple(roster.lines(found)))
    return Answer(title=phrase("On call"), lines=tuple(roster.lines(_everywhere(sitting, pager))))


def _policies_here(sitting: Sitting) -> tuple[str, ...]:
    """The policies of the incident that they name, or in whose channel they ask; none elsewhere."""
    if sitting.number is None:
        return ()
    with sitting.house.out.database.read() as tx:
        if not acts.exists(tx, sitting.number):
            raise Refused(none_such(sitting.number))
    return oncall.policies_of(sitting.case())


def _asked(
    sitting: Sitting, about: str, ask: Callable[[], tuple[Iterable[OnCall], Mapping[str, str]]]
) -> Roster:
    """The answer of the pager, or its last one. Raises `Refused` where there is none."""
    try:
        return roster.asked(sitting.house.out, about, ask)
    except MultivacError as error:
        told = phrase("Who is on call cannot be said now: {why}. Look into PagerDuty.", why=error)
        raise Refused(told) from error


def _everywhere(sitting: Sitting, pager: Pager) -> Roster:
    return _asked(sitting, roster.EVERYWHERE, lambda: (pager.on_call_everywhere(), {}))


def _for_service(sitting: Sitting, pager: Pager, name: str) -> Answer:
    def ask() -> tuple[Iterable[OnCall], Mapping[str, str]]:
        policies = pager.policies_of_service(name)
        return (pager.on_call_of_policies(policies) if policies else ()), policies

    found = _asked(sitting, f"service {name.lower()}", ask)
    lines = roster.lines(found)
    if not found.called:
        none_found = phrase("PagerDuty has no service with “{name}” in its name.", name=name)
        lines = [*roster.age(found), none_found]
    return Answer(title=phrase("On call for {service}", service=name), lines=tuple(lines))


def _of_person(sitting: Sitting, pager: Pager) -> Answer:
    person, _ = met(sitting, sitting.words.people[0])
    found = _everywhere(sitting, pager).of(person)
    lines = roster.lines(found)
    if not found.on_call:
        lines = [*roster.age(found), phrase("{name} is not on call.", name=person.name)]
    return Answer(title=phrase("On call: {name}", name=person.name), lines=tuple(lines))
