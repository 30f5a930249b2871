"""Ten thousand webhooks in a minute: forty services, flapping, duplicates and one cause; nothing lost."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import Figure, percentile
from benchmarks.wire import Reply
from benchmarks.world import SLOW, Alert, World, running_world

_WEBHOOKS, _SECONDS = 10_000, 60
_ALERTS, _SERVICES = 2_400, 40
_TWICE = 0.1  # this share is a webhook that came before
_P99_MILLISECONDS, _MEGABYTES = 100, 300
_MOST_MESSAGES = 8  # in one channel, of one incident
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
# What an alert that flaps is told of, again and again; the last of each round leaves it open.
_FLAPS = (("incident.acknowledged", "acknowledged"), ("incident.resolved", "resolved"))
_BACK = ("incident.reopened", "triggered")
_DRAIN_SECONDS = 150.0


@dataclass(frozen=True, slots=True)
class _Told:
    """One webhook to send: whose, and the delivery's id."""

    alert: Alert
    webhook: str


async def measure(runs: int) -> list[Figure]:
    """With the playbooks that are shipped, then with one that joins similar titles of all services."""
    del runs  # each takes minutes
    figures = await _storm("as shipped", {}, incidents=_SERVICES)
    with tempfile.TemporaryDirectory(prefix="mv-storm-") as folder:
        playbook = Path(folder) / "cause.yaml"
        playbook.write_text(json.dumps({"name": "cause", "join": {"similar_title_within": "10m"}}))
        variables = {"MULTIVAC_PLAYBOOKS__PATH": folder}
        figures += await _storm("similar titles join", variables, incidents=1)
    return figures


async def _storm(name: str, variables: Mapping[str, str], *, incidents: int) -> list[Figure]:
    usual = {"MULTIVAC_STORM__NEW_INCIDENTS": "20"}
    async with running_world() as world, running_daemon(world, variables=usual | dict(variables)) as daemon:
        await world.set_delays(SLOW)
        alerts = await _alerts(world)
        await world.quiet()
        sent = list(_told(alerts))
        await daemon.door.open(16)
        busy, began = daemon.cpu_seconds(), time.monotonic() + 0.5
        answers = await asyncio.gather(
            *(
                _at(began + number * _SECONDS / _WEBHOOKS, daemon.tell(one.alert, webhook=one.webhook))
                for number, one in enumerate(sent)
            )
        )
        busy = (daemon.cpu_seconds() - busy) / (time.monotonic() - began)
        said = await world.quiet(for_seconds=10.0, at_most=_DRAIN_SECONDS)
        return _figures(f"storm, {name}", answers, said) + _kept(
            f"storm, {name}", daemon, busy, incidents=incidents
        )


async def _alerts(world: World) -> list[Alert]:
    services = [f"storm-{number % _SERVICES}" for number in range(_ALERTS)]
    priorities = [_PRIORITIES[number % _SERVICES % len(_PRIORITIES)] for number in range(_ALERTS)]
    return await world.open_alerts([f"storm{number}x" for number in range(_ALERTS)], services, priorities)


def _told(alerts: list[Alert]) -> Iterator[_Told]:
    """The alerts of every service come in the first third; then they flap; some of it comes twice."""
    chance = random.Random(1)
    fresh = list(alerts)
    heard: list[Alert] = []
    before: list[_Told] = []
    for number in range(_WEBHOOKS):
        if before and chance.random() < _TWICE:
            yield chance.choice(before[-200:])
            continue
        if fresh and (not heard or chance.random() < len(alerts) * 3 / _WEBHOOKS):
            alert = fresh.pop(0)
            heard.append(alert)
            one = _Told(alert, f"storm-{number}")
        else:
            alert = chance.choice(heard)
            kind, status = _BACK if number > _WEBHOOKS * 0.8 else chance.choice([*_FLAPS, _BACK])
            one = _Told(_news(alert, number, kind=kind, status=status), f"storm-{number}")
        before.append(one)
        yield one


def _news(alert: Alert, number: int, *, kind: str, status: str) -> Alert:
    said = json.loads(alert.body)
    said["event"] |= {"id": f"storm-{number}", "event_type": kind}
    said["event"]["occurred_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    said["event"]["data"]["status"] = status
    return replace(alert, body=json.dumps(said).encode())


async def _at(due: float, telling: Awaitable[Reply]) -> tuple[float, Reply]:
    await asyncio.sleep(due - time.monotonic())
    return due, await telling


def _figures(name: str, answers: list[tuple[float, Reply]], said: list[dict[str, Any]]) -> list[Figure]:
    late = [(reply.answered - due) * 1000 for due, reply in answers]
    posts = Counter(_channel(one) for one in said if one["method"] == "chat.postMessage")
    edits = sum(one["method"] == "chat.update" for one in said)
    announced = posts.pop("#incidents", 0)
    return [
        Figure(f"{name}: webhooks answered, p50", [percentile(late, 0.5)], "ms"),
        Figure(f"{name}: webhooks answered, p99", [percentile(late, 0.99)], "ms", _P99_MILLISECONDS),
        Figure(f"{name}: webhooks answered, slowest", [max(late)], "ms"),
        Figure(f"{name}: not answered 2xx", [sum(reply.status >= 300 for _, reply in answers)], "", 0),
        Figure(f"{name}: most messages in a channel", [max(posts.values(), default=0)], "", _MOST_MESSAGES),
        Figure(f"{name}: messages to the announcement channel", [announced], ""),
        Figure(f"{name}: edits of messages", [edits], ""),
    ]


def _channel(one: dict[str, Any]) -> str:
    return str(one["request_body"].get("channel", ""))


def _kept(name: str, daemon: Daemon, busy: float, *, incidents: int) -> list[Figure]:
    with sqlite3.connect(daemon.database.removeprefix("sqlite:///"), timeout=10) as rows:
        (found,) = rows.execute("select count(*) from alert where incident is not null").fetchone()
        (declared,) = rows.execute("select count(*) from incident").fetchone()
        (without,) = rows.execute(
            "select count(*) from incident where channel_id is null and status <> 'dismissed'"
        ).fetchone()
        (doubled,) = rows.execute(
            "select count(channel_id) - count(distinct channel_id) from incident"
        ).fetchone()
    rows.close()
    return [
        Figure(f"{name}: alerts lost", [_ALERTS - found], "", 0),
        Figure(f"{name}: incidents", [declared], "", None, f"{incidents} while none of them ends"),
        Figure(f"{name}: incidents without a channel", [without], "", 0),
        Figure(f"{name}: channels doubled", [doubled], "", 0),
        Figure(f"{name}: daemon's peak memory", [daemon.peak_rss / 2**20], "MB", _MEGABYTES),
        Figure(f"{name}: daemon's share of a core", [busy * 100], "%"),
    ]
