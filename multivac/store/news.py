"""News of an alert in few rounds to the server: on PostgreSQL one statement reads, another one writes.

A round to PostgreSQL costs more than what it asks for, and in a storm webhooks come by the hundred. SQLite,
where a statement costs next to nothing, is asked one thing after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from multivac.incident import Alert, Entry, Facts, Severity, page_key, paged_for
from multivac.store import acts, alerts, incidents, timeline, traits
from multivac.store.alerts import Known, Standing
from multivac.store.incidents import BRIEF, Brief
from multivac.store.tables import Instant, alert, delivery, entry, incident, trait
from multivac.store.traits import Subject


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of an alert with what was told of it, and its incident where that was read with it."""

    known: Known
    brief: Brief | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Follows:
    """What news of an alert means for its incident: how bad it is, what to note, what others join it by."""

    as_bad_as: Severity
    entries: Sequence[Entry]
    subject: Subject | None = None  # None: nothing else than before


def raised_for(tx: sa.Connection, facts: Facts) -> Brief | None:
    """The incident for which we raised this alert ourselves, by its key."""
    number = paged_for(facts.dedup_key)
    if number is None or not acts.exists(tx, number):
        return None
    brief = incidents.brief(tx, number)
    return brief if facts.dedup_key == page_key(number, brief.declared_at) else None


def hear(tx: sa.Connection, told: Alert, key: str, *, now: datetime) -> Heard | None:
    """Note a delivery and merge it into what is known of its alert; None if it was received before.

    Of the alert, and of its incident if that is given, only this transaction changes anything from here
    on. What is known must be kept, by `keep` or by `alerts`.
    """
    if tx.dialect.name == "sqlite" or told.facts.merged_into is not None:
        # The alert that it was merged into is to be locked before the incident, as everybody does it.
        return Heard(alerts.learn(tx, told, key, now=now)) if alerts.receive(tx, told, now=now) else None
    asked = alerts.delivered(told, now=now) | {"its_source": told.source, "its_key": key}
    row = tx.execute(_HEAR, asked).one_or_none()
    if row is None:
        return None
    if row.id is None:
        return Heard(alerts.begin(tx, told, key, now=now))
    known = alerts.with_told(told, tuple(row)[: len(_ALERT.c)])
    return Heard(known, None if row.its_id is None else incidents.brief_of(tx, row))


def keep(tx: sa.Connection, known: Known, of: Brief, *, follows: Follows, now: datetime) -> Standing:
    """Make an alert part of an incident with all that this means; gives how the incident's alerts stand."""
    if tx.dialect.name == "sqlite":
        alerts.belongs(tx, known, of.number, as_bad_as=follows.as_bad_as, now=now)
        timeline.note(tx, of.number, follows.entries, now=now)
        if follows.subject is not None:
            traits.remember(tx, of.number, follows.subject, declared_at=of.declared_at)
        return alerts.standing(tx, of.number)
    said = {
        **alerts.belonging(known, of.number, as_bad_as=follows.as_bad_as, now=now),
        **_columns(follows.entries, "key", "kind", "at", "text", "actor", "link"),
        "noted": now,
        "declared": of.declared_at,
        "traits": [],
        "values": [],
    }
    if follows.subject is not None:
        had = traits.had_by(follows.subject)
        said |= {"traits": list(had), "values": list(had.values())}
    worst, one_more = tx.execute(_KEEP, said).one()
    # The statement sees the rows as they were before it, so it asks about the others.
    both = [one for one in (worst, said["open"]) if one is not None]
    return Standing(Severity(min(both)) if both else None, one_more is not None)


def _columns(entries: Sequence[Entry], *names: str) -> dict[str, list[Any]]:
    return {f"{name}s": [getattr(one, name) for one in entries] for name in names}


# --- read it all ----------------------------------------------------------------------------------

_GIVEN = ("event_id", "webhook_id", "kind", "alert_key", "occurred_at", "received_at", "outcome")
_FRESH = (
    insert(delivery)
    .values({name: sa.bindparam(name, type_=delivery.c[name].type) for name in _GIVEN})
    .on_conflict_do_nothing()
    .returning(sa.literal(1).label("one"))
    .cte("fresh")
)
_ALERT = alerts.BY_KEY.lateral("known")
# Locked after the alert, and so found by what the alert's row says then.
_INCIDENT = (
    sa.select(*BRIEF).where(incident.c.id == _ALERT.c.incident).with_for_update(key_share=True).lateral("its")
)
_HEAR = sa.select(*_ALERT.c, *_INCIDENT.c).select_from(
    _FRESH.outerjoin(_ALERT, sa.true()).outerjoin(_INCIDENT, sa.true())
)

# --- write it all ---------------------------------------------------------------------------------


def _table_of(**types: sa.types.TypeEngine[Any]) -> sa.TableValuedAlias:
    """Rows out of one list for each column."""
    lists = [sa.bindparam(f"{name}s", type_=ARRAY(its)) for name, its in types.items()]
    columns = [sa.column(name, its) for name, its in types.items()]
    return sa.func.unnest(*lists).table_valued(*columns, name="given").render_derived()


_OWNER = sa.bindparam("owner", type_=sa.Integer)
_TEXT = sa.Text()
_SAID = _table_of(key=_TEXT, kind=_TEXT, at=Instant(), text=_TEXT, actor=_TEXT, link=_TEXT)
_NOTED = insert(entry).from_select(
    ["incident", "noted_at", *(column.name for column in _SAID.c)],
    sa.select(_OWNER, sa.bindparam("noted", type_=Instant), *_SAID.c),
)
_HAD = _table_of(trait=_TEXT, value=_TEXT)
_REMEMBERED = insert(trait).from_select(
    ["kind", "value", "declared_at", "incident"],
    sa.select(_HAD.c.trait, _HAD.c.value, sa.bindparam("declared", type_=Instant), _OWNER),
)
_OTHERS = sa.and_(alert.c.incident == _OWNER, alert.c.id != sa.bindparam("number", type_=alert.c.id.type))
_KEEP = alerts.standing_of(_OTHERS, but=1).add_cte(
    alerts.BELONGS.cte("known"),
    _NOTED.on_conflict_do_nothing().cte("noted"),
    _REMEMBERED.on_conflict_do_nothing().cte("remembered"),
)
