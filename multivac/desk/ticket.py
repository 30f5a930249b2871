"""What people change in the tracker, taken over: assignee, priority, status of an incident's ticket.

The rule for both sides: **the later change counts**, by the tracker's time of the change and ours.
A value equal to ours is no change, so nothing goes round in circles; what we wrote ourselves is not
listened to at all; and a change that comes too late to count is set right in the tracker, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from multivac.briefing import fingerprint
from multivac.desk.asking import Change, DoneBefore, tell_of
from multivac.incident import LEAD, Entry, EntryKind, IncidentId, Person, Status, status_name
from multivac.jobs import Jobs, Put
from multivac.steps.base import Outside
from multivac.steps.news import severity_said_at
from multivac.steps.ticket import TICKET, label_of
from multivac.store import acts, cases, endings, incidents, summons, timeline
from multivac.store import people as directory
from multivac.store import steps as progress
from multivac.store.acts import Act
from multivac.store.cases import Case
from multivac.tongue import mark, written

log = structlog.get_logger()

_LABEL = re.compile(r"multivac-inc-(\d{1,9})-[0-9a-f]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketNews:
    """What the tracker says was changed: only what `changed` names was.

    `request` is the same in each redelivery, and `id` that of the ticket in whatever project it is.
    `is_our_own` says that we did it ourselves.
    """

    request: str
    at: datetime
    ticket: str
    id: str
    labels: tuple[str, ...]
    by: Person | None
    changed: frozenset[str]
    is_our_own: bool = False
    assignee: Person | None = None
    priority: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _News:
    """The news with the people in it as we know them."""

    told: TicketNews
    by: Person
    assignee: Person | None
    now: datetime

    def line(self, text: str, **gaps: object) -> str:
        """A line of the timeline; it may name who did it in which ticket."""
        return written(text, name=self.by.name, ticket=self.told.ticket, **gaps)


class TicketDesk:
    """The front door for what people do in the tracker."""

    def __init__(self, out: Outside, jobs: Jobs) -> None:
        self._out = out
        self._jobs = jobs

    def take(self, news: TicketNews) -> str:
        """Take a change over; returns after the commit, with a word for what became of it."""
        try:
            outcome, put = self._out.database.write(lambda tx: self._take(tx, news), urgent=True)
        except DoneBefore:
            outcome, put = "duplicate", None
        if put is not None:
            self._jobs.begin(put)
        log.info("ticket changed", outcome=outcome, ticket=news.ticket, changed=sorted(news.changed))
        return outcome

    def _take(self, tx: sa.Connection, told: TicketNews) -> tuple[str, Put | None]:
        if told.is_our_own:
            return "our own", None
        case = self._case(tx, told)
        if case is None:
            return "not ours", None
        now = self._out.clock.now()
        is_moved = _follow(tx, case, told, now=now)
        is_over = not case.status.is_open and "status" not in told.changed
        by = self._known(tx, told.by) if told.by else Person(name="Jira")
        assignee = self._known(tx, told.assignee) if told.assignee else None
        news = _News(told=told, by=by, assignee=assignee, now=now)
        changes = [] if is_over else list(_changes(tx, case, news))
        if not changes and not is_moved:
            return "over" if is_over else "no change", None
        for verb, change in changes:
            _keep(tx, case, news, verb=verb, change=change)
        if changes:
            incidents.person_is_on_it(tx, case.id, now=told.at)
        return "changed", self._jobs.put(tx, incidents.touch(tx, case.id))

    def _case(self, tx: sa.Connection, told: TicketNews) -> Case | None:
        """The incident whose ticket it is: by our label, which only its own ticket may speak for."""
        number = _named_by(told)
        if number is None or not acts.exists(tx, number):
            return None
        incidents.lock(tx, number)
        case = cases.load(tx, number)
        # A copy of an issue has its labels too, and one that was moved another key.
        known = case.result(TICKET)
        is_same = known["id"] == told.id if known.get("id") else known.get("key") == told.ticket
        return case if is_same and label_of(case) in told.labels else None

    def _known(self, tx: sa.Connection, person: Person) -> Person:
        """The person with their e-mail, if the map has it or we once looked them up in the tracker."""
        found = self._out.complete(person)
        if found.email or found.jira is None:
            return found
        known = directory.known_as(tx, "jira", found.jira)
        if known is None or "@" not in known.key:
            return found
        return self._out.complete(Person(name=found.name, email=known.key, jira=found.jira))


def _named_by(told: TicketNews) -> IncidentId | None:
    found = next(filter(None, map(_LABEL.fullmatch, told.labels)), None)
    return IncidentId(int(found[1])) if found else None


def _follow(tx: sa.Connection, case: Case, told: TicketNews, *, now: datetime) -> bool:
    """Adopt the key of a ticket that was moved to another project; whether it was."""
    known = case.result(TICKET)
    if known["key"] == told.ticket:
        return False
    url = f"{known['url'].removesuffix(known['key'])}{told.ticket}"
    progress.amend(tx, case.id, TICKET, result={**known, "key": told.ticket, "url": url})
    text = written("The ticket {ticket} was moved, and is {key} now", ticket=known["key"], key=told.ticket)
    moved = Entry(kind=EntryKind.NOTE, at=told.at, text=text, key=f"moved:{told.ticket}")
    timeline.note(tx, case.id, [moved], now=now)
    return True


def _changes(tx: sa.Connection, case: Case, news: _News) -> Iterator[tuple[str, Change]]:
    ways: tuple[tuple[str, str, Callable[[sa.Connection, Case, _News], Change | None]], ...] = (
        ("assignee", "lead", _lead),
        ("priority", "severity", _severity),
        ("status", "status", _status),
    )
    for field, verb, way in ways:
        if field in news.told.changed and (change := way(tx, case, news)) is not None:
            yield verb, change


def _keep(tx: sa.Connection, case: Case, news: _News, *, verb: str, change: Change) -> None:
    """Leave the trail and the line in the timeline. Raises `DoneBefore` for a redelivery."""
    request = f"{news.told.request}:{verb}"
    act = Act(
        request=request,
        ref=fingerprint(request)[:4].upper(),
        at=news.now,
        actor=news.by.key,
        verb=verb,
        via="jira",
        incident=case.id,
        outcome="done",
        before=change.before,
        after=change.after,
    )
    if not acts.leave_trail(tx, act):
        raise DoneBefore
    tell_of(tx, case.id, change, by=news.by.name, at=news.now)
    if change.kind is not None:
        at, name = news.told.at, news.by.name
        entry = Entry(kind=change.kind, at=at, text=change.entry, key=request, actor=name)
        timeline.note(tx, case.id, [entry], now=news.now)


# --- one function for each thing that may change --------------------------------------------------


def _lead(tx: sa.Connection, case: Case, news: _News) -> Change | None:
    to, held = news.assignee, case.roles.get(LEAD)
    if not case.status.is_open or (held is not None and to is not None and _is(case, held.person, to)):
        return None
    if to is None:
        return Change(said="", kind=EntryKind.NOTE, entry=_unassigned(news, held.person if held else None))
    if held is not None and news.told.at < held.since:
        progress.undone(tx, case.id, "assignee")
        return Change(said="", before=held.person.name, after=f"{held.person.name}: named later than that")
    itself = to.key == news.by.key
    if not itself:
        by = written("{name} (in Jira)", name=news.by.name)
        summons.ask_to_lead(tx, case.id, to, now=news.now, by=by)
    acts.give_role(tx, case.id, LEAD, to=to, now=min(news.told.at, news.now))
    if itself:
        acts.accept_role(tx, case.id, LEAD, now=news.now)
    before = held.person.name if held else None
    entry = news.line(mark("{to} is the lead, says {name} in the ticket {ticket}"), to=to.name)
    return Change(
        said="", kind=EntryKind.LEAD, entry=entry, before=before, after=to.name, is_asked=not itself
    )


def _unassigned(news: _News, lead: Person | None) -> str:
    if lead is None:
        return news.line(mark("{name} in the ticket {ticket} took the assignee away"))
    text = mark("{name} in the ticket {ticket} took the assignee away, {lead} leads until another takes it")
    return news.line(text, lead=lead.name)


def _is(case: Case, held: Person, other: Person) -> bool:
    """Whether both are the same human, by key or by the tracker's own id."""
    account = case.result("account")
    ours = held.jira or (account.get("account") if account.get("lead") == held.key else None)
    return held.key == other.key or (ours is not None and ours == other.jira)


