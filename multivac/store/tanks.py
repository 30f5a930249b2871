"""The tanks of the rate limits as rows, so that all replicas together keep one budget."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa

from multivac.budget import Rate, Tank, full
from multivac.store.database import Database
from multivac.store.tables import insert_new, tank

T = TypeVar("T")

_A_MOMENT = timedelta(seconds=1)


class SharedTanks:
    """The tanks of all replicas on one database: a 429 that one of them sees holds all of them back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self, key: str, rate: Rate | None, *, now: datetime, ahead: int, favoured: bool
    ) -> datetime | None:
        """As `Tank.take` says; while the database cannot answer, a moment later."""
        try:
            return self._change(
                key,
                full(rate, now),
                lambda tank: tank.take(rate, now=now, ahead=ahead, favoured=favoured),
            )
        except sa.exc.SQLAlchemyError:
            return now + _A_MOMENT

    def spend(self, key: str, rate: Rate, *, now: datetime) -> None:
        """As `Tank.spend` says; while the database cannot answer, it is not counted."""
        with suppress(sa.exc.SQLAlchemyError):
            self._change(key, full(rate, now), lambda tank: (tank.spend(rate, now=now), None))

    def shut(self, key: str, *, now: datetime, wait: timedelta) -> None:
        """As `Tank.shut` says; while the database cannot answer, it holds back nobody else."""
        with suppress(sa.exc.SQLAlchemyError):
            self._change(key, full(None, now), lambda tank: (tank.shut(now=now, wait=wait), None))

    def _change(self, key: str, new: Tank, to: Callable[[Tank], tuple[Tank, T]]) -> T:
        def work(tx: sa.Connection) -> T:
            changed, said = to(_locked(tx, key) or _made(tx, key, new))
            tx.execute(sa.update(tank).where(tank.c.key == key).values(**_row(changed)))
            return said

        return self._database.write(work, urgent=True)


def _locked(tx: sa.Connection, key: str) -> Tank | None:
    row = tx.execute(
        sa.select(tank.c.level, tank.c.at, tank.c.shut_until).where(tank.c.key == key).with_for_update()
    ).one_or_none()
    return None if row is None else Tank(row.level, row.at, row.shut_until)


def _made(tx: sa.Connection, key: str, new: Tank) -> Tank:
    insert_new(tx, tank, {"key": key, **_row(new)})  # perhaps another replica was faster
    return _locked(tx, key) or new


def _row(one: Tank) -> dict[str, Any]:
    return {"level": one.level, "at": one.at, "shut_until": one.shut_until}


def forget(tx: sa.Connection, before: datetime) -> int:
    """Delete the tanks that nobody took from since then: each is full by now."""
    return tx.execute(sa.delete(tank).where(tank.c.at < before)).rowcount
