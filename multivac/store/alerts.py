"""Alerts and their deliveries as rows: what came, was it new, what is known now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from multivac.incident import Alert, AlertKind, Entry, EntryKind, Facts, IncidentId, Severity
from multivac.store.facts import ended_at, facts_of, forget_acknowledgement, merge
from multivac.store.tables import alert, delivery, insert_into, insert_new, unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An alert as last known, with the incident it belongs to, if any."""

    id: int
    incident: IncidentId | None
    facts: Facts
    changed: bool
    stored: str  # the facts as they are to be kept
    is_new: bool = False  # nothing was heard of it before
    came_back: bool = False  # it was over, and is not with this
    is_other: bool = False  # others may join it by something else than before
    ended_at: datetime | None = None  # if it is over


BY_KEY = (
    sa.select(alert.c.id, alert.c.facts, alert.c.incident)
    .where(alert.c.source == sa.bindparam("its_source"), alert.c.key == sa.bindparam("its_key"))
    .with_for_update(key_share=True)
)


def delivered(told: Alert, *, now: datetime) -> dict[str, Any]:
    """The row of a delivery."""
    return {
        "event_id": told.event_id,
        "webhook_id": told.webhook_id,
        "kind": told.vendor_kind,
        "alert_key": told.key,
        "occurred_at": told.occurred_at,
        "received_at": now,
        "outcome": "received",
    }


def receive(tx: sa.Connection, told: Alert, *, now: datetime) -> bool:
    """Note a delivery; False if this event or this webhook was received before."""
    return insert_new(tx, delivery, delivered(told, now=now))


def incident_of(tx: sa.Connection, source: str, key: str) -> IncidentId | None:
    """The incident an alert belongs to, if any."""
    found = tx.scalars(
        sa.select(alert.c.incident).where(alert.c.source == source, alert.c.key == key)
    ).one_or_none()
    return None if found is None else IncidentId(found)


def find(tx: sa.Connection, source: str, key: str) -> Known | None:
    """An alert as last known, which only this transaction changes from here on; None if nobody told of it."""
    row = tx.execute(BY_KEY, {"its_source": source, "its_key": key}).one_or_none()
    if row is None:
        return None
    owner = None if row.incident is None else IncidentId(row.incident)
    return Known(id=row.id, incident=owner, facts=facts_of(row.facts), changed=False, stored=row.facts)


def learn(tx: sa.Connection, told: Alert, key: str, *, now: datetime) -> Known:
    """Merge what was told into what is known of the alert; what comes of that is not kept yet."""
    row = tx.execute(BY_KEY, {"its_source": told.source, "its_key": key}).one_or_none()
    return begin(tx, told, key, now=now) if row is None else with_told(told, tuple(row))


def begin(tx: sa.Connection, told: Alert, key: str, *, now: datetime) -> Known:
    """The same for an alert of which nothing has been heard yet, as far as is known."""
    stored = _with(told, "{}")
    times = {"first_at": told.occurred_at, "last_at": now}
    fresh = {"source": told.source, "key": key, "facts": stored, **times}
    number = tx.scalar(_first_heard(tx.dialect.name), fresh)
    if number is None:
        return learn(tx, told, key, now=now)  # of two that told of it first the other was faster
    return Known(id=number, incident=None, facts=facts_of(stored), changed=True, is_new=True, stored=stored)


def with_told(told: Alert, row: tuple[Any, ...]) -> Known:
    """What is known of an alert, from its row of `BY_KEY`, with what was told."""
    number, known, its = row
    stored = _with(told, known)
    facts, before = facts_of(stored), facts_of(known)
    is_over = facts.status == _OVER
    return Known(
        id=number,
        incident=None if its is None else IncidentId(its),
        facts=facts,
        changed=facts != before,
        stored=stored,
        came_back=before.status == _OVER and not is_over,
        is_other=_joined_by(facts) != _joined_by(before),
        ended_at=ended_at(stored) if is_over else None,
    )


def _joined_by(facts: Facts) -> tuple[str | None, ...]:
    return facts.service_id, facts.service_name, facts.title, facts.dedup_key, facts.merged_into


def _with(told: Alert, known: str) -> str:
    stored = merge(known, told.facts, told.occurred_at)
    if told.kind in {AlertKind.UNACKNOWLEDGED, AlertKind.REOPENED}:
        return forget_acknowledgement(stored, told.occurred_at)
    if told.kind is AlertKind.RESOLVED:
        by = told.actor.name if told.actor is not None else _BY_ITSELF
        return merge(stored, Facts(resolved_by=by), told.occurred_at)
    return stored


_OVER = "resolved"
_BY_ITSELF = "PagerDuty"


@cache
def _first_heard(dialect: str) -> sa.Executable:
    insert: sa.Executable = insert_into(dialect, alert).on_conflict_do_nothing().returning(alert.c.id)
    return insert


