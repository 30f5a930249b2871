"""What an alert's events add up to, whatever their order: each fact keeps its newest value. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any

from multivac.incident import Bridge, Facts, Person, Prioritised
from multivac.tongue import written

_KNOWN = frozenset(f.name for f in fields(Facts))
_GROWING = "responders"  # told one at a time, so later events add to it
_TIMES = ("acknowledged_at", "opened_at")


def merge(known: str, said: Facts, at: datetime) -> str:
    """The stored text of `known` with what was `said` at `at`; of two values the newer stays.

    Of two said at the same instant the one that came last stays, which is the order the pager
    promises for one incident.
    """
    facets: dict[str, list[Any]] = json.loads(known)
    stamp = at.isoformat()
    for name, value in _said(said):
        held = facets.get(name)
        if name == _GROWING:
            facets[name] = [_grown(held[0] if held else [], value), stamp]
        elif held is None or held[1] <= stamp:
            facets[name] = [value, stamp]
    return json.dumps(facets, separators=(",", ":"))


def forget_acknowledgement(known: str, at: datetime) -> str:
    """The stored text without an acknowledgement older than `at`: nobody has taken the alert."""
    facets: dict[str, list[Any]] = json.loads(known)
    for name in ("acknowledged_by", "acknowledged_at"):
        # Also where there is none yet: an older one may still be on its way.
        if name not in facets or facets[name][1] <= at.isoformat():
            facets[name] = [None, at.isoformat()]
    return json.dumps(facets, separators=(",", ":"))


def ended_at(stored: str) -> datetime:
    """When an alert ended that is over: at its last end, or when it was last said to be over.

    What people do to an alert afterwards says once more that it is over, and is not its end. The second
    counts where the event of that end never came, which is known by what came after the one before.
    """
    held = json.loads(stored)
    end, taken = held.get("resolved_by"), held.get("acknowledged_by")
    is_last = end is not None and (taken is None or taken[1] <= end[1])
    return datetime.fromisoformat(end[1] if is_last else held["status"][1])


def facts_of(stored: str) -> Facts:
    """The facts as last known; not those of a newer release, beside which this one may run."""
    told = json.loads(stored).items()
    held = {name: value for name, (value, _) in told if value is not None and name in _KNOWN}
    return Facts(**{name: _FROM_JSON.get(name, _same)(value) for name, value in held.items()})


def person_from(value: dict[str, Any]) -> Person:
    """A person from its stored form."""
    return Person(**value)


def person_to(person: Person) -> dict[str, Any]:
    """A person's stored form, without what is not known."""
    return {f.name: value for f in fields(Person) if (value := getattr(person, f.name)) is not None}


def _said(facts: Facts) -> Iterator[tuple[str, Any]]:
    for f in fields(Facts):
        value = getattr(facts, f.name)
        if value is not None:
            yield f.name, _to_json(value)


def _to_json(value: Any) -> Any:
    match value:
        case Person():
            return person_to(value)
        case Bridge():
            return {"url": value.url, "phone": value.phone}
        case Prioritised():
            return {"by": person_to(value.by), "priority": value.priority, "at": value.at.isoformat()}
        case datetime():
            return value.isoformat()
        case tuple():
            return [_to_json(one) for one in value]
        case _:
            return value


def _grown(held: list[dict[str, Any]], said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {person_from(one).key for one in held}
    return held + [one for one in said if person_from(one).key not in known]


def _same(value: Any) -> Any:
    return value


def _prioritised(value: dict[str, Any]) -> Prioritised:
    at = datetime.fromisoformat(value["at"])
    return Prioritised(by=person_from(value["by"]), priority=value["priority"], at=at)


def _people(value: list[dict[str, Any]]) -> tuple[Person, ...]:
    return tuple(map(person_from, value))


_FROM_JSON: dict[str, Callable[[Any], Any]] = {
    "assignees": _people,
    "responders": _people,
    "acknowledged_by": person_from,
    "prioritised": _prioritised,
    "bridge": lambda value: Bridge(**value),
    **dict.fromkeys(_TIMES, datetime.fromisoformat),
}


def titled(title: str, *, drill: bool) -> str:
    """An incident's title as it is shown everywhere: that of a drill says so, wherever it comes to stand."""
    return written("Drill: {title}", title=title) if drill else title
