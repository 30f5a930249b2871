"""The timeline: append-only facts, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

import sqlalchemy as sa

from multivac.incident import Entry, EntryKind, IncidentId
from multivac.store.tables import entry, insert_into


def note(tx: sa.Connection, number: IncidentId, entries: Sequence[Entry], *, now: datetime) -> None:
    """Add entries; one whose key is there already is left as it is."""
    rows = [
        {
            "incident": number,
            "key": one.key,
            "kind": one.kind,
            "at": one.at,
            "noted_at": now,
            "text": one.text,
            "actor": one.actor,
        }
        for one in entries
    ]
    if rows:
        tx.execute(_note(tx.dialect.name), rows)


@cache
def _note(dialect: str) -> sa.Executable:
    insert: sa.Executable = insert_into(dialect, entry).on_conflict_do_nothing()
    return insert


def entries(tx: sa.Connection, number: IncidentId) -> tuple[Entry, ...]:
    """The whole timeline in the order in which things happened."""
    rows = tx.execute(sa.select(entry).where(entry.c.incident == number).order_by(entry.c.at, entry.c.id))
    return tuple(Entry(kind=EntryKind(r.kind), at=r.at, text=r.text, key=r.key, actor=r.actor) for r in rows)
