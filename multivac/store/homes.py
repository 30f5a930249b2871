"""The pages of those who have opened ours in the chat: which of them may not be true any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.store.tables import IS_OPEN, home, incident, insert_into, member

APART = timedelta(seconds=30)  # between two drawings of one page, unless its owner opens it
_NEVER = -1  # how nobody's incidents ever stand


@dataclass(frozen=True, slots=True)
class Page:
    """Somebody's page: a fingerprint of what it shows, and until when nobody else draws it."""

    chat_id: str
    drawn: str | None
    not_before: datetime


# One number that changes with each look at any of somebody's open incidents, and when one comes or ends.
_SEEN = sa.func.sum(incident.c.id * (incident.c.looks + 1))
_STANDS = (
    sa.select(member.c.chat_id, _SEEN.label("seen"))
    .join(incident, incident.c.id == member.c.incident)
    .where(IS_OPEN)
    .group_by(member.c.chat_id)
)
_OF_ONE = _STANDS.where(member.c.chat_id == sa.bindparam("who"))
_NOW = _STANDS.subquery()
_DUE = (
    sa.select(home.c.chat_id, home.c.drawn, home.c.not_before)
    .outerjoin(_NOW, _NOW.c.chat_id == home.c.chat_id)
    .where(
        home.c.not_before <= sa.bindparam("now", type_=home.c.not_before.type),
        home.c.seen != sa.func.coalesce(_NOW.c.seen, 0),
    )
    .order_by(home.c.not_before)
    .limit(sa.bindparam("most"))
)


def seen_by(tx: sa.Connection, chat_id: str) -> int:
    """How the open incidents stand in whose channels somebody is or was."""
    found = tx.execute(_OF_ONE, {"who": chat_id}).one_or_none()
    return 0 if found is None else int(found.seen)


def due(tx: sa.Connection, *, now: datetime, most: int) -> Sequence[Page]:
    """Pages whose owners' incidents were looked at since, and that may be drawn again; the oldest first."""
    return [Page(r.chat_id, r.drawn, r.not_before) for r in tx.execute(_DUE, {"now": now, "most": most})]


def opened(tx: sa.Connection, chat_id: str, *, seen: int, drawn: str, now: datetime) -> None:
    """They opened their page, which shows this."""
    insert = insert_into(tx.dialect.name, home)
    row = {"seen": seen, "drawn": drawn, "not_before": now + APART}
    newer = {name: insert.excluded[name] for name in row}
    tx.execute(
        insert.on_conflict_do_update(index_elements=["chat_id"], set_=newer), {"chat_id": chat_id, **row}
    )


def hold(tx: sa.Connection, page: Page, *, now: datetime) -> Page | None:
    """Claim the next drawing of a page, for as long as none may follow it; None if somebody else has it."""
    held = Page(page.chat_id, page.drawn, now + APART)
    this = (home.c.chat_id == page.chat_id, home.c.not_before == page.not_before)
    claimed = tx.execute(sa.update(home).where(*this).values(not_before=held.not_before))
    return held if claimed.rowcount == 1 else None


def drew(tx: sa.Connection, held: Page, *, seen: int, drawn: str) -> None:
    """It shows this now; if they opened it meanwhile, which of the two came last is not known."""
    this = (home.c.chat_id == held.chat_id, home.c.not_before == held.not_before)
    if tx.execute(sa.update(home).where(*this).values(seen=seen, drawn=drawn)).rowcount == 0:
        tx.execute(sa.update(home).where(home.c.chat_id == held.chat_id).values(seen=_NEVER, drawn=None))


def put_off(tx: sa.Connection, held: Page, *, until: datetime) -> None:
    """It could not be drawn now."""
    this = (home.c.chat_id == held.chat_id, home.c.not_before == held.not_before)
    tx.execute(sa.update(home).where(*this).values(not_before=until))


def forget(tx: sa.Connection, chat_id: str) -> None:
    """Nobody can be shown this page, until they open it."""
    tx.execute(sa.delete(home).where(home.c.chat_id == chat_id))


def look_at(tx: sa.Connection, chat_id: str) -> None:
    """Something else that their page depends on has changed."""
    tx.execute(sa.update(home).where(home.c.chat_id == chat_id).values(seen=_NEVER))


def look_at_all(tx: sa.Connection) -> None:
    """What all could see, not all may see any more: every page is to be looked at."""
    tx.execute(sa.update(home).values(seen=_NEVER))
