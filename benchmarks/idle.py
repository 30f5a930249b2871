"""A daemon with nothing to do: how soon it is ready, what it takes of memory and of a core."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

from benchmarks.daemon import running_daemon
from benchmarks.figures import Figure
from benchmarks.postgres import running_postgres
from benchmarks.world import World, running_world

_WATCHED_SECONDS = 20
_SETTLE_SECONDS = 3
_MEMORY_MB, _READY_SECONDS = 140, 2.5
_MOST_RUNS = 3


async def measure(runs: int) -> list[Figure]:
    """On SQLite and on PostgreSQL."""
    figures: list[Figure] = []
    async with running_world() as world:
        figures += await _measure(world, "SQLite", runs, percent=5)
        figures += await _measure(world, "PostgreSQL", runs, percent=8)
    return figures


async def _measure(world: World, where: str, runs: int, *, percent: float) -> list[Figure]:
    ready: list[float] = []
    rss: list[float] = []
    busy: list[float] = []
    threads: list[float] = []
    for _ in range(min(runs, _MOST_RUNS)):
        with ExitStack() as stack:
            database = stack.enter_context(running_postgres()) if where == "PostgreSQL" else None
            if where == "PostgreSQL" and database is None:
                return []
            async with running_daemon(world, database=database) as daemon:
                await asyncio.sleep(_SETTLE_SECONDS)
                before = daemon.cpu_seconds()
                await asyncio.sleep(_WATCHED_SECONDS)
                busy.append((daemon.cpu_seconds() - before) / _WATCHED_SECONDS * 100)
                ready.append(daemon.ready_seconds)
                rss.append(daemon.process.memory_info().rss / 2**20)
                threads.append(daemon.process.num_threads())
    return [
        Figure(f"Idle on {where}: start to ready", ready, "s", _READY_SECONDS),
        Figure(f"Idle on {where}: resident memory", rss, "MB", _MEMORY_MB),
        Figure(f"Idle on {where}: share of a core", busy, "%", percent),
        Figure(f"Idle on {where}: threads", threads, ""),
    ]
