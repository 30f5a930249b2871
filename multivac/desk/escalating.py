"""Escalating: paging the next level of those on call, or whoever answers now for a service or a policy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from multivac.briefing import Answer, Press
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.paging import asked_to_page, must_be_possible
from multivac.errors import MultivacError, Refused
from multivac.incident import EntryKind, Person, status_name
from multivac.ports import OnCall, Pager
from multivac.steps import oncall, paging, people
from multivac.store import summons
from multivac.store.cases import Case, Summons
from multivac.tongue import lasting, phrase, speaking, written

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Called:
    """Whom a page goes to: people, or (with a service) the policy whose on-calls they are now."""

    who: tuple[Person, ...]
    service: str = ""


def escalate(sitting: Sitting) -> Reply:
    """Page whoever is next, with what they must know; where that cannot be, say whom to call and how."""
    team = sitting.words.text.strip("\"' ")
    called = _team(sitting, team) if team else _next_level(sitting, sitting.case())
    if isinstance(called, Answer):
        return called

    def ask(tx: sa.Connection, case: Case) -> Change:
        wanted = _summons(sitting, called)
        must_be_possible(sitting, case, wanted)
        name, note = sitting.person.name, _context(sitting, case)
        number = summons.page(
            tx, case.id, called.who, now=sitting.now, by=name, note=note, service=called.service
        )
        with speaking(None):
            whom = paging.named(wanted)
        return Change(
            said=asked_to_page(paging.named(wanted)),
            kind=EntryKind.PEOPLE,
            entry=written("{name} escalates to {whom}", name=name, whom=whom),
            before=paging.step_of(number),
            after=whom,
        )

    return sitting.change(ask)


def _summons(sitting: Sitting, called: _Called) -> Summons:
    return Summons(number=0, pages=True, people=called.who, service=called.service, at=sitting.now)


def _context(sitting: Sitting, case: Case) -> str:
    """What whoever is woken must know first, in the house's language; nothing of a private incident."""
    with speaking(None):
        age = lasting(sitting.now - case.declared_at)
    facts = written(
        "Escalated: {severity}, {status}, open for {age}.",
        severity=case.severity.upper(),
        status=status_name(case.status, written),
        age=age,
    )
    lead = written("Led by {name}.", name=case.lead.name) if case.lead else written("Nobody leads.")
    impact = ""
    if case.impact and not case.playbook.channel.private:
        impact = written("Impact: {impact}", impact=case.impact)
    return " ".join(filter(None, (facts, lead, impact)))


# --- the next level -------------------------------------------------------------------------------


def _next_level(sitting: Sitting, case: Case) -> _Called | Answer:
    """The lowest level of the alerts' policies in which somebody was not called yet, or that there is none.

    Raises `Refused` if it is not known.
    """
    levels: dict[int, dict[str, Person]] = {}
    for level, person in oncall.on_call_of(case):
        levels.setdefault(level, {})[person.key] = person
    if not levels:
        told = phrase(
            "It is not known who is next for INC-{number}. "
            "Name a service or an escalation policy: `/incident escalate checkout`.",
            number=case.id,
        )
        raise Refused(told)
    reached = {sitting.person.key, *_reached(case)}
    for level in sorted(levels):
        fresh = tuple(one for key, one in levels[level].items() if key not in reached)
        if fresh and level > 1:
            return _Called(who=fresh)
    everybody = {key: one for found in levels.values() for key, one in found.items()}
    everybody.pop(sitting.person.key, None)
    wanted = _summons(sitting, _Called(who=tuple(everybody.values())[:_SHOWN]))
    instead = paging.whom_to_call(wanted, sitting.house.out)
    told = phrase(
        "Nobody is left to escalate to: all on call were called, or are here. {instead}", instead=instead
    )
    return Answer(lines=(told,), presses=(Press(label=phrase("Page somebody"), line=f"INC-{case.id} page"),))


def _reached(case: Case) -> Iterator[str]:
    """The keys of those who were called already, by the pager or by us, and of those who accepted a role."""
    told = case.alerts
    yield from (one.key for one in people.identified(case, (*told.assignees, *told.ackers, *told.responders)))
    yield from (person.key for one in case.summons for person in one.people)
    yield from (row.person.key for row in case.roles.values() if row.accepted_at is not None)


def on_call_for(sitting: Sitting, team: str) -> tuple[Person, ...]:
    """Who answers now for the one service or policy of this name. Raises `Refused`."""
    pager = sitting.house.out.pager
    if pager is None:
        raise Refused(phrase("Multivac is not connected to PagerDuty. Look there who is on call."))
    try:
        return _of_team(sitting, pager, team).who
    except Refused:
        raise
    except MultivacError as error:
        told = phrase("Who is on call cannot be said now: {why}. Look into PagerDuty.", why=error)
        raise Refused(told) from error


# --- a service or a policy ------------------------------------------------------------------------


def _team(sitting: Sitting, team: str) -> _Called:
    """As `_of_team`; where the pager does not answer, the page itself is tried until it does."""
    pager = sitting.house.out.pager
    if pager is None:
        return _Called(who=(), service=team)  # what can be done instead is said by whoever pages
    try:
        return _of_team(sitting, pager, team)
    except Refused:
        raise
    except MultivacError:
        return _Called(who=(), service=team)


def _of_team(sitting: Sitting, pager: Pager, team: str) -> _Called:
    """Who answers now for the one service or policy of this name. Raises as the pager does, or `Refused`."""
    policy, name = _one_of(pager.policies_of_service(team).items(), team)
    return _Called(who=_first(sitting, pager.on_call_of_policies([policy]), name), service=name)


def _one_of(known: Collection[tuple[str, str]], team: str) -> tuple[str, str]:
    """The policy, and the service by which it is known."""
    named = [(policy, name) for policy, names in known for name in names.split(", ")]
    exact = [(policy, name) for policy, name in named if name.casefold() == team.casefold()]
    found = dict(reversed(exact or named))
    if not found:
        told = phrase(
            "PagerDuty has no service and no escalation policy called “{team}”. "
            "`/incident oncall` shows who is on call for what.",
            team=team,
        )
        raise Refused(told)
    if len(found) > 1:
        told = phrase(
            "“{team}” may be more than one: {names}. Write the whole name.",
            team=team,
            names=", ".join(sorted({name for _, name in exact or named})[:_SHOWN]),
        )
        raise Refused(told)
    return next(iter(found.items()))


def _first(sitting: Sitting, found: Collection[OnCall], name: str) -> tuple[Person, ...]:
    """Those of the first level, as we know them."""
    if not found:
        told = phrase("Nobody is on call for {name}. Name another.", name=name)
        raise Refused(told)
    first = min(one.level for one in found)
    known = [sitting.house.out.complete(one.person) for one in found if one.level == first]
    return tuple({one.key: one for one in known}.values())
