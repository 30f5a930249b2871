"""What the alerts of an incident say together, reckoned once however often it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from multivac.incident import Bridge, Facts, Person, paged_for
from multivac.store.facts import facts_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert of an incident and its facts as last known."""

    source: str
    key: str
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Every alert of an incident, oldest first, and what they come to; people and services each once."""

    rows: tuple[AlertRow, ...]
    services: tuple[str, ...]
    policies: frozenset[str]
    assignees: tuple[Person, ...]
    responders: tuple[Person, ...]
    ackers: tuple[Person, ...]
    is_acknowledged: bool
    bridge: Bridge | None  # the newest alert's that has one
    bridge_url: str | None


_A_HANDFUL, _MANY = 8, 200
_Stored = tuple[tuple[str, str, str], ...]


def together(stored: _Stored) -> Alerts:
    """The alerts of one incident from their rows: source, key and stored facts of each, oldest first."""
    return _few(stored) if len(stored) <= _MANY else _many(stored)


# An incident is looked at many times between two changes, and a storm puts hundreds of alerts into one.
@lru_cache(maxsize=128)
def _few(stored: _Stored) -> Alerts:
    return _reckon(stored, facts_of if len(stored) <= _A_HANDFUL else _kept_facts_of)


@lru_cache(maxsize=4)  # each holds the texts of thousands of alerts: 128 of them took 300 MB
def _many(stored: _Stored) -> Alerts:
    return _reckon(stored, _kept_facts_of)


# Only where many alerts are read again for each that changes: kept for every alert, thousands that
# nobody asks for again would lie among what comes and goes, and no page of memory be given back.
_kept_facts_of = lru_cache(maxsize=16_384)(facts_of)


def _reckon(stored: _Stored, read: Callable[[str], Facts]) -> Alerts:
    rows = tuple(AlertRow(source, key, read(facts)) for source, key, facts in stored)
    facts = [row.facts for row in rows]
    bridges = [one.bridge for one in reversed(facts) if one.bridge]
    return Alerts(
        rows=rows,
        # Not the one on which we raised an alert ourselves, to page people.
        services=_once(
            one.service_name for one in facts if one.service_name and not paged_for(one.dedup_key)
        ),
        policies=frozenset(one.policy_id for one in facts if one.policy_id),
        assignees=_once(who for one in facts for who in one.assignees or ()),
        responders=_once(who for one in facts for who in one.responders or ()),
        ackers=_once(one.acknowledged_by for one in facts if one.acknowledged_by),
        is_acknowledged=any(one.acknowledged_by or one.status == "acknowledged" for one in facts),
        bridge=next(iter(bridges), None),
        bridge_url=next((one.url for one in bridges if one.url), None),
    )


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))
