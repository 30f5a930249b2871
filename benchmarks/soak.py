"""Hours in small: incidents come and end for minutes, and what the daemon takes must stay as it is.

`python -m benchmarks.soak --minutes 30 --rate 20`, or `--rate 4 --limits` with the vendors' own limits.
Every 30 s it notes the daemon's memory, files and threads, and how soon webhooks were answered; at
the end the second quarter of the time is held against the last. What incidents cost comes back when
they end, so what grows is a leak.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import machine, percentile
from benchmarks.world import SLOW, Alert, World, running_world, until

_LASTS = 180.0  # seconds from an alert to its end
_SERVICES = 120  # more than are ever open at once, so that no alert joins another's incident
_EVERY = 30.0
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_MAY_GROW = {"memory": 1.05, "files": 1.1, "threads": 1.1, "p50": 1.5, "p99": 1.5}


@dataclass(frozen=True, slots=True)
class Sample:
    """What half a minute looked like."""

    minute: float
    memory: float  # MB
    files: int
    threads: int
    p50: float  # ms
    p99: float

    def line(self) -> str:
        """One row of the table."""
        return (
            f"| {self.minute:5.1f} | {self.memory:6.1f} | {self.files:4d} | {self.threads:4d} "
            f"| {self.p50:6.1f} | {self.p99:6.1f} |"
        )


@dataclass(slots=True)
class Soak:
    """One run: alerts at a steady rate, each ended after a while, and redeliveries in between."""

    world: World
    daemon: Daemon
    rate: float
    minutes: float
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
        print("| minute | MB | files | threads | p50 ms | p99 ms |\n|---|---|---|---|---|---|", flush=True)
        watching = asyncio.gather(self._redeliver(), self._sample())
        incidents: list[asyncio.Task[None]] = []
        for number in itertools.count():
            await asyncio.sleep(self.began + number * 60 / self.rate - time.monotonic())
            if self._is_over:
                break
            incidents.append(asyncio.create_task(self._incident(number)))
        await watching
        for one in incidents:
            one.cancel()
        broken = [one for one in await asyncio.gather(*incidents, return_exceptions=True) if one]
        self.failed = [one for one in broken if not isinstance(one, asyncio.CancelledError)]

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
            process = self.daemon.process
            sample = Sample(
                minute=number * _EVERY / 60,
                memory=process.memory_info().rss / 2**20,
                files=process.num_fds(),
                threads=process.num_threads(),
                p50=percentile(answers, 0.5),
                p99=percentile(answers, 0.99),
            )
            self.samples.append(sample)
            print(sample.line(), flush=True)
            if self._is_over:
                return


_VALUES: dict[str, Callable[[Sample], float]] = {
    "memory": lambda one: one.memory,
    "files": lambda one: one.files,
    "threads": lambda one: one.threads,
    "p50": lambda one: one.p50,
    "p99": lambda one: one.p99,
}


def verdict(samples: Sequence[Sample]) -> tuple[bool, str]:
    """Whether all is flat, and a table of the second quarter held against the last."""
    quarter = len(samples) // 4
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    lines = ["| | second quarter | last quarter | ratio | per hour | |", "|---|---|---|---|---|---|"]
    is_flat = True
    for name, value in _VALUES.items():
        before, after = median(map(value, second)), median(map(value, last))
        ratio = after / before
        hours = (median(one.minute for one in last) - median(one.minute for one in second)) / 60
        word = "FLAT" if ratio <= _MAY_GROW[name] else "GROWS"
        is_flat &= word == "FLAT"
        lines.append(
            f"| {name} | {before:.1f} | {after:.1f} | {ratio:.3f} "
            f"| {(after - before) / hours:+.1f} | {word} |"
        )
    return is_flat, "\n".join(lines)


async def _soak(minutes: float, rate: float, *, limits: bool) -> bool:
    async with running_world() as world, running_daemon(world) as daemon:
        await world.set_delays(SLOW)
        await world.control.post("/_sandbox/limits", on=limits)
        soak = Soak(world, daemon, rate, minutes)
        await soak.run()
        unfinished = await daemon.metric("multivac_oldest_unfinished_step_seconds")
        is_flat, table = verdict(soak.samples)
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
    options = parser.parse_args()
    print(machine(), f"{options.minutes:g} minutes, {options.rate:g} a minute", sep="\n", flush=True)
    sys.exit(not asyncio.run(_soak(options.minutes, options.rate, limits=options.limits)))


if __name__ == "__main__":
    main()
