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


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to tell a notice now. If it is not the first, somebody may have told it since then."""

    since: datetime
    is_first: bool


_TO_MEND, _WATCHED, _TELLING, _PAGED = "mend:", "watch:", "telling:", "paged:"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LASTS = timedelta(minutes=25)  # what fails is tried again within ten
_HEARD_LASTS = timedelta(days=1)  # what strangers do at a front door, who may come again at any time
HELD_FOR = timedelta(seconds=30)  # by then whoever tells it has sent the last request, or is dead


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
    """What operators have not been told yet, as far as is known: somebody may be telling it just now."""
    begun = sa.select(_telling.c.key).where(_telling.c.key == _TELLING + notice.c.key).exists()
    is_untold = sa.or_(notice.c.told_at.is_(None), begun)
    rows = tx.execute(sa.select(notice).where(is_untold).order_by(notice.c.at))
    return tuple(Notice(r.key, r.what, r.do) for r in rows)


_telling = notice.alias("telling")


def standing(tx: sa.Connection) -> frozenset[str]:
    """The keys of all notices, told or not."""
    return frozenset(tx.scalars(sa.select(notice.c.key)))


def hold(tx: sa.Connection, key: str, *, now: datetime) -> Hold | None:
    """Claim the telling of a notice for half a minute; None if somebody else has it, or has told it.

    The claim is a row of its own, beside the time of the telling, which a replica of an earlier
    release heeds too.
    """
    row = {"key": f"{_TELLING}{key}", "what": "", "do": "", "at": now, "told_at": now}
    if insert_new(tx, notice, row):
        if _set_told(tx, key, notice.c.told_at.is_(None), at=now):
            return Hold(now, is_first=True)
        _forget_telling(tx, key)
        return None
    is_free = sa.or_(notice.c.at <= now - HELD_FOR, notice.c.at > now + timedelta(hours=1))  # set back
    taken = sa.update(notice).where(notice.c.key == row["key"], is_free).values(at=now)
    begun = tx.scalar(taken.returning(notice.c.told_at))
    if begun is None:
        return None
    _set_told(tx, key, at=begun)
    return Hold(min(begun, now), is_first=False)


def told(tx: sa.Connection, key: str) -> None:
    """It has been told, not before it was first held."""
    _forget_telling(tx, key)


def not_told(tx: sa.Connection, key: str, *, perhaps: bool) -> None:
    """Give back the claim: it is to be tried again, and looked for first if `perhaps` it was told."""
    _set_told(tx, key, at=None)
    if perhaps:
        tx.execute(sa.update(notice).where(notice.c.key == f"{_TELLING}{key}").values(at=_LONG_AGO))
    else:
        _forget_telling(tx, key)


def _set_told(tx: sa.Connection, key: str, *only: sa.ColumnElement[bool], at: datetime | None) -> bool:
    return tx.execute(sa.update(notice).where(notice.c.key == key, *only).values(told_at=at)).rowcount == 1


def _forget_telling(tx: sa.Connection, key: str) -> datetime | None:
    gone = sa.delete(notice).where(notice.c.key == f"{_TELLING}{key}").returning(notice.c.told_at)
    return tx.scalar(gone)


def over(tx: sa.Connection, key: str) -> None:
    """What was seen by watching is no more: to be forgotten with the next look."""
    tx.execute(sa.update(notice).where(notice.c.key == key).values(at=_LONG_AGO))


def forgotten(tx: sa.Connection, *, now: datetime) -> tuple[tuple[Notice, datetime | None], ...]:
    """Forget what has not been seen for a while, so that it is told again if it comes back.

    Gives what was forgotten, and when it was told, perhaps.
    """
    lasts = sa.or_(*(notice.c.key.startswith(prefix) for prefix in (_TO_MEND, _WATCHED)))
    ours = sa.or_(*(notice.c.key.startswith(prefix) for prefix in (_TELLING, _PAGED)))
    is_over = sa.or_(sa.and_(lasts, notice.c.at < now - _LASTS), notice.c.at < now - _HEARD_LASTS)
    held = sa.select(_telling.c.key).where(
        _telling.c.key == _TELLING + notice.c.key, _telling.c.at > now - HELD_FOR
    )
    gone = sa.delete(notice).where(~ours, is_over, ~held.exists()).returning(*notice.c)
    found = tx.execute(gone).all()
    return tuple((Notice(r.key, r.what, r.do), _forget_telling(tx, r.key) or r.told_at) for r in found)


def about_to_page(tx: sa.Connection, one: Notice) -> None:
    """Note that owners are about to be paged about a notice; until `paged` they may have been."""
    row = {"key": f"{_PAGED}{one.key}", "what": one.what, "do": one.do, "at": _LONG_AGO, "told_at": _LONG_AGO}
    insert_new(tx, notice, row)


def paged(tx: sa.Connection, key: str, *, now: datetime) -> bool:
    """The page came through; False if it has been taken back meanwhile."""
    row = sa.update(notice).where(notice.c.key == f"{_PAGED}{key}")
    return tx.execute(row.values(at=now, told_at=now)).rowcount == 1


def pages(tx: sa.Connection) -> dict[str, bool]:
    """The notices about which owners were paged and not told that it is well, and if that came through."""
    rows = tx.execute(sa.select(notice.c.key, notice.c.at).where(notice.c.key.startswith(_PAGED)))
    return {row.key.removeprefix(_PAGED): row.at > _LONG_AGO for row in rows}


def unpaged(tx: sa.Connection, key: str) -> None:
    """Owners know that it is well again."""
    tx.execute(sa.delete(notice).where(notice.c.key == f"{_PAGED}{key}"))
