"""The sweep: alerts whose webhook never came are asked for, and taken in like any other. Run by the beat."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.intake import Intake
from multivac.ports import Pager
from multivac.store import people as directory
from multivac.store.database import Database

_FIRST_START = "first start"
# What is on fire at the moment Multivac is installed is taken in; last month's leftovers are not.
_BEFORE_FIRST_START = timedelta(hours=1)


def note_first_start(tx: sa.Connection, *, now: datetime) -> None:
    """Remember when Multivac first ran on this database; later starts change nothing."""
    if directory.last_answer(tx, _FIRST_START) is None:
        directory.keep_answer(tx, _FIRST_START, None, now=now)


class Sweep:
    """Takes in alerts whose webhook never came."""

    def __init__(self, pager: Pager, intake: Intake, database: Database) -> None:
        self._pager = pager
        self._intake = intake
        self._database = database

    def sweep(self) -> int:
        """Ask the pager for every open alert and take in those of our time; says how many there are."""
        with self._database.read() as tx:
            first = directory.last_answer(tx, _FIRST_START)
        since = first[1] - _BEFORE_FIRST_START if first else None
        number = 0
        for alert in self._pager.open_alerts():
            if since is None or (alert.facts.opened_at or alert.occurred_at) >= since:
                self._intake.take(alert)
                number += 1
        return number
