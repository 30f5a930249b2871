"""The ticket: opened once, assigned to the lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.errors import GiveUp, TryAgain, sure
from multivac.incident import Entry, EntryKind, Person
from multivac.playbook import ByComponent
from multivac.ports import Ticket, TicketDraft
from multivac.steps.base import NOTHING, Attempt, View
from multivac.store import people as directory
from multivac.store import steps as progress
from multivac.store import timeline
from multivac.store.cases import Case, Result
from multivac.tongue import phrase

# A tracker's search lags behind its writes: only after the last of these without a find is the lost
# attempt taken for one that never happened.
_LOOKS = (timedelta(seconds=2), timedelta(seconds=10), timedelta(seconds=30))
TICKET = "ticket"
_ASKED_AT = "asked_at"  # when a ticket was last asked for that may have been made
AGAIN_AT = "again_at"  # the same of one that may be the second: both may be there, the first still hidden
_LONGEST_TITLE = 200


def label_of(case: Case) -> str:
    """What the ticket is found by: numbers repeat after a restored database, this does not."""
    return f"multivac-inc-{case.id}-{int(case.declared_at.timestamp()):x}"


def wants_ticket(view: View) -> Mapping[str, str]:
    """A ticket, once."""
    return NOTHING if view.out.tracker is None else {"": "1"}


def open_ticket(attempt: Attempt) -> Result:
    """Open it; where an earlier try may have worked, look for that one first."""
    return find_or_open(attempt, draft_of(attempt.case, attempt.out.public_url))


def find_or_open(attempt: Attempt, draft: TicketDraft) -> Result:
    """Write this ticket once: where an earlier try may have worked, look for its label first."""
    tracker = attempt.tracker()
    if attempt.unknown:
        if found := tracker.find_tickets(draft.label):
            return _kept(found[0]) | _second(attempt)
        _wait_for_the_search(attempt)
    again: dict[str, str] = {}
    if attempt.unknown or attempt.before.failing_since is not None:  # a clean first try pays nothing
        again = {AGAIN_AT: attempt.now.isoformat()} if attempt.unknown else {}
        _note_asking(attempt, again)
    try:
        made = tracker.open_ticket(draft)
    except TryAgain as error:
        if error.reached:
            _note_asking(attempt, again)
        raise
    return _kept(made) | again


def _kept(made: Ticket) -> dict[str, Any]:
    told = {"key": made.key, "url": made.url, "id": made.id, "title": made.title}
    return told | {"left_out": dict(made.left_out)}


def _second(attempt: Attempt) -> dict[str, str]:
    """When it was last asked for a second time, if it was."""
    noted = attempt.before.result.get(AGAIN_AT)
    return {AGAIN_AT: noted} if noted else {}


def _wait_for_the_search(attempt: Attempt) -> None:
    """Not to ask again before the search had its time since the last asking that may have made a ticket."""
    asked_at = _last_asked(attempt)
    if asked_at is None:  # whoever asked was cut off just before, or the clock has been set back
        _note_asking(attempt, _second(attempt))
    since = attempt.now - (asked_at or attempt.now)
    if since < _LOOKS[-1]:
        raise TryAgain(
            phrase("an earlier attempt may have made the ticket; looking for it again"),
            after=next(look for look in _LOOKS if look > since) - since,
        )


def _last_asked(attempt: Attempt) -> datetime | None:
    noted = attempt.before.result.get(_ASKED_AT)
    known = datetime.fromisoformat(noted) if noted else attempt.before.failing_since
    return known if known is not None and known <= attempt.now else None


def _note_asking(attempt: Attempt, again: Mapping[str, str]) -> None:
    known = {_ASKED_AT: attempt.now.isoformat(), **again}
    keep = partial(progress.keep_meanwhile, number=attempt.case.id, name=attempt.name, known=known)
    attempt.out.database.write(keep)


def draft_of(case: Case, public_url: str | None) -> TicketDraft:
    """The ticket as it would be opened now: nothing in it that soon is true no more."""
    services = sorted(case.alerts.services)
    if case.playbook.channel.private:
        return _private_draft(case)
    return TicketDraft(
        title=f"INC-{case.id} {case.title}"[:_LONGEST_TITLE],
        paragraphs=(
            _declared(case),
            *((phrase("Services at first: {services}.", services=", ".join(services)),) if services else ()),
            phrase("The response is in the Slack channel #{channel}.", channel=case.channel_name),
            phrase("Status, priority and assignee of this ticket follow the incident."),
        ),
        links=tuple(_links(case, public_url)),
        label=label_of(case),
        severity=case.severity,
        component=_component(case, services),
    )


def _private_draft(case: Case) -> TicketDraft:
    """Of a private incident nothing but that it is one: a project's tickets can be read by many."""
    return TicketDraft(
        title=phrase("INC-{number} private incident", number=case.id),
        paragraphs=(
            _declared(case),
            phrase("What it is about is in its private Slack channel alone."),
        ),
        links=(),
        label=label_of(case),
        severity=case.severity,
        component=None,
    )


