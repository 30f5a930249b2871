"""Hours in small: incidents come and end for minutes, and what the daemon takes must stay as it is.

`python -m benchmarks.soak --minutes 30 --rate 20`, or `--rate 4 --limits` with the vendors' own limits;
`--postgres` on PostgreSQL. A sixth of the time, and at least until alerts begin to end, is warming up:
threads start, connections open. As long a time after that is held against the last. What incidents cost
comes back when they end, so what grows is a leak. `benchmarks.gauges` says what is looked at.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
import uuid
from contextlib import nullcontext
from dataclasses import dataclass, field

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import machine
from benchmarks.gauges import HEAD, Control, Gauges, Sample, row, verdict
from benchmarks.postgres import running_postgres
from benchmarks.world import SLOW, Alert, World, running_world, until

_LASTS = 180.0  # seconds from an alert to its end
_SERVICES = 120  # more than are ever open at once, so that no alert joins another's incident
_EVERY = 30.0
_WINDOW, _LEAST_WINDOW = 1 / 6, 3.5  # of all the time; minutes
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")


@dataclass(slots=True)
class Soak:
    """One run: alerts at a steady rate, each ended after a while, and redeliveries in between."""

    world: World
    daemon: Daemon
    rate: float
    minutes: float
    gauges: Gauges
    control: Control
    began: float = field(default_factory=time.monotonic)
    told: int = 0
    ended: int = 0
    refused: int = 0
    answers: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    last: tuple[Alert, str] | None = None
    failed: list[BaseException] = field(default_factory=list)  # of our own client

    async def run(self) -> None:
        """Go on until the time is over."""
        for number in range(_SERVICES):
            await self.world.control.post("/_sandbox/pagerduty/create_service", name=f"soak-{number}")
        self.began = time.monotonic()
        print(HEAD, flush=True)
        watching = asyncio.gather(self._redeliver(), self._sample())
        controlling = asyncio.create_task(self.control.watch())
        incidents: list[asyncio.Task[None]] = []
        for number in itertools.count():
            await asyncio.sleep(self.began + number * 60 / self.rate - time.monotonic())
            if self._is_over:
                break
            incidents.append(asyncio.create_task(self._incident(number)))
        await watching
        for one in (controlling, *incidents):
            one.cancel()
        broken = await asyncio.gather(controlling, *incidents, return_exceptions=True)
        self.failed = [one for one in broken if one and not isinstance(one, asyncio.CancelledError)]

    @property
    def _is_over(self) -> bool:
        return time.monotonic() >= self.began + self.minutes * 60

    async def _incident(self, number: int) -> None:
        token = f"soak{number}x"
        opened = await self.world.control.post(
            "/_sandbox/pagerduty/trigger",
            title=f"{token} is slow to answer",
            service=f"soak-{number % _SERVICES}",
            priority=_PRIORITIES[number % len(_PRIORITIES)],
        )
        caught = self.world.catcher.caught
        await until(lambda: opened["id"] in caught, 60)
        alert = Alert(token, opened["id"], caught.pop(opened["id"]))
        self.last = alert, str(uuid.uuid4())
        await self._tell(*self.last)
        self.told += 1
        await asyncio.sleep(_LASTS)
        await self.world.control.post("/_sandbox/pagerduty/resolve", incident=alert.id)
        self.ended += 1

    async def _redeliver(self) -> None:
        """A known event again each half second: a webhook like any other, but nothing follows from it."""
        while not self._is_over:
            await asyncio.sleep(0.5)
            if self.last is not None:
                await self._tell(*self.last)

    async def _tell(self, alert: Alert, webhook: str) -> None:
        reply = await self.daemon.tell(alert, webhook=webhook)
        self.answers.append((reply.answered - reply.asked) * 1000)
        self.refused += reply.status >= 300

    async def _sample(self) -> None:
        for number in itertools.count(1):
            await asyncio.sleep(self.began + number * _EVERY - time.monotonic())
            answers, self.answers = self.answers, []
            sample = await self.gauges.read(number * _EVERY / 60, answers, self.control.taken())
            self.samples.append(sample)
            print(row([sample]), flush=True)
            if self._is_over:
                return


async def _soak(minutes: float, rate: float, *, limits: bool, database: str | None) -> bool:
    paced = {"MULTIVAC_SLACK__PACE": "1"} if limits else {}  # as shipped; the other benchmarks set it to 0
    async with running_world() as world, running_daemon(world, database=database, variables=paced) as daemon:
        await world.set_delays(SLOW)
        await world.control.post("/_sandbox/limits", on=limits)
        control = Control(daemon.log.with_name("control"))
        soak = Soak(world, daemon, rate, minutes, Gauges(daemon), control)
        await soak.run()
        unfinished = await daemon.metric("multivac_oldest_unfinished_step_seconds")
        is_flat, table = verdict(soak.samples, window=max(minutes * _WINDOW, _LEAST_WINDOW))
        print(
            f"\n{table}\n\n{soak.told} incidents, {soak.ended} ended, {soak.refused} webhooks refused; ",
            end="",
        )
        print(f"oldest unfinished step {unfinished:.0f} s; {'FLAT' if is_flat else 'NOT FLAT'}")
        for one in soak.failed:
            print(f"the client failed: {one!r}")
    return is_flat and soak.refused == 0 and not soak.failed


def main() -> None:
    """Soak, print the samples and the verdict; exit 1 if anything grows or a webhook was refused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=20, help="incidents a minute")
    parser.add_argument("--limits", action="store_true", help="with the vendors' rate limits")
    parser.add_argument("--postgres", action="store_true", help="on the PostgreSQL of the tests")
    options = parser.parse_args()
    print(machine(), f"{options.minutes:g} minutes, {options.rate:g} a minute", sep="\n", flush=True)
    with running_postgres() if options.postgres else nullcontext() as database:
        if options.postgres and database is None:
            sys.exit(1)
        is_good = asyncio.run(_soak(options.minutes, options.rate, limits=options.limits, database=database))
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
