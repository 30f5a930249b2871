"""Alerts and their deliveries as rows: what came, was it new, what is known now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.incident import Alert, AlertKind, Facts, IncidentId
from multivac.store.facts import facts_of, forget_acknowledgement, merge
from multivac.store.tables import alert, delivery, insert_new, unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An alert as last known, with the incident it belongs to, if any."""

    id: int
    incident: IncidentId | None
    facts: Facts
    is_new: bool
    changed: bool


_BY_KEY = sa.select(alert).where(
    alert.c.source == sa.bindparam("its_source"), alert.c.key == sa.bindparam("its_key")
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


def learn(tx: sa.Connection, told: Alert, key: str, *, now: datetime) -> Known:
    """Merge what was told into what is known of the alert, and return that."""
    fresh = {"source": told.source, "key": key, "facts": "{}", "first_at": told.occurred_at, "last_at": now}
    is_new = insert_new(tx, alert, fresh)
    row = tx.execute(_BY_KEY.with_for_update(), {"its_source": told.source, "its_key": key}).one()
    stored = merge(row.facts, told.facts, told.occurred_at)
    if told.kind in {AlertKind.UNACKNOWLEDGED, AlertKind.REOPENED}:
        stored = forget_acknowledgement(stored, told.occurred_at)
    tx.execute(_LEARNT, {"number": row.id, "stored": stored, "at": now})
    owner = None if row.incident is None else IncidentId(row.incident)
    facts = facts_of(stored)
    return Known(id=row.id, incident=owner, facts=facts, is_new=is_new, changed=facts != facts_of(row.facts))


def belongs(tx: sa.Connection, number: int, owner: IncidentId) -> None:
    """Make an alert part of an incident."""
    tx.execute(_BELONGS, {"number": number, "owner": owner})


_BELONGS = sa.update(alert).where(alert.c.id == sa.bindparam("number")).values(incident=sa.bindparam("owner"))
_FACTS = sa.select(alert.c.facts).where(alert.c.incident == sa.bindparam("owner")).order_by(alert.c.id)
_LEARNT = (
    sa.update(alert)
    .where(alert.c.id == sa.bindparam("number"))
    .values(facts=sa.bindparam("stored"), last_at=sa.bindparam("at"))
)


def facts_in(tx: sa.Connection, owner: IncidentId) -> tuple[Facts, ...]:
    """The facts of every alert of an incident, oldest first."""
    return tuple(map(facts_of, tx.scalars(_FACTS, {"owner": owner})))


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
