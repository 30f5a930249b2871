"""What somebody who joins must know, made of facts alone: ten lines at most. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import islice
from typing import Any

from multivac.briefing import Answer, Link, Press, day_and_time
from multivac.incident import LEAD, Entry, EntryKind, Person, Status, role_name, status_name
from multivac.steps import duties, oncall, paging, people
from multivac.steps.base import View
from multivac.steps.checklists import open_tasks
from multivac.steps.leading import waiting
from multivac.steps.links import links_of
from multivac.steps.words import ended_at, fixed_by, has_accepted, led_by, mitigated_at
from multivac.store import acknowledgements
from multivac.store.cases import Case
from multivac.store.facts import person_from
from multivac.tongue import lasting, phrase, plural

LINES = 10  # besides the title
_SHOWN_ENTRIES = 5
_SHOWN_TASKS = 3
_SHOWN_LINKS = 3
_LONGEST_ENTRY = 200
_ROUTINE = frozenset({"channel", "ticket"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Somebody is on call for these services, until then if that is known."""

    services: tuple[str, ...]
    until: datetime | None


def duty_of(case: Case, person: Person, listed: Iterable[Mapping[str, Any]], *, now: datetime) -> Duty | None:
    """What the person is on call for among the incident's services, by an on-call list."""
    own = oncall.own_policies(case)
    theirs = [one for one in listed if one["policy"] in own and _is(person, one["person"])]
    ends = [datetime.fromisoformat(one["until"]) if one["until"] else None for one in theirs]
    standing = [(one, end) for one, end in zip(theirs, ends, strict=True) if end is None or end > now]
    if not standing:
        return None
    policies = {one["policy"] for one, _ in standing}
    named = [
        row.facts.service_name or phrase("a service")
        for row in case.alerts.rows
        if row.facts.policy_id in policies
    ]
    named += [name for policy, name in duties.policies_of(case).items() if policy in policies]
    known = [end for _, end in standing if end is not None]
    return Duty(services=tuple(dict.fromkeys(named)), until=max(known) if len(known) == len(ends) else None)


def _is(person: Person, stored: Mapping[str, Any]) -> bool:
    other = person_from(dict(stored))
    same_id = any(
        getattr(person, kind) is not None and getattr(person, kind) == getattr(other, kind)
        for kind in ("slack", "pagerduty")
    )
    return same_id or person.key == other.key


def why_here(case: Case, person: Person, duty: Duty | None) -> str:
    """Why this person is in the channel, in a sentence; "" if nothing is known of it."""
    return next(filter(None, _reasons(case, person, duty)), "")


def _reasons(case: Case, person: Person, duty: Duty | None) -> Iterator[str]:
    """All that may have brought them here, what matters most first; "" for what has not."""
    on_call = on_duty(duty) if duty is not None else ""
    if _is_asked(case, person):
        yield " ".join(filter(None, (phrase("You are asked to lead."), on_call)))
    yield _roles_of(case, person)
    yield _paged_by(case, person)
    yield on_call
    if _is_among(case, person, case.alerts.assignees):
        yield phrase("PagerDuty assigned the alert to you.")
    if _is_among(case, person, case.alerts.responders):
        yield phrase("You were added to the alert in PagerDuty.")
    if case.declared_by is not None and case.declared_by.key == person.key:
        yield phrase("You declared it.")
    if _was_asked_for(case, person):
        yield phrase("Somebody who responds asked for you.")


def _is_asked(case: Case, person: Person) -> bool:
    """Whether it is their turn to accept the lead, whoever has it until then."""
    call = waiting(case)
    return call is not None and call.people[0].key == person.key


def _roles_of(case: Case, person: Person) -> str:
    held = sorted(name for name, role in case.roles.items() if role.person.key == person.key)
    return phrase("You are the {role}.", role=reduce(_and_the, map(role_name, held))) if held else ""


def _is_among(case: Case, person: Person, named: Iterable[Person]) -> bool:
    return person.key in {one.key for one in people.identified(case, named)}


def _was_asked_for(case: Case, person: Person) -> bool:
    member = case.members.get(person.slack or "")
    return member is not None and member.asked_by not in {None, person.slack}


def _paged_by(case: Case, person: Person) -> str:
    """Who had them paged, and what for."""
    asked = (one for one in reversed(case.summons) if one.pages and one.by)
    found = next((one for one in asked if person.key in {who.key for who in one.people}), None)
    if found is None:
        return ""
    if not found.note:
        return phrase("{name} had you paged.", name=found.by)
    return phrase("{name} had you paged: {why}", name=found.by, why=_short(found.note))


def _and_the(roles: str, role: str) -> str:
    return phrase("{roles} and the {role}", roles=roles, role=role)


def on_duty(duty: Duty) -> str:
    """What somebody is on call for, in a sentence for them."""
    services = ", ".join(duty.services)
    if duty.until is None:
        return phrase("You are on call for {services}.", services=services)
    until = day_and_time(duty.until)
    return phrase("You are on call for {services} until {until}.", services=services, until=until)