def _severity(tx: sa.Connection, case: Case, news: _News) -> Change | None:
    severity = case.playbook.ticket.severity_of(news.told.priority)
    if severity is None or severity is case.severity or not case.status.is_open:
        return None
    settled = severity_said_at(case)
    if settled is not None and news.told.at < settled:
        progress.undone(tx, case.id, "priority")
        return Change(said="", before=case.severity, after=f"{case.severity}: settled later than that")
    acts.settle_severity(tx, case.id, severity, by=news.by.key)
    if case.status is Status.TRIAGE:
        incidents.set_status(tx, case.id, Status.ACTIVE, now=news.now)
    moved = f"{case.severity.upper()} → {severity.upper()}"
    entry = news.line(
        mark("Severity {severity}, settled by {name} in the ticket {ticket}: {priority}"),
        severity=moved,
        priority=news.told.priority,
    )
    return Change(said="", kind=EntryKind.SEVERITY, entry=entry, before=case.severity, after=severity)


def _status(tx: sa.Connection, case: Case, news: _News) -> Change | None:
    status = case.playbook.ticket.status_of(news.told.status)
    if status is None or status is case.status or news.told.at < case.status_at:
        return None
    if not incidents.set_status(tx, case.id, status, now=news.now):
        text = mark("{name} in the ticket {ticket} set {their_status}: INC-{number} stays {status}")
        entry = _moved(news, case, text, status=case.status)
        return Change(said="", kind=EntryKind.NOTE, entry=entry)
    if status.is_open and not case.status.is_open:
        is_lead = case.lead is not None and _is(case, case.lead, news.by)
        by = None if is_lead else written("{name} (in Jira)", name=news.by.name)
        every = case.playbook.update_every(case.severity)
        endings.reopened(tx, case.id, now=news.now, update_every=every, by=by)
    text = mark("{name} in the ticket {ticket} set {their_status}: INC-{number} is {status}")
    entry = _moved(news, case, text, status=status)
    return Change(said="", kind=EntryKind.STATUS, entry=entry, before=case.status, after=status)


def _moved(news: _News, case: Case, text: str, *, status: Status) -> str:
    name = status_name(status, written)
    return news.line(text, their_status=news.told.status, number=case.id, status=name)
