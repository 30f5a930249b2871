"""How bad it is, answered in the pager: a priority set there by whoever settles it here counts as their word.

What the pager's automation sets, or anybody else, is only what the alert says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.incident import (
    CX_LEAD,
    DEPUTY,
    LEAD,
    Entry,
    EntryKind,
    Person,
    Prioritised,
    Severity,
    Status,
)
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.news import severity_said_at
from multivac.steps.paging import PAGER
from multivac.store import acts, incidents, sayings, timeline
from multivac.store.acts import Act
from multivac.store.cases import Case, Result
from multivac.store.facts import person_from, person_to
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase

STEP = "severity heard"
_MOST = 25  # alerts of one incident
_ECHO = timedelta(minutes=2)  # within which the pager tells us of a priority that we have set
_SETTLE = (CX_LEAD, LEAD, DEPUTY)
_STAMP = "%Y%m%dT%H%M%S.%f"


def wants_answers(view: View) -> Mapping[str, str]:
    """A look at who set an alert's priority, where that would settle or change the severity."""
    case = view.case
    if view.out.pager is None or not case.status.is_open:
        return NOTHING
    return {
        row.key: f"{said.at:{_STAMP}}"
        for row in case.alerts.rows[:_MOST]
        if row.source == PAGER
        and (said := row.facts.prioritised) is not None
        and said.priority == row.facts.priority
        and row.facts.status != "resolved"
        and _would_change(case, row.key, said)
    }


def are_awaited(view: View) -> bool:
    """Whether it is being found out who set a priority; not while that fails, for it may take long."""
    rows = view.case.steps
    return any(
        (row := rows.get(f"{STEP}/{alert}")) is None or (row.done != mark and row.failing_since is None)
        for alert, mark in wants_answers(view).items()
    )


def _would_change(case: Case, alert: str, said: Prioritised) -> bool:
    row, meant = case.steps.get(f"{STEP}/{alert}"), _meant(case, said)
    if row is not None and row.done == f"{said.at:{_STAMP}}":
        return True  # as it was heard, or it would be heard anew
    is_person = said.by.pagerduty is not None or said.by.email is not None
    if meant is None or not is_person or said.at <= _settled_at(case) or _is_ours(case, alert, said):
        return False
    return case.status is Status.TRIAGE or case.severity_by is None or case.severity is not meant


def _meant(case: Case, said: Prioritised) -> Severity | None:
    means = case.playbook.severity.by_priority
    return next((one for name, one in means.items() if name.casefold() == said.priority.casefold()), None)


def _settled_at(case: Case) -> datetime:
    return severity_said_at(case) or case.declared_at


def _is_ours(case: Case, alert: str, said: Prioritised) -> bool:
    """Whether we set it ourselves, since the alert follows the severity: the pager names our account then."""
    row, meant = case.steps.get(f"alert priority/{alert}"), _meant(case, said)
    if row is None or meant is None:
        return False
    if row.done == meant.value and row.done_at is not None and abs(said.at - row.done_at) <= _ECHO:
        return True
    return row.wanted == meant.value and row.done != row.wanted


def find_who(attempt: Attempt) -> Result:
    """Who set it, with the e-mail that the pager's news leave out."""
    case = attempt.case
    said = next(row.facts.prioritised for row in case.alerts.rows if row.key == attempt.instance)
    if said is None:
        return {}
    [by] = people.identified(case, [attempt.out.complete(said.by)])
    if by.email is None and by.pagerduty is not None:
        by = attempt.out.complete(attempt.pager().person(by.pagerduty) or by)
    severity = _meant(case, said)
    return {"alert": attempt.instance, "by": person_to(by), "severity": severity, "at": said.at.isoformat()}


def keep_answer(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Settle the severity in their name, if it is theirs to settle."""
    brief = incidents.brief(tx, case.id)
    if not made.get("severity") or not brief.status.is_open:
        return
    by, severity = person_from(made["by"]), Severity(made["severity"])
    held = {name: one for name, one in acts.roles_of(tx, case.id).items() if _is(one, by)}
    if held.keys().isdisjoint(_SETTLE) or not acts.leave_trail(tx, _act(case, made, by, now=now)):
        return
    acts.settle_severity(tx, case.id, severity, by=next(iter(held.values())).key)
    if brief.status is Status.TRIAGE:
        incidents.set_status(tx, case.id, Status.ACTIVE, now=now)
    if LEAD in held:
        acts.accept_role(tx, case.id, LEAD, now=now)
    before = _before(tx, case, severity, now=now) or brief.severity
    moved = severity.upper() if severity is before else f"{before.upper()} → {severity.upper()}"
    text = phrase("Severity {severity}, settled by {name} in PagerDuty", severity=moved, name=by.name)
    more = {"what": "severity", "before": before, "after": severity, "why": ""}
    sayings.add(tx, case.id, kind=SayingKind.CHANGE, text=text, by=by.name, at=now, more=more)
    key = f"severity:{made['alert']}:{made['at']}"
    settled = Entry(kind=EntryKind.SEVERITY, at=now, text=text, key=key, actor=by.name)
    timeline.note(tx, case.id, [settled], now=now)


def _before(tx: sa.Connection, case: Case, severity: Severity, *, now: datetime) -> Severity | None:
    """What it was before their priority came as news of the alert, which has changed it already."""
    said = next((one for one in reversed(sayings.of(tx, case.id)) if one.kind is SayingKind.CHANGE), None)
    if (
        said is None
        or said.by
        or said.more.get("what") != "severity"
        or now - said.at >= timedelta(minutes=1)
    ):
        return None
    return Severity(str(said.more["before"])) if said.more.get("after") == severity else None


def _is(one: Person, other: Person) -> bool:
    same_id = one.pagerduty is not None and one.pagerduty == other.pagerduty
    return same_id or one.key == other.key


def _act(case: Case, made: Result, by: Person, *, now: datetime) -> Act:
    request = f"pagerduty:{case.id}:{made['alert']}:{made['at']}"
    return Act(
        request=request,
        ref=fingerprint(request)[:4].upper(),
        at=now,
        actor=by.key,
        verb="severity",
        via="pagerduty",
        incident=case.id,
        outcome="done",
        before=case.severity,
        after=made["severity"],
    )
