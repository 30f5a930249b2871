"""What somebody who joins must know, made of facts alone: ten lines at most. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from multivac.briefing import Answer, Press, day_and_time
from multivac.incident import LEAD, Entry, EntryKind, Person
from multivac.steps import people
from multivac.steps.base import View
from multivac.steps.checklists import left_to_do
from multivac.store.cases import Case
from multivac.store.facts import person_from

_SHOWN_ENTRIES = 5
_SHOWN_TASKS = 3
_LONGEST_ENTRY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Somebody is on call for these services, until then if that is known."""

    services: tuple[str, ...]
    until: datetime | None


def duty_of(case: Case, person: Person, listed: Iterable[Mapping[str, Any]], *, now: datetime) -> Duty | None:
    """What the person is on call for among the services of the incident's alerts, by an on-call list."""
    theirs = [one for one in listed if one["policy"] in case.alerts.policies and _is(person, one["person"])]
    ends = [datetime.fromisoformat(one["until"]) if one["until"] else None for one in theirs]
    standing = [(one, end) for one, end in zip(theirs, ends, strict=True) if end is None or end > now]
    if not standing:
        return None
    policies = {one["policy"] for one, _ in standing}
    named = (
        row.facts.service_name or "a service" for row in case.alerts.rows if row.facts.policy_id in policies
    )
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
    roles = [name for name, held in case.roles.items() if held.person.key == person.key]
    if roles:
        return f"You are the {' and the '.join(sorted(roles))}."
    if duty is not None:
        until = f" until {day_and_time(duty.until)}" if duty.until else ""
        return f"You are on call for {', '.join(duty.services)}{until}."
    told = case.alerts
    if person.key in {one.key for one in people.identified(case, told.assignees)}:
        return "PagerDuty assigned the alert to you."
    if person.key in {one.key for one in people.identified(case, told.responders)}:
        return "You were added to the alert in PagerDuty."
    if case.declared_by is not None and case.declared_by.key == person.key:
        return "You declared it."
    member = case.members.get(person.slack or "")
    asked = member is not None and member.asked_by not in {None, person.slack}
    return "Somebody who responds asked for you." if asked else ""


def briefing(view: View, entries: Sequence[Entry], *, why: str) -> Answer:
    """Where the incident stands, for one person."""
    case = view.case
    stands = (case.severity.upper(), case.status, f"for {_age(view.now - case.declared_at)}", _people(case))
    lines = (
        " · ".join(stands),
        _what(case),
        why,
        *_news(entries),
        _to_do_and_links(view),
    )
    about = f"INC-{case.id}"
    take = Press(label="Take the lead", line=f"{about} lead me", stands_out=True)
    presses = (
        *((take,) if case.lead is None and case.status.is_open else ()),
        Press(label="Timeline", line=f"{about} timeline"),
    )
    return Answer(title=f"{about} · {case.title}", lines=tuple(filter(None, lines)), presses=presses)


def _people(case: Case) -> str:
    lead = f"led by {people.name_of(case, case.lead)}" if case.lead else "nobody leads"
    others = [
        f"{name} {people.name_of(case, held.person)}"
        for name, held in sorted(case.roles.items())
        if name != LEAD
    ]
    return " · ".join([lead, *others])


def _what(case: Case) -> str:
    services = f"Services: {', '.join(case.alerts.services[:5])}" if case.alerts.services else ""
    number = len(case.alerts.rows)
    alerts = f"{number} alert{'' if number == 1 else 's'}" if number else ""
    impact = f"Impact: {case.impact}" if case.impact else "Impact: nobody has said yet"
    return " · ".join(filter(None, (impact, services, alerts)))


def _news(entries: Sequence[Entry]) -> Iterator[str]:
    """The latest update, then what happened last, the newest first."""
    update = next((one for one in reversed(entries) if one.kind is EntryKind.UPDATE), None)
    if update is not None:
        yield f"Latest update {day_and_time(update.at)}: {_short(update.text)}"
    others = [one for one in entries if one is not update]
    for one in reversed(others[-_SHOWN_ENTRIES:]):
        yield f"{day_and_time(one.at)} {_short(one.text)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_ENTRY else f"{text[:_LONGEST_ENTRY]}…"


def _to_do_and_links(view: View) -> str:
    case, left = view.case, left_to_do(view)
    more = len(left) - _SHOWN_TASKS
    to_do = "; ".join(one.rstrip(".") for one in left[:_SHOWN_TASKS]) + (
        f" and {more} more" if more > 0 else ""
    )
    ticket, bridge = case.result("ticket"), case.alerts.bridge_url
    pages = [f"ticket {ticket['key']} {ticket['url']}"] if ticket else []
    pages += [f"PagerDuty {row.facts.url}" for row in case.alerts.rows[:1] if row.facts.url]
    pages += [f"call {bridge}"] if bridge else []
    return " · ".join(filter(None, (f"To do: {to_do}" if left else "", *pages)))


def _age(span: timedelta) -> str:
    minutes = max(int(span.total_seconds() // 60), 0)
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (rest, "min")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "less than a minute"
