"""Wherever a crash cuts a response off, the next start finishes it: nothing lost, nothing doubled.

Before and after each call to the outside, and right after each commit. The daemon is in this process:
from the point on nothing of it gets out, neither to a vendor nor into the database, and another one
starts on the same rows. `make chaos` does the same with processes and kill -9.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from integrations.pagerduty.webhook import Webhook
from integrations.sandbox.clock import Clock as SandboxClock
from integrations.sandbox.server import Sandbox
from multivac.incident import IncidentId
from multivac.store import timeline
from multivac.store.tables import incident, person
from tests.chaos.portrait import Portrait, differences, portrait
from tests.chaos.watch import Calls, Commits, Dead, Point, Side, commit_names, points_of
from tests.processes.daemon import ROOT, SECRET, signed
from tests.processes.outage import Outage
from tests.stories.conftest import MONDAY_NOON
from tests.stories.stage import Clock, Logs, Multivac

WHY = "two dozen crashes and restarts in one test, perhaps on a busy machine"


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

    def __init__(self, outage: Outage, database_url: str, folder: Path) -> None:
        self.outage = outage
        self.sandbox = outage.sandbox
        self.multivac = Mortal(self.sandbox, database_url, folder)
        self.clock = Clock(self.sandbox, self.multivac)
        self.calls = self.sandbox.world.witness = Calls(self._strike)
        self.heard: list[Sequence[str]] = []
        self._number = 0
        playbook = str(ROOT / "config/playbooks/standard.yaml")
        self.multivac._settings = {"playbooks__path": playbook, "pagerduty__webhook_secrets": SECRET}
        self._start()

    def play(self, point: Point | None = None) -> Portrait:
        """One incident whose daemon dies at this point; its portrait once all is over."""
        self._number += 1
        [alert] = self.outage.alerts(1, f"sweep-{self._number}")
        # People are looked up anew, as for the first incident.
        self.multivac.running.database.write(lambda tx: tx.execute(sa.delete(person)))
        self.heard.clear()
        self.calls.aim(point if point and point.what == "call" else None)
        self.commits.aim(point if point and point.what == "commit" else None, beyond=self._newest())
        self._through(lambda: self._deliver(alert.body))
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


@pytest.fixture
def sweep(database_url: str, tmp_path: Path, logs: Logs) -> Iterator[Sweep]:
    with Sandbox(SandboxClock(frozen=MONDAY_NOON)) as sandbox:
        swept = Sweep(Outage(sandbox), database_url, tmp_path)
        yield swept
        swept.multivac.stop()
    logs.mistakes.clear()  # the dead complain


def points(sweep: Sweep, *, first: Side) -> list[Point]:
    """Every call of the incident played last, cut off on alternate sides, and every other commit."""
    sides: tuple[Side, Side] = ("before", "after")
    turn = sides.index(first)
    calls = [Point("call", name, sides[(n + turn) % 2]) for n, name in enumerate(sweep.calls.names)]
    return calls + points_of("commit", commit_names(sweep.heard)[turn::2], "after")


# What one database leaves out the other tries: together they have every call on both sides and every
# commit. Each of them tries all in `make chaos`.
@pytest.mark.slow(40, WHY)
@pytest.mark.parametrize("third", range(3))
def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(
    sweep: Sweep, request: pytest.FixtureRequest, third: int
) -> None:
    sweep.play()
    whole = sweep.play()
    every = points(sweep, first="before" if "sqlite" in request.node.name else "after")
    assert len(every) > 30
    amiss: list[str] = []
    for point in every[third::3]:
        lost, doubled = differences(sweep.play(point), whole)
        amiss += [f"{point}: lost {one}" for one in lost] + [f"{point}: doubled {one}" for one in doubled]
        if not sweep.was_reached:
            amiss.append(f"{point}: never reached")
    assert not amiss, "\n".join(one[:300] for one in amiss)
