"""The timeline: append-only facts, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

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


def last(tx: sa.Connection, number: IncidentId, kind: EntryKind) -> Entry | None:
    """The entry of this kind that was noted last."""
    its = sa.select(entry).where(entry.c.incident == number, entry.c.kind == kind)
    row = tx.execute(its.order_by(entry.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _entry(row)


def entries(tx: sa.Connection, number: IncidentId) -> tuple[Entry, ...]:
    """The whole timeline in the order in which things happened."""
    rows = tx.execute(sa.select(entry).where(entry.c.incident == number).order_by(entry.c.at, entry.c.id))
    return tuple(map(_entry, rows))


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(kind=EntryKind(row.kind), at=row.at, text=row.text, key=row.key, actor=row.actor)
