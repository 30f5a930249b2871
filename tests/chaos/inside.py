"""The sweep within one process: the daemon dies at a point, and another one starts on the same rows.

From the point on nothing of it gets out, neither to a vendor nor into the database.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

import sqlalchemy as sa

from integrations.pagerduty.webhook import Webhook
from multivac.incident import LEAD, IncidentId, Status
from multivac.store import acts, incidents, timeline
from multivac.store.incidents import Touched
from multivac.store.tables import incident, person
from tests.chaos.portrait import Portrait, differences, portrait
from tests.chaos.record import Row
from tests.chaos.watch import Calls, Commits, Dead, Point, commit_names, points_of
from tests.processes.daemon import ROOT, SECRET, signed
from tests.processes.outage import Alert, Outage
from tests.stories.stage import Clock, Multivac


class Mortal(Multivac):
    """The daemon, which may be struck dead; then it has no work any more and no time."""

    commits: Commits

    def is_at_work(self) -> bool:
        return not self.commits.over and super().is_at_work()

    def next_wake(self) -> datetime | None:
        if self.commits.over:
            raise Dead
        return super().next_wake()


class Sweep:
    """One incident after the other, each from its alert to its end, each with a point to die at."""

    _alert: ClassVar[Mapping[str, str]] = {}

    def __init__(self, outage: Outage, database_url: str, folder: Path) -> None:
        self.outage = outage
        self.sandbox = outage.sandbox
        self.multivac = Mortal(self.sandbox, database_url, folder)
        self.clock = Clock(self.sandbox, self.multivac)
        self.calls = self.sandbox.world.witness = Calls(self._strike)
        self.heard: list[Sequence[str]] = []
        self._number = 0
        self.multivac._settings = {"pagerduty__webhook_secrets": SECRET, **self._usual()}
        self._start()

    def _usual(self) -> dict[str, str]:
        return {"playbooks__path": str(ROOT / "config/playbooks/standard.yaml")}

    def play(self, point: Point | None = None) -> Portrait:
        """One incident whose daemon dies at this point; its portrait once all is over."""
        self._number += 1
        [alert] = self.outage.alerts(1, f"sweep-{self._number}", **self._alert)
        # People are looked up anew, as for the first incident.
        self.multivac.running.database.write(lambda tx: tx.execute(sa.delete(person)))
        self.heard.clear()
        self.calls.aim(point if point and point.what == "call" else None)
        self.commits.aim(point if point and point.what == "commit" else None, beyond=self._newest())
        self._through(lambda: self._deliver(alert.body))
        return self._go_on(alert)

    def _go_on(self, alert: Alert) -> Portrait:
        second_checklist = self.clock.now() + timedelta(minutes=15)
        self._through(lambda: self._wait_until(second_checklist))
        self.sandbox.pagerduty.resolve(alert.id)
        self._through(lambda: self._deliver(self.outage.newest_body()))
        return self._portrait(alert.title)

    @property
    def was_reached(self) -> bool:
        """Whether the last incident came to the point it was to die at."""
        return self.commits.target is None and self.calls.target is None

    @property
    def commits(self) -> Commits:
        return self.multivac.commits

    def _strike(self) -> None:
        self.calls.cut_all = self.commits.over = True

    def _strike_at_a_commit(self) -> None:
        self._strike()
        raise Dead

    def _start(self) -> None:
        self.multivac.commits = Commits(self._strike_at_a_commit, self.heard.append)
        daemon = self.multivac.start_again(listening=False)
        self.commits.watch(daemon.database.engine)
        self.door = Webhook([SECRET], unverified="refuse", intake=daemon.intake, now=daemon.clock.now)

    def _through(self, act: Callable[[], None]) -> None:
        """Do it, and if the daemon dies of it, start another and do it again."""
        with suppress(Dead):
            act()
        if self.commits.over:
            self.multivac.stop()
            self.calls.cut_all = False
            self._start()
            act()

    def _deliver(self, body: bytes) -> None:
        self.door.receive(body, signed(body, SECRET))
        self.clock.forward(seconds=40)  # Jira's search is given half a minute to find a ticket

    def _wait_until(self, instant: datetime) -> None:
        self.clock.forward(seconds=(instant - self.clock.now()).total_seconds())

    def _newest(self) -> int:
        with self.multivac.running.database.read() as tx:
            return tx.scalar(sa.select(sa.func.max(incident.c.id))) or 0

    def _portrait(self, title: str) -> Portrait:
        with self.multivac.running.database.read() as tx:
            lines = timeline.entries(tx, IncidentId(self._newest()))
        return portrait(self.sandbox, title, lines)


_TURN = timedelta(minutes=2, seconds=5)  # until somebody who does not accept is passed over


class Chain(Sweep):
    """The lead is asked and does not accept, nor does the next one, nor the last: then they are paged.

    In the end the first accepts after all, and the alert is acknowledged.

    `points` are both sides of each call and commit since the lead was asked, of the incident played last.
    """

    points: Sequence[Point] = ()

    _alert: ClassVar[Mapping[str, str]] = {"priority": "P1"}

    def _usual(self) -> dict[str, str]:
        lead = {"lead": [{"on_call": {}}, {"fixed": "dee@example.com"}], "severity": {"default": "sev1"}}
        return self.multivac._files(lead, ()) | {"slack__signing_secret": "buttons-need-one"}

    def _go_on(self, alert: Alert) -> Portrait:
        calls, commits = len(self.calls.names), len(self.heard)
        for _ in range(3):
            self._through(partial(self._wait_until, self.clock.now() + _TURN))
        self._through(self._accept)
        seen = self._portrait(alert.title)
        names = self.calls.names[calls:], commit_names(self.heard[commits:])
        self.points = [
            *points_of("call", names[0], "before", "after"),
            *points_of("commit", names[1], "before", "after"),
        ]
        self.multivac.becomes(Status.DISMISSED, self._newest())  # so that all are free for the next one
        self.clock.settle()
        return seen

    def _accept(self) -> None:
        """Whoever has the lead takes it, as by a button."""
        number, now = IncidentId(self._newest()), self.clock.now()

        def accept(tx: sa.Connection) -> Touched:
            acts.accept_role(tx, number, LEAD, now=now)
            return incidents.touch(tx, number)

        self.multivac.running.database.write(accept)
        self.clock.settle()

    def sweep(self, row: Row, *, sample: int) -> None:
        """Try each so-manieth point, and note in the row what became of it."""
        self.play()
        whole = self.play()
        row.known = len(self.points)
        tried = self.points[::sample]
        row.planned = len(tried)
        for point in tried:
            lost, doubled = differences(self.play(point), whole)
            row.lost += [f"{point}: {one}" for one in lost]
            row.doubled += [f"{point}: {one}" for one in doubled]
            row.tried += self.was_reached
