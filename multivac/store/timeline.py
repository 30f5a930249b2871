"""The timeline: append-only facts, each kept once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
            "link": one.link,
        }
        for one in entries
    ]
    if rows:
        tx.execute(insert_into(tx.dialect.name, entry).on_conflict_do_nothing(), rows)


def entries(tx: sa.Connection, number: IncidentId) -> tuple[Entry, ...]:
    """The whole timeline in the order in which things happened, without what was taken back."""
    stands = (entry.c.incident == number, entry.c.retracted_at.is_(None))
    rows = tx.execute(sa.select(entry).where(*stands).order_by(entry.c.at, entry.c.id))
    return tuple(
        Entry(kind=EntryKind(r.kind), at=r.at, text=r.text, key=r.key, actor=r.actor, link=r.link)
        for r in rows
    )


def retract(
    tx: sa.Connection, number: IncidentId, prefix: str, *, now: datetime, but: str | None = None
) -> None:
    """Show the entries whose key begins so no more, but for one; they stay in the table."""
    gone = [entry.c.incident == number, entry.c.key.startswith(prefix, autoescape=True)]
    gone += [entry.c.retracted_at.is_(None), entry.c.key != (but or "")]
    tx.execute(sa.update(entry).where(*gone).values(retracted_at=now))
