"""What only operators can mend: said once, however often it happens, and forgotten when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from multivac.store.tables import insert_new, notice


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to mend: what it is, and what to do."""

    key: str
    what: str
    do: str


_TO_MEND, _WATCHED, _PAGED = "mend:", "watch:", "paged:"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LASTS = timedelta(minutes=25)  # what fails is tried again within ten


def to_mend(why: str, fix: str) -> Notice:
    """Something that a step needs and only operators can mend; it is forgotten when it fails no more."""
    return Notice(f"{_TO_MEND}{why}", f"{why[:1].upper()}{why[1:].rstrip('.')}.", fix)


def watched(name: str, what: str, do: str) -> Notice:
    """What Multivac sees when it watches itself; forgotten when it is over."""
    return Notice(f"{_WATCHED}{name}", what, do)


def raise_notice(tx: sa.Connection, one: Notice, *, now: datetime) -> bool:
    """Note it, or that it still stands; True if it is new."""
    row = {"key": one.key, "what": one.what, "do": one.do, "at": now}
    if insert_new(tx, notice, row):
        return True
    tx.execute(sa.update(notice).where(notice.c.key == one.key).values(at=now))
    return False


def untold(tx: sa.Connection) -> tuple[Notice, ...]:
    """What operators have not been told yet."""
    rows = tx.execute(sa.select(notice).where(notice.c.told_at.is_(None)).order_by(notice.c.at))
    return tuple(Notice(r.key, r.what, r.do) for r in rows)


def standing(tx: sa.Connection) -> frozenset[str]:
    """The keys of all notices, told or not."""
    return frozenset(tx.scalars(sa.select(notice.c.key)))


def told(tx: sa.Connection, key: str, *, now: datetime) -> bool:
    """Claim the telling of a notice; False if another replica has it."""
    done = tx.execute(
        sa.update(notice).where(notice.c.key == key, notice.c.told_at.is_(None)).values(told_at=now)
    )
    return done.rowcount == 1


def not_told(tx: sa.Connection, key: str) -> None:
    """Give back the claim: the telling failed, and is to be tried again."""
    tx.execute(sa.update(notice).where(notice.c.key == key).values(told_at=None))


def over(tx: sa.Connection, key: str) -> None:
    """What was seen by watching is no more: to be forgotten with the next look."""
    tx.execute(sa.update(notice).where(notice.c.key == key).values(at=_LONG_AGO))


def forgotten(tx: sa.Connection, *, now: datetime) -> tuple[tuple[Notice, datetime | None], ...]:
    """Forget what has not been seen for a while, so that it is told again if it comes back.

    Gives what was forgotten and when it was told. What nobody looks for again stays.
    """
    kinds = sa.or_(*(notice.c.key.startswith(prefix) for prefix in (_TO_MEND, _WATCHED)))
    gone = sa.delete(notice).where(kinds, notice.c.at < now - _LASTS).returning(*notice.c)
    return tuple((Notice(r.key, r.what, r.do), r.told_at) for r in tx.execute(gone))


def paged(tx: sa.Connection, one: Notice, *, now: datetime) -> bool:
    """Claim the paging of owners about a notice; False if they have been paged about it."""
    row = {"key": f"{_PAGED}{one.key}", "what": one.what, "do": one.do, "at": now, "told_at": now}
    return insert_new(tx, notice, row)


def pages(tx: sa.Connection) -> tuple[str, ...]:
    """The keys of notices about which owners were paged and not told that it is well again."""
    keys = tx.scalars(sa.select(notice.c.key).where(notice.c.key.startswith(_PAGED)))
    return tuple(key.removeprefix(_PAGED) for key in keys)


def unpaged(tx: sa.Connection, key: str) -> None:
    """Owners know that it is well again."""
    tx.execute(sa.delete(notice).where(notice.c.key == f"{_PAGED}{key}"))
