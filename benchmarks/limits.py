"""Under Slack's rate limits: what a sev1 costs behind two hundred waiting sev4s, and do they still move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import Figure, percentile
from benchmarks.milestones import response_of, was_done
from benchmarks.postgres import running_postgres
from benchmarks.world import SLOW, Alert, World, running_world

_WAITING = 200
_RATIO = 1.5
_P99_MILLISECONDS, _MEGABYTES = 100, 300
_BEGUN_SECONDS = 15.0  # after which those who got nothing are in line
_PATIENCE = 60.0
_WORK_OFF_SECONDS = 60.0
_BETWEEN_SECONDS = 15.0  # in which what was kept for the urgent fills up again: each sev1 takes a third
_PACED = {"MULTIVAC_SLACK__PACE": "1"}


@dataclass(slots=True)
class _Seen:
    """What one daemon came to under limits."""

    alone: list[float] = field(default_factory=list)
    behind: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)

    def channels(self) -> int:
        """How many channels were opened."""
        return sum(_made(one) for one in self.said)

    def refused(self) -> int:
        """How many calls met a limit."""
        return sum(one["status"] == 429 for one in self.said)


async def measure(runs: int) -> list[Figure]:
    """On SQLite, then on PostgreSQL, where the budget is shared rows."""
    figures = await _limited("limits", None, runs)
    with running_postgres() as database:
        if database is not None:
            figures += await _limited("limits, PostgreSQL", database, runs)
    return figures


async def _limited(name: str, database: str | None, runs: int) -> list[Figure]:
    seen = _Seen()
    async with running_world() as world, running_daemon(world, database=database, variables=_PACED) as daemon:
        await world.set_delays(SLOW)
        await world.control.post("/_sandbox/limits", on=True)
        ones = await _sev1s(world, 2 * runs)
        for one in ones[:runs]:
            seen.alone.append(await _assembled(world, daemon, one, seen=seen))
            await asyncio.sleep(_BETWEEN_SECONDS)
        await _send(daemon, await _sev4s(world), seen)
        seen.said += await world.quiet(for_seconds=_PATIENCE, at_most=_BEGUN_SECONDS)
        for one in ones[runs:]:
            seen.behind.append(await _assembled(world, daemon, one, seen=seen))
            await asyncio.sleep(_BETWEEN_SECONDS)
        before = seen.channels()
        seen.said += await world.quiet(for_seconds=_WORK_OFF_SECONDS, at_most=_WORK_OFF_SECONDS)
        moved = seen.channels() - before
        return _figures(name, seen, moved, peak=daemon.peak_rss)


async def _sev1s(world: World, number: int) -> list[Alert]:
    tokens = [f"bad{each}x" for each in range(number)]
    return await world.open_alerts(tokens, tokens, ["P1"] * number)


async def _sev4s(world: World) -> list[Alert]:
    tokens = [f"mild{each}x" for each in range(_WAITING)]
    return await world.open_alerts(tokens, tokens, ["P4"] * _WAITING)


async def _send(daemon: Daemon, alerts: Sequence[Alert], seen: _Seen) -> None:
    await daemon.door.open(8)
    for alert in alerts:
        began = time.monotonic()
        reply = await daemon.tell(alert)
        seen.answered.append((reply.answered - began) * 1000)


async def _assembled(world: World, daemon: Daemon, alert: Alert, *, seen: _Seen) -> float:
    """Seconds from the webhook to all that people wait for."""
    seen.said += await world.exchanges()
    began = time.monotonic()
    reply = await daemon.tell(alert)
    seen.answered.append((reply.answered - began) * 1000)
    here: list[dict[str, Any]] = []
    response = response_of(alert.token, began, here)
    while not response.is_whole and time.monotonic() < began + _PATIENCE:
        await asyncio.sleep(0.25)
        here += await world.exchanges()
        response = response_of(alert.token, began, here)
    seen.said += here
    return response.seconds("assembled")


def _made(one: dict[str, Any]) -> bool:
    return one["method"] == "conversations.create" and was_done(one)


def _figures(name: str, seen: _Seen, moved: int, *, peak: int) -> list[Figure]:
    ratio = median(seen.behind) / median(seen.alone)
    return [
        Figure(f"{name}: a sev1 behind {_WAITING} sev4s, over one alone", [ratio], "x", _RATIO),
        Figure(f"{name}: a sev1 alone", seen.alone, "s"),
        Figure(f"{name}: a sev1 behind {_WAITING} sev4s", seen.behind, "s"),
        Figure(f"{name}: channels opened in a minute meanwhile", [moved], "", None, "Slack allows 20"),
        Figure(f"{name}: calls that met a limit", [seen.refused()], ""),
        Figure(f"{name}: webhooks answered, p99", [percentile(seen.answered, 0.99)], "ms", _P99_MILLISECONDS),
        Figure(f"{name}: daemon's peak memory", [peak / 2**20], "MB", _MEGABYTES),
    ]
