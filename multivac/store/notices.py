"""What only operators can mend: said once, however often it happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from multivac.store.tables import insert_new, notice


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to mend: what it is, and what to do."""

    key: str
    what: str
    do: str


def raise_notice(tx: sa.Connection, one: Notice, *, now: datetime) -> bool:
    """Note it; False if it stands already."""
    row = {"key": one.key, "what": one.what, "do": one.do, "at": now}
    return insert_new(tx, notice, row)


def untold(tx: sa.Connection) -> tuple[Notice, ...]:
    """What operators have not been told yet."""
    rows = tx.execute(sa.select(notice).where(notice.c.told_at.is_(None)).order_by(notice.c.at))
    return tuple(Notice(r.key, r.what, r.do) for r in rows)


def told(tx: sa.Connection, key: str, *, now: datetime) -> bool:
    """Claim the telling of a notice; False if another replica has it."""
    done = tx.execute(
        sa.update(notice).where(notice.c.key == key, notice.c.told_at.is_(None)).values(told_at=now)
    )
    return done.rowcount == 1


def mended(tx: sa.Connection, key: str) -> bool:
    """Forget a notice, so that it is told again if it comes back."""
    return tx.execute(sa.delete(notice).where(notice.c.key == key)).rowcount == 1
