"""The alerts of a storm: what is told of them when, and which of them belong into one incident.

That is worked out here from how the alerts are made and from what docs/playbooks.md says of joining, with
nothing of Multivac. Every order in which webhooks are committed must come to the same, so of each service
a few alerts come first that stay open to the end, and what depends on them waits for their answers:

- `cause` services have first alerts of one deduplication key, which makes all of theirs one incident.
- `disk` services have one incident each; where similar titles join, one for all.
- `plain` services have one incident each always: the title of one word is like no other.
- Of `merged` services all that is heard is that people merged the alert into another one, somewhere else.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from benchmarks.world import Alert, Opening

WEBHOOKS, SECONDS = 10_000, 60
ALERTS, SERVICES = 2_400, 40
_KINDS = ("cause",) * 4 + ("disk",) * 24 + ("plain",) * 10 + ("merged",) * 2
_FIRST = {"cause": 1, "disk": 3, "plain": 3}  # of each service, that come first and stay open
_TWICE = 0.1  # this share is a webhook that came before
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_TITLES = {
    "cause": "Host web-{0}.example.com cannot reach the network since 12:{1:02}",
    "disk": "Disk of db-{0}.example.com at {1}%",
    "plain": "Alert {0}",
    "merged": "Probe {0}",
}
# What an alert that flaps is told of, again and again; the last of each round leaves it open.
_FLAPS = (("incident.acknowledged", "acknowledged"), ("incident.resolved", "resolved"))
_BACK = ("incident.reopened", "triggered")


@dataclass(frozen=True, slots=True)
class Ill:
    """One alert of the storm before PagerDuty has it; `is_first` of those that stay open to the end."""

    opening: Opening
    kind: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One webhook to send: whose, its id, and the alerts whose first webhook must have been answered."""

    alert: Alert
    webhook: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbreak:
    """The webhooks in their order; the group and the service of each alert, by its id."""

    told: Sequence[Told]
    groups: dict[str, str]
    services: dict[str, str]


def ills() -> list[Ill]:
    """All alerts, service by service in turn; the first ones of each come first."""
    return [_ill(number) for number in range(ALERTS)]


def _ill(number: int) -> Ill:
    of = number % SERVICES
    kind = _KINDS[of]
    opening = Opening(
        token=f"storm{number}x",
        title=_TITLES[kind].format(number, number % 60),
        service=f"storm-{of}",
        priority=_PRIORITIES[of % len(_PRIORITIES)],
        # One of each service: of a key that is open there PagerDuty itself makes one incident.
        key="one-cause" if kind == "cause" and number < SERVICES else f"key-{number}",
    )
    return Ill(opening, kind, is_first=number < SERVICES * _FIRST.get(kind, 0))


def outbreak(made: Sequence[Ill], alerts: Sequence[Alert], *, by_title: bool) -> Outbreak:
    """What is told of these alerts; `by_title` says whether similar titles join."""
    chance = random.Random(1)
    both = list(zip(made, alerts, strict=True))
    groups = {alert.id: _group(ill, by_title=by_title) for ill, alert in both if ill.kind != "merged"}
    first = [(ill.opening.service, alert) for ill, alert in both if ill.is_first]
    fresh = [Told(alert, alert.id) for _, alert in first]
    for ill, alert in both:
        if ill.kind == "merged":
            into = chance.choice(first)[1].id
            groups[alert.id] = groups[into]
            fresh.append(Told(_merged(alert, into), alert.id, (into,)))
        elif not ill.is_first:
            of_service = tuple(one.id for service, one in first if service == ill.opening.service)
            fresh.append(Told(alert, alert.id, of_service))
    flapping = {alert.id for ill, alert in both if ill.kind != "merged" and not ill.is_first}
    services = {alert.id: ill.opening.service for ill, alert in both}
    return Outbreak(list(_told(fresh, flapping, chance)), groups, services)


def _group(ill: Ill, *, by_title: bool) -> str:
    return ill.kind if ill.kind == "cause" or (by_title and ill.kind == "disk") else ill.opening.service


def _told(fresh: Sequence[Told], flapping: Container[str], chance: random.Random) -> Iterator[Told]:
    """The alerts come in the first third; then they flap; some of it comes twice."""
    waiting = list(reversed(fresh))
    heard: list[Alert] = []
    before: list[Told] = []
    for number in range(WEBHOOKS):
        if before and chance.random() < _TWICE:
            yield chance.choice(before[-200:])
            continue
        if waiting and (not heard or chance.random() < len(fresh) * 3 / WEBHOOKS):
            one = waiting.pop()
            heard += [one.alert] if one.alert.id in flapping else []
        else:
            alert = chance.choice(heard)
            kind, status = _BACK if number > WEBHOOKS * 0.8 else chance.choice([*_FLAPS, _BACK])
            news = _news(alert, kind=kind, number=number, status=status)
            one = Told(news, f"storm-{number}", (alert.id,))
        before.append(one)
        yield one


def _merged(alert: Alert, into: str) -> Alert:
    reason = {"type": "merge_resolve_reason", "incident": {"id": into, "type": "incident_reference"}}
    return _news(alert, kind="incident.resolved", status="resolved", resolve_reason=reason)


def _news(alert: Alert, *, kind: str, number: int = 0, **facts: object) -> Alert:
    """The alert's own body, changed into that of a later event."""
    said = json.loads(alert.body)
    at = time.time() + number * SECONDS / WEBHOOKS
    said["event"] |= {"id": f"{kind}-{alert.id}-{number}", "event_type": kind}
    said["event"]["occurred_at"] = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    said["event"]["data"] |= facts
    return replace(alert, body=json.dumps(said).encode())
