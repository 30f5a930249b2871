"""What the vendors told us of people, kept with its age: identities and who is on call."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from multivac.store import preferences
from multivac.store.tables import insert_into, lookup, person

LASTS = timedelta(days=1)  # how long an identity is taken for true without asking again


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a vendor said when asked for a person: an id, or None for nobody of that address."""

    key: str
    id: str | None
    name: str | None
    active: bool
    checked_at: datetime
    language: str | None = None  # as of `ports.ChatUser`


def identities(tx: sa.Connection, vendor: str, keys: Collection[str]) -> dict[str, Identity]:
    """What is known of these people at a vendor, by person key."""
    rows = tx.execute(sa.select(person).where(person.c.vendor == vendor, person.c.key.in_(keys)))
    return {
        r.key: Identity(
            key=r.key, id=r.id, name=r.name, active=r.active, checked_at=r.checked_at, language=r.language
        )
        for r in rows
    }


def everybody(tx: sa.Connection, vendor: str) -> tuple[Identity, ...]:
    """Everybody whom we have met at a vendor, and who still is there."""
    rows = tx.execute(
        sa.select(person).where(person.c.vendor == vendor, person.c.id.is_not(None), person.c.active)
    )
    return tuple(
        Identity(
            key=r.key, id=r.id, name=r.name, active=r.active, checked_at=r.checked_at, language=r.language
        )
        for r in rows
    )


def remember(tx: sa.Connection, vendor: str, found: Collection[Identity]) -> None:
    """Keep what a vendor said of people, instead of what it said before."""
    if not found:
        return
    insert = insert_into(tx.dialect.name, person)
    newer = {name: insert.excluded[name] for name in ("id", "name", "active", "checked_at")}
    newer["language"] = sa.func.coalesce(insert.excluded.language, person.c.language)
    rows = [
        {
            "key": f.key,
            "vendor": vendor,
            "id": f.id,
            "name": f.name,
            "active": f.active,
            "checked_at": f.checked_at,
            "language": f.language,
        }
        for f in sorted(found, key=lambda one: one.key)  # in one order, so that two writers never deadlock
    ]
    tx.execute(insert.on_conflict_do_update(index_elements=["key", "vendor"], set_=newer), rows)


def keep_answer(tx: sa.Connection, key: str, value: Any, *, now: datetime) -> None:
    """Keep the answer to a look-up, to be used when the vendor does not answer."""
    insert = insert_into(tx.dialect.name, lookup)
    newer = {"value": insert.excluded.value, "at": insert.excluded.at}
    row = {"key": key, "value": json.dumps(value), "at": now}
    tx.execute(insert.on_conflict_do_update(index_elements=["key"], set_=newer), row)


def last_answer(tx: sa.Connection, key: str) -> tuple[Any, datetime] | None:
    """The last answer to a look-up and when it was given."""
    row = tx.execute(sa.select(lookup.c.value, lookup.c.at).where(lookup.c.key == key)).one_or_none()
    return None if row is None else (json.loads(row.value), row.at)


def known_as(tx: sa.Connection, vendor: str, its_id: str) -> Identity | None:
    """Whoever has this id at a vendor, if we have met them."""
    rows = tx.execute(
        sa.select(person).where(person.c.vendor == vendor, person.c.id == its_id, person.c.active)
    )
    return next(
        (
            Identity(
                key=r.key, id=r.id, name=r.name, active=r.active, checked_at=r.checked_at, language=r.language
            )
            for r in sorted(rows, key=lambda one: one.checked_at, reverse=True)
        ),
        None,
    )


def language_of(tx: sa.Connection, vendor: str, its_id: str) -> str | None:
    """In which language whoever has this id at a vendor reads, as they chose, else as the vendor says.

    "" for one that we do not speak, None if we have not heard.
    """
    if chosen := preferences.of(tx, its_id).language:
        return chosen
    known = known_as(tx, vendor, its_id)
    return known.language if known is not None else None


def met(tx: sa.Connection, vendor: str, its_id: str) -> Mapping[str, bool]:
    """Everybody whom we have met under this id, by key, and whether we took them for active."""
    rows = tx.execute(
        sa.select(person.c.key, person.c.active).where(person.c.vendor == vendor, person.c.id == its_id)
    )
    return {row.key: row.active for row in rows}


def set_active(tx: sa.Connection, vendor: str, its_id: str, *, active: bool, now: datetime) -> None:
    """The vendor told us that this account was closed, or opened again."""
    tx.execute(
        sa.update(person)
        .where(person.c.vendor == vendor, person.c.id == its_id)
        .values(active=active, checked_at=now)
    )
