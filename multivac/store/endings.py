"""How incidents end and begin again, as rows: merged into another, archived on request, reopened."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store import acts, alerts, cadence, incidents, reminders, storms, summons, traits
from multivac.store import steps as progress
from multivac.store.cases import Case
from multivac.store.tables import alert, incident
from multivac.store.traits import Subject

_REMEMBERED = 100  # alerts by which later ones find the incident that goes on


def merge(tx: sa.Connection, case: Case, into: Case) -> None:
    """Give the alerts of one incident to another, which later alerts of the kind join as well."""
    tx.execute(sa.update(incident).where(incident.c.id == case.id).values(merged_into=into.id))
    if alerts.standing(tx, case.id).worst is not None:
        incidents.withdraw_resolution(tx, into.id)  # one of its alerts is open again
    tx.execute(sa.update(alert).where(alert.c.incident == case.id).values(incident=into.id))
    for row in case.alerts.rows[:_REMEMBERED]:
        subject = Subject(source=row.source, key=row.key, facts=row.facts)
        traits.remember(tx, into.id, subject, declared_at=into.declared_at)
    worst = min(case.severity, into.severity, key=lambda one: one.rank)
    is_settled = tx.scalar(sa.select(incident.c.severity_by).where(incident.c.id == into.id)) is not None
    if not is_settled and worst is not into.severity:
        incidents.set_severity(tx, into.id, worst)
        if worst.rank <= storms.NEVER_WAITS:
            storms.leave(tx, into.id)


def reopened(  # noqa: PLR0913  # what begins anew for an incident, and what its lead is told
    tx: sa.Connection,
    number: IncidentId,
    *,
    now: datetime,
    update_every: timedelta | None,
    by: str | None = "",
    note: str = "",
) -> None:
    """It is open again: what came due while it was over helps nobody, and whoever led is asked anew.

    One that was merged goes on by itself. `by` is the name of whoever reopened it, empty if it was an
    alert, None if it was the lead.
    """
    tx.execute(sa.update(incident).where(incident.c.id == number).values(merged_into=None))
    acts.checklists_from(tx, number, now)
    if update_every is not None:
        cadence.begin_anew(tx, number, next_at=now + update_every)
    if by is not None:
        summons.call_again(tx, number, now=now, by=by, note=note)


def leave_channel(tx: sa.Connection, case: Case, *, steps: Collection[str]) -> None:
    """Go on in a new channel: what these steps had done in the old one is to be done there."""
    left = {"channel_id": None, "shut_at": None, "shut_how": None}
    tx.execute(sa.update(incident).where(incident.c.id == case.id).values(left))
    since = case.result("channel").get("since") or case.steps["channel"].done_at
    known = {"before": case.channel_id, "since": str(since)}
    progress.undo(tx, case.id, steps)
    progress.keep_meanwhile(tx, case.id, "channel", known=known)
    reminders.out_of_threads(tx, case.id)


def ask_to_archive(tx: sa.Connection, number: IncidentId, *, now: datetime) -> None:
    """Somebody wants the channel archived now."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(archive_at=now))


def acted_at(tx: sa.Connection, number: IncidentId) -> datetime | None:
    """When people last did something."""
    at: datetime | None = tx.scalar(sa.select(incident.c.acted_at).where(incident.c.id == number))
    return at
