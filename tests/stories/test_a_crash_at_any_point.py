"""Wherever a crash cuts a response off, the next start finishes it: nothing lost, nothing doubled.

Before and after each call to the outside, and right after each commit. The daemon is in this process:
from the point on nothing of it gets out, neither to a vendor nor into the database, and another one
starts on the same rows. `make chaos` does the same with processes and kill -9.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.clock import Clock as SandboxClock
from integrations.sandbox.server import Sandbox
from tests.chaos.inside import Sweep
from tests.chaos.portrait import differences
from tests.chaos.watch import Point, Side, commit_names, points_of
from tests.processes.outage import Outage
from tests.stories.conftest import MONDAY_NOON
from tests.stories.stage import Logs

pytestmark = pytest.mark.every_database

WHY = "a dozen crashes and restarts in one test, perhaps on a busy machine"


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
@pytest.mark.parametrize("part", range(5))
def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(
    sweep: Sweep, request: pytest.FixtureRequest, part: int
) -> None:
    sweep.play()
    whole = sweep.play()
    every = points(sweep, first="before" if "sqlite" in request.node.name else "after")
    assert len(every) > 30
    amiss: list[str] = []
    for point in every[part::5]:
        lost, doubled = differences(sweep.play(point), whole)
        amiss += [f"{point}: lost {one}" for one in lost] + [f"{point}: doubled {one}" for one in doubled]
        if not sweep.was_reached:
            amiss.append(f"{point}: never reached")
    assert not amiss, "\n".join(one[:300] for one in amiss)
