"""A hundred webhooks a second: how soon each is answered, which it is only after the commit."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import Figure, percentile
from benchmarks.postgres import running_postgres
from benchmarks.wire import Reply
from benchmarks.world import SLOW, Alert, World, running_world

_A_SECOND = 100
_SECONDS = 20
_SERVICES = 40
_TWICE = 0.1  # this share is delivered twice
_P99_MILLISECONDS = 50
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_MOST_RUNS = 3


@dataclass(frozen=True, slots=True)
class _Run:
    """What one flood came to: milliseconds from when each webhook was due to its answer."""

    answered: list[float]
    refused: int
    declared: float
    said: int
    busy: float

    def figures(self, where: str, *, counts: bool) -> list[Figure]:
        """The answers' times, and what was done meanwhile."""
        name = f"{_A_SECOND} webhooks a second on {where}"
        p99 = percentile(self.answered, 0.99)
        note = (
            f"{len(self.answered)} webhooks, {self.declared:.0f} incidents declared, {self.said} vendor calls"
        )
        return [
            Figure(f"{name}: p50", [percentile(self.answered, 0.5)], "ms"),
            Figure(f"{name}: p99", [p99], "ms", _P99_MILLISECONDS if counts else None, note),
            Figure(f"{name}: slowest", [max(self.answered)], "ms"),
            Figure(f"{name}: not answered 2xx", [self.refused], "", 0),
            Figure(f"{name}: daemon's share of a core", [self.busy * 100], "%"),
        ]


async def measure(runs: int) -> list[Figure]:
    """On SQLite, then as information on PostgreSQL."""
    floods: list[_Run] = []
    for _ in range(min(runs, _MOST_RUNS)):
        async with running_world() as world, running_daemon(world) as daemon:
            floods.append(await _flood(world, daemon))
    figures = _together([flood.figures("SQLite", counts=True) for flood in floods])
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(running_postgres())
        if database is None:
            return figures
        async with running_world() as world, running_daemon(world, database=database) as daemon:
            flood = await _flood(world, daemon)
    return [*figures, *flood.figures("PostgreSQL", counts=False)]


def _together(runs: list[list[Figure]]) -> list[Figure]:
    return [
        Figure(one.name, [same.values[0] for same in several], one.unit, one.target, one.note)
        for several in zip(*runs, strict=True)
        for one in several[:1]
    ]


async def _flood(world: World, daemon: Daemon) -> _Run:
    await world.set_delays(SLOW)
    chance = random.Random(1)
    services = [f"flood-{number % _SERVICES}" for number in range(_A_SECOND * _SECONDS)]
    priorities = [_PRIORITIES[number % _SERVICES % len(_PRIORITIES)] for number in range(len(services))]
    names = [f"flood{number}x" for number in range(len(services))]
    alerts = await world.open_alerts(names, services, priorities)
    sent: list[tuple[Alert, str]] = []
    for number, alert in enumerate(alerts):
        sent.append((alert, f"delivery-{number}"))
        if chance.random() < _TWICE:
            sent.append((alert, f"delivery-{number}"))
    await world.quiet()
    await daemon.door.open(16)
    busy, began = daemon.cpu_seconds(), time.monotonic() + 0.1
    answers = await asyncio.gather(
        *(
            _at(began + number / _A_SECOND, daemon.tell(alert, webhook=webhook))
            for number, (alert, webhook) in enumerate(sent)
        )
    )
    took = time.monotonic() - began
    busy = (daemon.cpu_seconds() - busy) / took
    declared = await daemon.metric("multivac_incidents_declared_total")
    late = [(reply.answered - due) * 1000 for due, reply in answers]
    refused = sum(reply.status >= 300 for _, reply in answers)
    return _Run(late, refused, declared, len(await world.exchanges()), busy)


async def _at(due: float, telling: Awaitable[Reply]) -> tuple[float, Reply]:
    """Send it when it is due, whatever became of the others; a late client counts against us."""
    await asyncio.sleep(due - time.monotonic())
    return due, await telling