def briefing(
    view: View, entries: Sequence[Entry], *, person: Person, duty: Duty | None, most: int = LINES
) -> Answer:
    """Where the incident stands, for one person, and why they are here; of one that is over, how it ended.

    It has so many lines at most, the links among them: what happened first is left out.
    """
    case, links = view.case, _links(view.case)
    facts = _of_open(view, why_here(case, person, duty)) if case.status.is_open else _of_ended(view)
    to_do = _to_do([one.text for one in open_tasks(view)]) if case.status.is_open else ""
    update = _latest_update(entries)
    room = most - len(list(filter(None, (*facts, update, to_do, links))))
    lines = (*facts, update, *_happened(entries, room=room), to_do)
    return Answer(
        title=f"INC-{case.id} · {case.title}",
        lines=tuple(filter(None, lines)),
        links=links,
        presses=tuple(_presses(view, person)),
    )


def _presses(view: View, person: Person) -> Iterator[Press]:
    case, about = view.case, f"INC-{view.case.id}"
    if _is_asked(case, person):
        yield Press(label=phrase("Accept"), line=f"{about} lead accept", stands_out=True)
    if case.lead is None and case.status.is_open:
        yield Press(label=phrase("Take the lead"), line=f"{about} lead it", stands_out=True)
    if case.status.is_open and any(not one.owner for one in open_tasks(view)):
        yield Press(label=phrase("Take a task"), line=f"{about} task take")
    yield Press(label=phrase("Timeline"), line=f"{about} timeline")


def _of_open(view: View, why: str) -> tuple[str, ...]:
    case = view.case
    since = phrase("open for {age}", age=lasting(view.now - case.declared_at))
    stands = (case.severity.upper(), status_name(case.status), since, _people(view))
    return (" · ".join(stands), _what(case), why, paging.failed(view))


def _of_ended(view: View) -> tuple[str, ...]:
    """What a reader asks of what is over; why they are here is no question any more."""
    case = view.case
    end, fixed = ended_at(case) or case.status_at, fixed_by(case)
    over = phrase(
        "It is over since {time}, after {age}.", time=day_and_time(end), age=lasting(end - case.declared_at)
    )
    stands = (case.severity.upper(), status_name(case.status), _people(view))
    mitigated = mitigated_at(case)
    eased = phrase("Mitigated {at}.", at=day_and_time(mitigated)) if mitigated is not None else ""
    return (" · ".join(stands), eased, over, _what(case), _how_it_ended(case, _short(fixed)))


def _how_it_ended(case: Case, how: str) -> str:
    if not how:
        return ""
    if case.status is Status.DISMISSED:
        return phrase("Why it was no incident: {how}", how=how)
    return phrase("How it ended: {how}", how=how)


def _people(view: View) -> str:
    case = view.case
    leads = people.name_of(case, case.lead) if case.lead else ""
    lead = led_by(leads, accepted=has_accepted(view)) if leads else phrase("nobody leads")
    others = [
        f"{role_name(name)} {people.name_of(case, held.person)}"
        for name, held in sorted(case.roles.items())
        if name != LEAD
    ]
    return " · ".join([lead, *others])


def _what(case: Case) -> str:
    named, number = ", ".join(case.alerts.services[:5]), len(case.alerts.rows)
    services = phrase("Services: {services}", services=named) if named else ""
    alerts = plural("1 alert", "{count} alerts", number) if number else ""
    impact = phrase("Impact: nobody has said yet") if case.status.is_open else ""
    if case.impact:
        impact = phrase("Impact: {impact}", impact=_short(case.impact))
    return " · ".join(filter(None, (impact, services, alerts)))


def _latest_update(entries: Sequence[Entry]) -> str:
    update = next((one for one in reversed(entries) if one.kind is EntryKind.UPDATE), None)
    if update is None:
        return ""
    return phrase("Latest update {at}: {text}", at=day_and_time(update.at), text=_short(update.text))


def _happened(entries: Sequence[Entry], *, room: int) -> Iterator[str]:
    """What happened last besides the latest update, the newest first."""
    latest = next((one for one in reversed(entries) if one.kind is EntryKind.UPDATE), None)
    others = (one for one in reversed(entries) if one is not latest and not _is_routine(one))
    for one in islice(others, max(0, min(room, _SHOWN_ENTRIES))):
        yield f"• {day_and_time(one.at)} {_short(one.text)}"


def _is_routine(one: Entry) -> bool:
    """Whether it tells that we did what we always do, which helps nobody who has just come."""
    by_key = one.key in _ROUTINE or one.key.startswith(("invite:", acknowledgements.ENTRY))
    return one.actor is None and (by_key or one.kind is EntryKind.CHECKLIST)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_ENTRY else f"{text[:_LONGEST_ENTRY]}…"


def _links(case: Case) -> tuple[Link, ...]:
    ticket, bridge = case.result("ticket"), case.alerts.bridge_url
    pages = [Link(label=ticket["key"], url=ticket["url"])] if ticket else []
    pages += [Link(label="PagerDuty", url=row.facts.url) for row in case.alerts.rows[:1] if row.facts.url]
    pages += [Link(label=phrase("Join the call"), url=bridge)] if bridge else []
    added = list(links_of(case).items())[-_SHOWN_LINKS:]
    return (*pages, *(Link(label=label, url=url) for url, label in added))


def _to_do(left: Sequence[str]) -> str:
    tasks, more = "; ".join(one.rstrip(".。") for one in left[:_SHOWN_TASKS]), len(left) - _SHOWN_TASKS
    if more > 0:
        return phrase("To do: {tasks} and {number} more", tasks=tasks, number=more)
    return phrase("To do: {tasks}", tasks=tasks) if left else ""
