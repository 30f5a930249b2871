"""Whether a storm came out right: each alert in its very incident, each incident in exactly one channel.

It is read off the rows and off the channels as people see them, and held against what `outbreak` implies.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from benchmarks.figures import Figure
from benchmarks.outbreak import Outbreak
from benchmarks.world import World

_COUNTED = re.compile(r"(\d+) alerts?(?:, (\d+) services)?, ")
_NAMED = re.compile(r"inc-(\d+)-")


@dataclass(frozen=True, slots=True)
class Channel:
    """An incident's channel: its id, whose it is, and how many alerts and services its headline counts."""

    id: str
    number: int
    counted: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The incident of each alert by its id, the channel of each incident, and the channels in Slack."""

    incident_of: Mapping[str, int | None]
    channel_of: Mapping[int, str | None]
    channels: Sequence[Channel]


async def outcome(world: World, database: str) -> Outcome:
    """What there is once all is quiet."""
    alerts = _rows(database, "select key, incident from alert")
    incidents = _rows(database, "select id, channel_id from incident")
    state = (await world.control.get("/_sandbox/state"))["slack"]
    named = [(one, found) for one in state["channels"] if (found := _NAMED.match(one["name"]))]
    channels = [Channel(one["id"], int(name[1]), _counted(one["messages"])) for one, name in named]
    return Outcome(dict(alerts), dict(incidents), channels)


def judged(name: str, implied: Outbreak, found: Outcome) -> Iterator[Figure]:
    """What no busy machine excuses."""
    homes = _homes(implied, found)
    stray = sum(
        homes.get(group) is None or found.incident_of.get(alert) != homes[group]
        for alert, group in implied.groups.items()
    )
    lost = sum(found.incident_of.get(alert) is None for alert in implied.groups)
    groups = len(set(implied.groups.values()))
    yield Figure(f"{name}: alerts lost", [lost], "", 0, must=True)
    yield Figure(f"{name}: alerts in another incident than implied", [stray], "", 0, must=True)
    number = len(found.channel_of)
    yield Figure(f"{name}: incidents", [number], "", None, f"{groups} are implied")
    yield Figure(f"{name}: incidents too many or too few", [abs(number - groups)], "", 0, must=True)
    yield Figure(f"{name}: incidents without their one channel", [_apart(found)], "", 0, must=True)
    ours = sum(one.number in found.channel_of for one in found.channels)
    yield Figure(f"{name}: channels of no incident", [len(found.channels) - ours], "", 0, must=True)
    wrong = _miscounted(implied, found, homes)
    yield Figure(f"{name}: headlines that count other alerts", [wrong], "", 0, must=True)


def _homes(implied: Outbreak, found: Outcome) -> dict[str, int]:
    """The incident of each group, by its first alert; one that another group has already is nobody's."""
    homes: dict[str, int] = {}
    for alert, group in implied.groups.items():
        incident = found.incident_of.get(alert)
        if incident is not None and group not in homes and incident not in homes.values():
            homes[group] = incident
    return homes


def _apart(found: Outcome) -> int:
    """How many incidents have no channel, several, or another one than they think."""
    there: dict[int, list[str]] = {}
    for one in found.channels:
        there.setdefault(one.number, []).append(one.id)
    return sum(there.get(number) != [channel] for number, channel in found.channel_of.items())


def _miscounted(implied: Outbreak, found: Outcome, homes: Mapping[str, int]) -> int:
    """How many groups' headlines do not count the alerts and services that the group has."""
    counted = {one.number: one.counted for one in found.channels}
    alerts = Counter(implied.groups.values())
    services: dict[str, set[str]] = {group: set() for group in alerts}
    for alert, group in implied.groups.items():
        services[group].add(implied.services[alert])
    return sum(
        counted.get(homes.get(group, 0)) != (number, len(services[group])) for group, number in alerts.items()
    )


def _counted(messages: Sequence[Mapping[str, object]]) -> tuple[int, int] | None:
    said = (_COUNTED.search(json.dumps(one)) for one in messages)
    first = next(filter(None, said), None)
    return None if first is None else (int(first[1]), int(first[2] or 1))


def _rows(database: str, query: LiteralString) -> list[tuple[Any, ...]]:
    if database.startswith("sqlite"):
        with closing(sqlite3.connect(database.removeprefix("sqlite:///"), timeout=10)) as file:
            return file.execute(query).fetchall()
    with psycopg.connect(database) as server:
        return server.execute(query).fetchall()
