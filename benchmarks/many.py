"""Fifty different alerts at the same instant: all assembled, and how long the slowest takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure, percentile
from benchmarks.ideal import Ideal
from benchmarks.milestones import MILESTONES, Exchange, Response, failed, response_of
from benchmarks.world import SLOW, Alert, World, running_world

_ALERTS = 50
_SLOWEST_SECONDS = 3.0
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_MOST_RUNS = 3
_PATIENCE = 60  # seconds after which what is missing counts as lost


@dataclass(slots=True)
class _Seen:
    """What several storms came to."""

    slowest: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    last: list[Response] = field(default_factory=list)

    def add(self, responses: list[Response], refused: int) -> None:
        """Keep one storm."""
        self.slowest.append(max(one.seconds("assembled") for one in responses))
        self.whole.append(sum(one.is_whole for one in responses))
        self.refused.append(refused)
        self.last = responses


async def measure(runs: int) -> list[Figure]:
    """Ours and the ideal client's storms against one sandbox, a fresh daemon for each."""
    ours, ideal = _Seen(), _Seen()
    rss: list[float] = []
    threads: list[float] = []
    cpu: list[float] = []
    async with running_world() as world:
        await world.set_delays(SLOW)
        for run in range(min(runs, _MOST_RUNS)):
            async with running_daemon(world) as daemon:
                before = daemon.cpu_seconds()
                ours.add(*await _storm(world, f"ours-{run}", daemon.tell))
                cpu.append((daemon.cpu_seconds() - before) * 1000 / _ALERTS)
                rss.append(daemon.peak_rss / 2**20)
                threads.append(daemon.peak_threads)
            client = Ideal(world)
            ideal.add(*await _storm(world, f"ideal-{run}", _by(client)))
            client.close()
    _show(ours, ideal)
    lost = [_ALERTS - whole for whole in ours.whole]
    return [
        Figure(f"{_ALERTS} at once: not assembled", lost, "", 0),
        Figure(f"{_ALERTS} at once: slowest assembled", ours.slowest, "s", _SLOWEST_SECONDS),
        Figure(f"{_ALERTS} at once: ideal client's slowest", ideal.slowest, "s", note="in the same run"),
        Figure(f"{_ALERTS} at once: calls refused by vendors", ours.refused, ""),
        Figure(f"{_ALERTS} at once: daemon's CPU for each", cpu, "ms"),
        Figure(f"{_ALERTS} at once: daemon's peak memory", rss, "MB"),
        Figure(f"{_ALERTS} at once: daemon's peak threads", threads, ""),
    ]


async def _storm(
    world: World, mark: str, respond: Callable[[Alert], Awaitable[object]]
) -> tuple[list[Response], int]:
    """What became of each alert, and how many calls the vendors refused."""
    tokens = [f"{mark}-{number}x" for number in range(_ALERTS)]
    priorities = [_PRIORITIES[number % len(_PRIORITIES)] for number in range(_ALERTS)]
    alerts = await world.open_alerts(tokens, tokens, priorities)
    await world.quiet()
    began = time.monotonic()
    await asyncio.gather(*(respond(alert) for alert in alerts))
    said: list[Exchange] = []
    responses: list[Response] = []
    while time.monotonic() < began + _PATIENCE and not (responses and all(one.is_whole for one in responses)):
        said += await world.quiet(for_seconds=3.0)
        responses = [response_of(token, began, said) for token in tokens]
    await world.resolve(alerts)
    return responses, len(failed(said))


def _by(client: Ideal) -> Callable[[Alert], Awaitable[object]]:
    async def respond(alert: Alert) -> None:
        await client.respond(alert, looked_up=True)

    return respond


def _show(ours: _Seen, ideal: _Seen) -> None:
    print(f"\n{_ALERTS} alerts at once, the last run: half of them, and all of them")
    for name in MILESTONES:
        print(f"  {name:32} {_spread(ours.last, name)}   ideal {_spread(ideal.last, name)}")
    for index, priority in enumerate(_PRIORITIES):
        slowest = max(one.seconds("assembled") for one in ours.last[index :: len(_PRIORITIES)])
        print(f"  slowest {priority}: {slowest:.2f} s")


def _spread(responses: Sequence[Response], name: str) -> str:
    seconds = [one.seconds(name) for one in responses]
    return f"{percentile(seconds, 0.5):6.2f} s {max(seconds):6.2f} s"