def belonging(known: Known, owner: IncidentId, *, as_bad_as: Severity, now: datetime) -> dict[str, Any]:
    """The values of `BELONGS` for an alert of this incident, which is as bad as this for it."""
    is_over = known.ended_at is not None
    return {
        "number": known.id,
        "stored": known.stored,
        "heard": now,
        "owner": owner,
        "open": None if is_over else as_bad_as,
        "ended": as_bad_as if is_over else None,
        "ended_on": known.ended_at,
        "by": (known.facts.resolved_by or _BY_ITSELF) if is_over else None,
    }


def belongs(
    tx: sa.Connection, known: Known, owner: IncidentId, *, as_bad_as: Severity, now: datetime
) -> None:
    """Keep what is known of an alert and make it part of an incident, which is as bad as this for it."""
    tx.execute(BELONGS, belonging(known, owner, as_bad_as=as_bad_as, now=now))


def keep(tx: sa.Connection, known: Known, *, now: datetime) -> None:
    """Keep what is known of an alert, and nothing else."""
    tx.execute(_LEARNT, {"number": known.id, "stored": known.stored, "heard": now})


@dataclass(frozen=True, slots=True)
class Standing:
    """The worst that an incident's alerts imply, of those not resolved (None if all are); and are they many.

    A look at all of many alerts takes long.
    """

    worst: Severity | None
    are_many: bool


def standing(tx: sa.Connection, owner: IncidentId) -> Standing:
    """How an incident's alerts stand."""
    worst, one_more = tx.execute(_STANDING, {"owner": owner}).one()
    return Standing(None if worst is None else Severity(worst), one_more is not None)


@dataclass(frozen=True, slots=True)
class End:
    """How the last of an incident's alerts ended: how bad it was, who ended it, and when."""

    severity: Severity | None
    by: str
    at: datetime


def last_end(tx: sa.Connection, owner: IncidentId, *, now: datetime) -> End:
    """The end of that alert which ended last, by when it happened; now by itself, if nobody knows."""
    row = tx.execute(_LAST_END, {"owner": owner}).one_or_none()
    if row is None:
        return End(None, _BY_ITSELF, now)
    return End(Severity(row.ended_as), row.ended_by or _BY_ITSELF, row.ended_at or now)


def keep_early(tx: sa.Connection, told: Alert, entry: Entry, *, by_person: bool) -> None:
    """Keep what was told of an alert that has no incident, for the timeline of the one it may get."""
    row = {"event": told.event_id, "said": entry.text, "who": entry.actor, "is_person": by_person}
    tx.execute(_KEEP_EARLY, row)


def early(tx: sa.Connection, key: str) -> tuple[tuple[Entry, ...], datetime | None]:
    """What was told of an alert before it had an incident, and when a person first did any of it."""
    rows = tx.execute(_EARLY, {"its_key": key}).all()
    told = tuple(
        Entry(kind=EntryKind.ALERT, at=r.occurred_at, text=r.text, key=entry_key(r.event_id), actor=r.actor)
        for r in rows
    )
    return told, min((r.occurred_at for r in rows if r.by_person), default=None)


def entry_key(event_id: str) -> str:
    """The key under which an event stands in a timeline."""
    return f"event:{event_id}"


_KEEP_EARLY = (
    sa.update(delivery)
    .where(delivery.c.event_id == sa.bindparam("event"))
    .values(text=sa.bindparam("said"), actor=sa.bindparam("who"), by_person=sa.bindparam("is_person"))
)
_EARLY = sa.select(delivery).where(
    delivery.c.alert_key == sa.bindparam("its_key"), delivery.c.text.is_not(None)
)
_LAST_END = (
    sa.select(alert.c.ended_as, alert.c.ended_by, alert.c.ended_at)
    .where(alert.c.incident == sa.bindparam("owner"), alert.c.ended_as.is_not(None))
    .order_by(alert.c.ended_at.desc(), alert.c.id.desc())
    .limit(1)
)
BELONGS = (
    sa.update(alert)
    .where(alert.c.id == sa.bindparam("number", type_=alert.c.id.type))
    .values(
        facts=sa.bindparam("stored"),
        last_at=sa.bindparam("heard", type_=alert.c.last_at.type),
        incident=sa.bindparam("owner", type_=alert.c.incident.type),
        open_as=sa.bindparam("open"),
        ended_as=sa.bindparam("ended"),
        ended_at=sa.bindparam("ended_on", type_=alert.c.ended_at.type),
        ended_by=sa.bindparam("by"),
    )
)
_LEARNT = (
    sa.update(alert)
    .where(alert.c.id == sa.bindparam("number"))
    .values(facts=sa.bindparam("stored"), last_at=sa.bindparam("heard", type_=alert.c.last_at.type))
)
_MANY = 50


def standing_of(its: sa.ColumnElement[bool], *, but: int) -> sa.Select[Any]:
    """How some alerts of an incident stand, all `but` so many: the worst, and one more than are few."""
    worst = sa.select(sa.func.min(alert.c.open_as)).where(its).scalar_subquery()
    one_more = sa.select(alert.c.id).where(its).offset(_MANY - 1 - but).limit(1).scalar_subquery()
    return sa.select(worst, one_more)


_STANDING = standing_of(alert.c.incident == sa.bindparam("owner"), but=0)


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
