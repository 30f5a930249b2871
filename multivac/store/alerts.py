"""Alerts and their deliveries as rows: what came, was it new, what is known now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa

from multivac.incident import Alert, AlertKind, Facts, IncidentId, Severity
from multivac.store.facts import facts_of, forget_acknowledgement, merge
from multivac.store.tables import alert, delivery, insert_into, insert_new, unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An alert as last known, with the incident it belongs to, if any."""

    id: int
    incident: IncidentId | None
    facts: Facts
    changed: bool


_BY_KEY = (
    sa.select(alert.c.id, alert.c.incident, alert.c.facts)
    .where(alert.c.source == sa.bindparam("its_source"), alert.c.key == sa.bindparam("its_key"))
    .with_for_update()
)


def receive(tx: sa.Connection, told: Alert, *, now: datetime) -> bool:
    """Note a delivery; False if this event or this webhook was received before."""
    row = {
        "event_id": told.event_id,
        "webhook_id": told.webhook_id,
        "kind": told.vendor_kind,
        "alert_key": told.key,
        "occurred_at": told.occurred_at,
        "received_at": now,
        "outcome": "received",
    }
    return insert_new(tx, delivery, row)


def incident_of(tx: sa.Connection, source: str, key: str) -> IncidentId | None:
    """The incident an alert belongs to, if any."""
    found = tx.scalars(
        sa.select(alert.c.incident).where(alert.c.source == source, alert.c.key == key)
    ).one_or_none()
    return None if found is None else IncidentId(found)


def find(tx: sa.Connection, source: str, key: str) -> Known | None:
    """An alert as last known, which only this transaction changes from here on; None if nobody told of it."""
    row = tx.execute(_BY_KEY, {"its_source": source, "its_key": key}).one_or_none()
    if row is None:
        return None
    owner = None if row.incident is None else IncidentId(row.incident)
    return Known(id=row.id, incident=owner, facts=facts_of(row.facts), changed=False)


def learn(tx: sa.Connection, told: Alert, key: str, *, now: datetime) -> Known:
    """Merge what was told into what is known of the alert, and return that."""
    stored = _with(told, "{}")
    fresh = {"source": told.source, "key": key, "facts": stored, "first_at": told.occurred_at, "last_at": now}
    number = tx.scalar(_first_heard(tx.dialect.name), fresh)
    if number is not None:
        return Known(id=number, incident=None, facts=facts_of(stored), changed=True)
    row = tx.execute(_BY_KEY, {"its_source": told.source, "its_key": key}).one()
    stored = _with(told, row.facts)
    tx.execute(_LEARNT, {"number": row.id, "stored": stored, "at": now})
    owner = None if row.incident is None else IncidentId(row.incident)
    facts = facts_of(stored)
    return Known(id=row.id, incident=owner, facts=facts, changed=facts != facts_of(row.facts))


def _with(told: Alert, known: str) -> str:
    stored = merge(known, told.facts, told.occurred_at)
    if told.kind in {AlertKind.UNACKNOWLEDGED, AlertKind.REOPENED}:
        return forget_acknowledgement(stored, told.occurred_at)
    return stored


@cache
def _first_heard(dialect: str) -> sa.Executable:
    insert: sa.Executable = insert_into(dialect, alert).on_conflict_do_nothing().returning(alert.c.id)
    return insert


def belongs(tx: sa.Connection, number: int, owner: IncidentId, *, as_bad_as: Severity | None) -> None:
    """Make an alert part of an incident; `as_bad_as` is None for one that is resolved."""
    tx.execute(_BELONGS, {"number": number, "owner": owner, "severity": as_bad_as})


def worst_open(tx: sa.Connection, owner: IncidentId) -> Severity | None:
    """The worst that the incident's alerts imply, of those not resolved; None if all are."""
    worst = tx.scalar(_WORST, {"owner": owner})
    return None if worst is None else Severity(worst)


def are_many(tx: sa.Connection, owner: IncidentId) -> bool:
    """Whether an incident has so many alerts that a look at all of them takes long."""
    return len(tx.scalars(_FIRST_ONES, {"owner": owner}).all()) == _MANY


_MANY = 100
_FIRST_ONES = sa.select(alert.c.id).where(alert.c.incident == sa.bindparam("owner")).limit(_MANY)
_BELONGS = (
    sa.update(alert)
    .where(alert.c.id == sa.bindparam("number"))
    .values(incident=sa.bindparam("owner"), open_as=sa.bindparam("severity"))
)
_WORST = sa.select(sa.func.min(alert.c.open_as)).where(alert.c.incident == sa.bindparam("owner"))
_LEARNT = (
    sa.update(alert)
    .where(alert.c.id == sa.bindparam("number"))
    .values(facts=sa.bindparam("stored"), last_at=sa.bindparam("at"))
)


def keep_unreadable(
    tx: sa.Connection, body: bytes, *, webhook_id: str | None, why: str, now: datetime
) -> bool:
    """Keep a rightly signed body that nobody understands; False if it is kept already."""
    row = {"webhook_id": webhook_id, "received_at": now, "why": why, "body": body}
    return insert_new(tx, unreadable, row)


def forget_deliveries(tx: sa.Connection, before: datetime) -> int:
    """Delete delivery notes older than any redelivery can be (the pager stops after 48 hours)."""
    return tx.execute(sa.delete(delivery).where(delivery.c.received_at < before)).rowcount


KEEP_DELIVERIES = timedelta(days=7)
