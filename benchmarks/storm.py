"""Ten thousand webhooks in a minute: forty services, flapping, duplicates and one cause; nothing lost.

Every alert must be in the very incident that the rules of joining imply, each incident in one channel.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import Figure, percentile
from benchmarks.identity import judged, outcome
from benchmarks.outbreak import SECONDS, WEBHOOKS, Outbreak, Told, ills, outbreak
from benchmarks.postgres import running_postgres
from benchmarks.world import SLOW, running_world

_P99_MILLISECONDS, _MEGABYTES = 100, 300
_MOST_MESSAGES = 8  # in one channel, of one incident
_QUIET_SECONDS, _DRAIN_SECONDS = 35.0, 300.0  # a headline that counts many alerts is redrawn each 30
_USUAL = {"MULTIVAC_STORM__NEW_INCIDENTS": "20", "MULTIVAC_PAGERDUTY__SWEEP_EVERY": "1h"}
_REFUSED, _TOO_MANY = 300, 429


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One way to go through the storm."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    database: str | None = None  # its address; None for a new SQLite file
    by_title: bool = False
    limits: bool = False


@dataclass(slots=True)
class _Seen:
    """What came of it: how late each webhook was answered, and all that the vendors were asked."""

    row: _Row
    plan: Outbreak
    late: list[float]
    refused: int
    said: list[dict[str, Any]]
    busy: float


async def measure(runs: int) -> list[Figure]:
    """As shipped, with a playbook that joins similar titles, under Slack's limits, and on PostgreSQL."""
    del runs  # each takes minutes
    figures = await _storm(_Row(name="as shipped"))
    with _joining_titles() as variables:
        figures += await _storm(_Row(name="similar titles join", variables=variables, by_title=True))
    paced = {"MULTIVAC_SLACK__PACE": "1"}
    figures += await _storm(_Row(name="Slack's limits", variables=paced, limits=True))
    for name, variables in (("PostgreSQL", {}), ("PostgreSQL, Slack's limits", paced)):
        with running_postgres() as database:
            if database is not None:
                row = _Row(name=name, variables=variables, limits=bool(variables), database=database)
                figures += await _storm(row)
    return figures


@contextmanager
def _joining_titles() -> Iterator[Mapping[str, str]]:
    with tempfile.TemporaryDirectory(prefix="mv-storm-") as folder:
        playbook = Path(folder) / "cause.yaml"
        playbook.write_text(json.dumps({"name": "cause", "join": {"similar_title_within": "10m"}}))
        yield {"MULTIVAC_PLAYBOOKS__PATH": folder}


async def _storm(row: _Row) -> list[Figure]:
    variables = _USUAL | dict(row.variables)
    async with (
        running_world() as world,
        running_daemon(world, database=row.database, variables=variables) as daemon,
    ):
        await world.set_delays(SLOW)
        made = ills()
        plan = outbreak(made, await world.open([one.opening for one in made]), by_title=row.by_title)
        await world.quiet()
        if row.limits:
            await world.control.post("/_sandbox/limits", on=True)
        seen = await _send(row, plan, daemon)
        seen.said = await world.quiet(for_seconds=_QUIET_SECONDS, at_most=_DRAIN_SECONDS)
        return [
            *_pace(seen),
            *_talk(seen),
            *judged(f"storm, {row.name}", plan, await outcome(world, daemon.database)),
            Figure(f"storm, {row.name}: daemon's peak memory", [daemon.peak_rss / 2**20], "MB", _MEGABYTES),
        ]


async def _send(row: _Row, plan: Outbreak, daemon: Daemon) -> _Seen:
    await daemon.door.open(16)
    answered = {one: asyncio.Event() for one in plan.groups}
    busy, began = daemon.cpu_seconds(), time.monotonic() + 0.5

    async def send(due: float, told: Told) -> tuple[float, bool]:
        await asyncio.sleep(due - time.monotonic())
        for one in told.after:
            await answered[one].wait()
        is_good = await _is_answered(daemon, told)
        answered[told.alert.id].set()
        return (time.monotonic() - due) * 1000, is_good

    sent = await asyncio.gather(
        *(send(began + number * SECONDS / WEBHOOKS, told) for number, told in enumerate(plan.told))
    )
    busy = (daemon.cpu_seconds() - busy) / (time.monotonic() - began)
    refused = sum(not is_good for _, is_good in sent)
    return _Seen(row, plan, [late for late, _ in sent], refused, [], busy)


async def _is_answered(daemon: Daemon, told: Told) -> bool:
    try:
        return (await daemon.tell(told.alert, webhook=told.webhook)).status < _REFUSED
    except (OSError, asyncio.IncompleteReadError):  # it holds a thousand connections at most
        return False


def _pace(seen: _Seen) -> Iterator[Figure]:
    name = f"storm, {seen.row.name}"
    yield Figure(f"{name}: webhooks answered, p50", [percentile(seen.late, 0.5)], "ms")
    yield Figure(f"{name}: webhooks answered, p99", [percentile(seen.late, 0.99)], "ms", _P99_MILLISECONDS)
    yield Figure(f"{name}: webhooks answered, slowest", [max(seen.late)], "ms")
    yield Figure(f"{name}: not answered 2xx", [seen.refused], "", 0, must=True)
    yield Figure(f"{name}: daemon's share of a core", [seen.busy * 100], "%")


def _talk(seen: _Seen) -> Iterator[Figure]:
    name = f"storm, {seen.row.name}"
    posts = Counter(
        str(one["request_body"].get("channel", ""))
        for one in seen.said
        if one["method"] == "chat.postMessage" and one["status"] != _TOO_MANY
    )
    announced = posts.pop("#incidents", 0)
    edits = sum(one["method"] == "chat.update" for one in seen.said)
    met = sum(one["status"] == _TOO_MANY for one in seen.said)
    yield Figure(f"{name}: most messages in a channel", [max(posts.values(), default=0)], "", _MOST_MESSAGES)
    yield Figure(f"{name}: messages to the announcement channel", [announced], "")
    yield Figure(f"{name}: edits of messages", [edits], "")
    yield Figure(f"{name}: calls that met a limit", [met], "")
