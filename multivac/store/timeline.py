"""The timeline: append-only facts, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from multivac.incident import Entry, EntryKind, IncidentId
from multivac.store.tables import entry, insert_into

BY_ACTING = "accepted by acting:"  # begins the key of the entry that says so, which only follows from others


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
            "link": one.link,
        }
        for one in entries
    ]
    for row in rows:  # handed in together, psycopg takes more rounds to the server for one than for two alone
        tx.execute(_note(tx.dialect.name), row)


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
    """The whole timeline in the order in which things happened, without what was taken back."""
    stands = (entry.c.incident == number, entry.c.retracted_at.is_(None))
    rows = tx.execute(sa.select(entry).where(*stands).order_by(entry.c.at, entry.c.id))
    return tuple(map(_entry, rows))


def retract(
    tx: sa.Connection, number: IncidentId, prefix: str, *, now: datetime, but: str | None = None
) -> None:
    """Show the entries whose key begins so no more, but for one; they stay in the table."""
    gone = [entry.c.incident == number, entry.c.key.startswith(prefix, autoescape=True)]
    gone += [entry.c.retracted_at.is_(None), entry.c.key != (but or "")]
    tx.execute(sa.update(entry).where(*gone).values(retracted_at=now))


def _entry(row: sa.Row[Any]) -> Entry:
    return Entry(
        kind=EntryKind(row.kind), at=row.at, text=row.text, key=row.key, actor=row.actor, link=row.link
    )