def _declared(case: Case) -> str:
    return phrase("Declared {time} UTC.", time=f"{case.declared_at:%Y-%m-%d %H:%M}")


def _component(case: Case, services: Sequence[str]) -> str | None:
    """Only where the playbook works with components: elsewhere Jira would refuse most services' names."""
    rule = next((one.component_lead for one in case.playbook.lead if isinstance(one, ByComponent)), None)
    return None if rule is None else rule.component or next(iter(services), None)


def _links(case: Case, public_url: str | None) -> Iterator[tuple[str, str]]:
    for alert in case.alerts.rows:
        if alert.facts.url:
            yield f"PagerDuty #{alert.facts.number}" if alert.facts.number else "PagerDuty", alert.facts.url
    if public_url:
        yield f"INC-{case.id}", f"{public_url}/incidents/{case.id}"


def keep_ticket(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Note which ticket it is."""
    entry = Entry(
        kind=EntryKind.NOTE, at=now, text=phrase("Ticket {ticket} opened", ticket=made["key"]), key="ticket"
    )
    timeline.note(tx, case.id, [entry], now=now)


def wants_account(view: View) -> Mapping[str, str]:
    """The tracker's own id of the lead."""
    lead = view.case.lead
    return NOTHING if view.out.tracker is None or lead is None else {"": lead.key}


def find_account(attempt: Attempt) -> Result:
    """Look the lead up, unless that was done lately; nobody rather than a guess."""
    lead = sure(attempt.case.lead)
    return {"account": account_of(attempt, lead), "lead": lead.key}


def account_of(attempt: Attempt, person: Person) -> str | None:
    """The tracker's own id of a person, looked up unless that was done lately; None rather than a guess."""
    with attempt.out.database.read() as tx:
        known = directory.identities(tx, "jira", [person.key]).get(person.key)
    if known is not None and known.id and attempt.now - known.checked_at < directory.LASTS:
        return known.id
    found = directory.Identity(
        key=person.key,
        id=attempt.tracker().find_account(person),
        name=person.name,
        active=True,
        checked_at=attempt.now,
    )
    attempt.out.database.write(lambda tx: directory.remember(tx, "jira", [found]))
    return found.id


def wants_assignee(view: View) -> Mapping[str, str]:
    """The lead as assignee, once their account is known; whoever led before does not stay there."""
    found, lead, row = view.case.result("account"), view.case.lead, view.case.steps.get("assignee")
    if lead is None or not found or found["lead"] != lead.key:
        return NOTHING
    if found["account"] is None and (row is None or row.done is None):
        return NOTHING
    return {"": fingerprint(found["account"])}


def assign(attempt: Attempt) -> Result:
    """Make the lead the assignee, or nobody where the tracker does not know them; twice does no harm."""
    key, account = attempt.case.result(TICKET)["key"], attempt.case.result("account")
    try:
        attempt.tracker().assign(key, account["account"])
    except GiveUp:
        if attempt.before.was_done and not attempt.before.tries:  # later, somebody may have been set by hand
            attempt.tracker().assign(key, None)
        raise
    return {"lead": account["lead"]}


def wants_label(view: View) -> Mapping[str, str]:
    """Our label at a ticket that people have linked: what is changed in it is heard by that."""
    linked = view.case.result(TICKET)
    return {"": linked["key"]} if view.out.tracker is not None and linked.get("linked") else NOTHING


def label_ticket(attempt: Attempt) -> Result:
    """Put it there; twice does no harm."""
    attempt.tracker().label(attempt.before.wanted or "", label_of(attempt.case))
    return {}


def open_prioritised(attempt: Attempt) -> Result:
    """Open it, and remember for which severity."""
    return open_ticket(attempt) | {"severity": attempt.case.severity}


def wants_priority(view: View) -> Mapping[str, str]:
    """The ticket's priority following the severity, once that is another than the ticket was opened with."""
    case, ticket, row = view.case, view.case.result("ticket"), view.case.steps.get("priority")
    if view.out.tracker is None or "severity" not in ticket or "priority" in ticket.get("left_out", ()):
        return NOTHING
    if not case.status.is_open:
        return {"": row.done} if row is not None and row.done else NOTHING
    priority = view.playbook.ticket.priority_for(case.severity)
    has_moved = case.severity != ticket["severity"] or (row is not None and (row.was_done or row.unknown))
    return {"": priority} if priority is not None and has_moved else NOTHING


def prioritise(attempt: Attempt) -> Result:
    """Set it; doing so twice does no harm."""
    case = attempt.case
    priority = case.playbook.ticket.priority_for(case.severity)
    attempt.tracker().prioritise(case.result("ticket")["key"], sure(priority))
    return {}
