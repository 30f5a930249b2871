"""One incident after the other through a daemon process, each with a point at which it is killed."""

import http.client
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from multivac.incident import IncidentId, Status
from multivac.store import cases, steps, timeline
from multivac.store.cases import Case
from multivac.store.database import Database
from multivac.store.tables import incident, person
from tests.chaos.doomed import Orders
from tests.chaos.portrait import Portrait, differences, portrait
from tests.chaos.record import Row
from tests.chaos.watch import Calls, Point, commit_names, points_of
from tests.processes.daemon import Daemon, settings_for, until
from tests.processes.engine import empty_the_engine
from tests.processes.outage import Outage

PATIENCE = 40.0  # seconds for one part of one incident, kill and restart among it
QUIET = 1.0  # seconds without a call after which the sandbox's clock is pushed
PUSH = 10.0  # so far: before a ticket that may exist is written again, Jira's search is given half a minute
_TRIES = 3  # of one point: how often a message is redrawn depends on how answers fall together
STABILISE = timedelta(minutes=15)  # when the shipped playbook's second checklist is due


def rows_of(database_url: str) -> Database:
    """The daemon's database, for looking into it."""
    return Database(database_url.replace("postgresql://", "postgresql+psycopg://"))


def is_busy(rows: Database) -> bool:
    """Whether a step was cut off in the middle: whoever comes back must call somebody about it."""
    with rows.read() as tx:
        return bool(steps.claimants(tx))


@dataclass(slots=True)
class Course:
    """A sandbox, a database, and a daemon that is killed and started again."""

    outage: Outage
    database_url: str
    folder: Path
    calls: Calls = field(init=False)
    daemon: Daemon = field(init=False)
    empties_the_engine: bool = False
    recoveries: list[float] = field(default_factory=list)
    _orders: Orders = field(init=False)
    _rows: Database = field(init=False)
    _number: int = 0
    _deaths: int = 0

    def __post_init__(self) -> None:
        self._orders = Orders(self.folder)
        self._orders.give(None, beyond=0)
        self.calls = self.outage.world.witness = Calls(self._kill)
        settings = settings_for(self.outage.sandbox.url, self.database_url)
        settings["CHAOS_FOLDER"] = str(self.folder)
        self.daemon = Daemon(settings, self.folder, command=("tests.chaos.doomed",)).start()
        self._rows = rows_of(self.database_url)

    def close(self) -> None:
        """End the daemon."""
        self.daemon.kill()
        self._rows.stop()

    def play(self, point: Point | None = None) -> Portrait:
        """One incident from its alert to its end, through a death at this point."""
        self._number += 1
        self._deaths = 0
        [alert] = self.outage.alerts(1, f"sweep-{self._number}")
        with self._rows.engine.begin() as tx:
            tx.execute(sa.delete(person))  # they are looked up anew, as for the first incident
        is_commit = point is not None and point.what == "commit"
        self._orders.give(point if is_commit else None, beyond=self._newest())
        self.calls.aim(None if is_commit else point)
        self._deliver(alert.body)
        number = self._newest()
        self._wait_for(number, lambda case: "checklist/first-5-minutes" in case.steps)
        self.outage.world.clock.forward(STABILISE.total_seconds())
        self._wait_for(number, lambda case: "checklist/stabilise" in case.steps)
        self.outage.sandbox.pagerduty.resolve(alert.id)
        self._deliver(self.outage.newest_body())
        self._wait_for(number, lambda case: case.status is Status.DISMISSED)
        with self._rows.read() as tx:
            return portrait(self.outage.sandbox, alert.title, timeline.entries(tx, IncidentId(number)))

    def points(self) -> list[Point]:
        """Both sides of each call and each commit of the incident played last."""
        commits = commit_names(self._orders.heard())
        calls = points_of("call", self.calls.names, "before", "after")
        return calls + points_of("commit", commits, "before", "after")

    def sweep(self, points: list[Point], whole: Portrait, row: Row) -> None:
        """Try each point, and note in the row what became of it."""
        row.planned = len(points)
        for point in points:
            if not any(self._is_reached(point, whole, row) for _ in range(_TRIES)):
                row.failed.append(f"{point}: never reached")
        row.recoveries += self.recoveries
        self.recoveries.clear()

    def _is_reached(self, point: Point, whole: Portrait, row: Row) -> bool:
        """Play it once more, note what became of it, and say whether the daemon got as far as the point."""
        try:
            lost, doubled = differences(self.play(point), whole)
        except AssertionError as error:
            row.failed.append(f"{point}: {error}")
            return True
        row.lost += [f"{point}: {one}" for one in lost]
        row.doubled += [f"{point}: {one}" for one in doubled]
        row.tried += 1 if self._deaths else 0
        return bool(self._deaths)

    def _kill(self) -> None:
        os.kill(self.daemon.process.pid, signal.SIGKILL)

    def _newest(self) -> int:
        with self._rows.read() as tx:
            return tx.scalar(sa.select(sa.func.max(incident.c.id))) or 0

    def _deliver(self, body: bytes) -> None:
        """Hand in a webhook, again and again until it is answered for, as PagerDuty does."""

        def is_taken() -> bool:
            self._revive()
            try:
                return self.daemon.post(body)[0] == 202
            except (OSError, http.client.HTTPException):
                return False

        until(is_taken, PATIENCE, "no webhook is taken")

    def _wait_for(self, number: int, came: Callable[[Case], bool]) -> None:
        """Until that has come and nothing is left to do; where all is quiet the clock runs fast."""
        seen, since = -1, time.monotonic()

        def is_over() -> bool:
            nonlocal seen, since
            self._revive()
            heard = len(self.calls.names)
            if heard != seen:
                seen, since = heard, time.monotonic()
            elif time.monotonic() - since > QUIET:
                self.outage.world.clock.forward(PUSH)
                since = time.monotonic()
            with self._rows.read() as tx:
                case = cases.load(tx, IncidentId(number))
            return came(case) and all(row.is_settled and not row.claim for row in case.steps.values())

        until(is_over, PATIENCE, f"INC-{number} is not finished")

    def _revive(self) -> None:
        """If the daemon was killed, start it again, and note when the work goes on."""
        if not self.daemon.ended:
            return
        self._deaths += 1
        self._orders.give(None, beyond=self._newest())
        if self.empties_the_engine:
            empty_the_engine(self.database_url)
        was_busy = is_busy(self._rows)
        heard, began = len(self.calls.names), time.monotonic()
        self.daemon.launch()
        if was_busy:
            until(lambda: len(self.calls.names) > heard, PATIENCE, "the work does not go on")
            self.recoveries.append(time.monotonic() - began)
        self.daemon.wait_until_ready()
