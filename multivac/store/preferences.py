"""How somebody wants to be spoken to, where they have said so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from multivac.store.tables import insert_into, preference


class Unasked(StrEnum):
    """What Multivac says to one person without being asked, and which they may not want."""

    BRIEFINGS = "briefings"  # directly, when they are invited
    GUIDES = "guides"  # what a role is, when they are given one
    PROMPTS = "prompts"  # a mention, when something of theirs is late


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What somebody prefers; by itself it is what everybody gets. Without a language it is the chat's."""

    language: str | None = None
    without: frozenset[Unasked] = frozenset()


def of(tx: sa.Connection, chat_id: str) -> Preferences:
    """What this person prefers."""
    row = tx.execute(_OF, {"who": chat_id}).one_or_none()
    if row is None:
        return Preferences()
    without = frozenset(one for one in Unasked if one in json.loads(row.without))
    return Preferences(language=row.language, without=without)


_OF = sa.select(preference).where(preference.c.chat_id == sa.bindparam("who"))


def keep(tx: sa.Connection, chat_id: str, preferred: Preferences) -> None:
    """Heed this from now on."""
    insert = insert_into(tx.dialect.name, preference)
    row = {"language": preferred.language, "without": json.dumps(sorted(preferred.without))}
    newer = {name: insert.excluded[name] for name in row}
    tx.execute(
        insert.on_conflict_do_update(index_elements=["chat_id"], set_=newer), {"chat_id": chat_id, **row}
    )
