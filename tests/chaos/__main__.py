"""`make chaos`: kill Multivac at every point of a response, at random, and in pairs; print what came of it.

A representative part takes under ten minutes, `--brief` two, for CI; `--all` takes everything. Fails if
anything was lost or doubled, if fewer points were tried than there are, or (but for `--brief`) if the work
took too long to go on.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from structlog.typing import EventDict

from integrations.sandbox.clock import Clock
from integrations.sandbox.server import Sandbox
from tests.chaos import replicas
from tests.chaos.course import Course
from tests.chaos.inside import Chain
from tests.chaos.record import Row, table
from tests.chaos.storm import storm
from tests.postgres import REMEDY, Server, find_binaries, running_server
from tests.processes.outage import Outage

SAMPLE = 6  # of so many points one is tried, unless all are
KINDS = ("sweep", "chain", "storm", "replicas")
MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KILLS, ALL_KILLS = 15, 500
BRIEF_SAMPLE, BRIEF_KILLS = 37, 2


@dataclass(frozen=True, slots=True)
class Trials:
    """What is to be tried, and where."""

    server: Server
    is_all: bool = False
    is_brief: bool = False

    @property
    def _kills(self) -> int:
        return ALL_KILLS if self.is_all else BRIEF_KILLS if self.is_brief else KILLS

    @property
    def _sample(self) -> int:
        return 1 if self.is_all else BRIEF_SAMPLE if self.is_brief else SAMPLE

    def run(self, kinds: Sequence[str]) -> Iterator[Row]:
        """Each row as it comes, of these kinds of trials."""
        databases = ("SQLite", "PostgreSQL")
        for database in databases if "sweep" in kinds else ():
            yield from self._sweeps(database)
        for database in databases if "chain" in kinds else ():
            yield self._chain(database)
        for database in databases[self.is_brief :] if "storm" in kinds else ():
            with self._place(database) as (outage, url, folder):
                row = Row(f"{database}: kill -9 at random in a busy system")
                storm(outage, url, folder, kills=self._kills, row=row)
                yield row
        if "replicas" in kinds:
            yield self._pair("one of two replicas killed", replicas.kill_one)
            yield self._pair("one of two replicas frozen", replicas.freeze_one)
            yield self._pair("PostgreSQL: started again on another machine", replicas.start_elsewhere)
        if "replicas" in kinds and not self.is_brief:
            restart = partial(replicas.restart_the_server, server=self.server)
            yield self._pair("PostgreSQL restarted", restart)

    def _sweeps(self, database: str) -> Iterator[Row]:
        with self._place(database) as (outage, url, folder):
            course = Course(outage, url, folder)
            try:
                course.play()
                whole = course.play()
                every = course.points()
                for what in ("call", "commit"):
                    points = [point for point in every if point.what == what]
                    row = Row(f"{database}: before and after each {what}", known=len(points))
                    course.sweep(points[:: self._sample], whole, row)
                    yield row
                course.empties_the_engine = True
                row = Row(f"{database}: the same, the engine's tables emptied", known=len(every))
                course.sweep(
                    every if self.is_all else every[self._sample // 2 :: 2 * self._sample], whole, row
                )
                yield row
            finally:
                course.close()

    def _chain(self, database: str) -> Row:
        """Every point from asking the first lead to paging everybody, within this process, which is quick."""
        row = Row(f"{database}: while leads are asked in turn, and paged")
        with self._place(database, clock=Clock(frozen=MONDAY_NOON)) as (outage, url, folder):
            chain = Chain(outage, url, folder)
            chain.sweep(row, sample=BRIEF_SAMPLE if self.is_brief else 1)
            chain.multivac.stop()
        return row

    def _pair(self, what: str, trial: Callable[[Outage, str, Path, Row], None]) -> Row:
        row = Row(what)
        with self._place("PostgreSQL") as (outage, url, folder):
            trial(outage, url, folder, row)
        return row

    @contextmanager
    def _place(self, database: str, *, clock: Clock | None = None) -> Iterator[tuple[Outage, str, Path]]:
        """A sandbox, an empty database and a folder."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            sandbox = stack.enter_context(Sandbox(clock))
            url = f"sqlite:///{folder / 'multivac.db'}"
            if database == "PostgreSQL":
                url = stack.enter_context(self.server.database())
            yield Outage(sandbox), url, folder
            sandbox.world.heal()


def _drop(*_: object) -> EventDict:
    raise structlog.DropEvent


def main() -> int:
    """Run it; the exit code."""
    options = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    options.add_argument(
        "--all", action="store_true", help="every point, and 500 random kills on each database"
    )
    options.add_argument("--brief", action="store_true", help="a few of each, for CI")
    options.add_argument("kinds", nargs="*", help=f"some of {', '.join(KINDS)}; left out: all", default=KINDS)
    given = options.parse_args()
    binaries = find_binaries()
    if binaries is None:
        print(f"make chaos needs PostgreSQL: {REMEDY}", file=sys.stderr)
        return 2
    structlog.configure(processors=[_drop])  # those who die in this process complain
    began, rows = time.monotonic(), []
    with running_server(binaries) as server:
        for row in Trials(server, given.all, given.brief).run(given.kinds):
            row.bound = math.inf if given.brief else row.bound  # a busy machine of CI proves no time
            rows.append(row)
            print(f"{time.monotonic() - began:5.0f} s  {row.what}: {row.tried} tried", file=sys.stderr)
            for one in row.amiss():
                print(f"         {one[:400]}", file=sys.stderr)
    print(table(rows))
    return 1 if any(list(row.amiss()) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
