"""Updates: where each is read, and those that people publish at the pager, kept as if written in the chat."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from multivac.incident import Alert
from multivac.store import cadence, sayings
from multivac.store.incidents import Brief
from multivac.store.sayings import Saying, SayingKind

_WHERE = {"pagerduty": "PagerDuty"}


class Place(StrEnum):
    """Where an update may be read besides the incident's channel."""

    ANNOUNCEMENT = "announcement"
    TICKET = "ticket"
    PAGER = "pager"


def goes_to(said: Saying, place: Place) -> bool:
    """Whether whoever wrote the update wants it read there; everywhere, if they did not say."""
    return place in said.more.get("to", tuple(Place))


def take_over(tx: sa.Connection, of: Brief, told: Alert, *, now: datetime) -> None:
    """Keep what somebody told stakeholders there, to be carried everywhere else; the next is due by it."""
    if not told.message or told.actor is None:
        return
    at, every = min(told.occurred_at, now), of.playbook.update_every(of.severity)
    cadence.updated_elsewhere(tx, of.number, at=at)
    sayings.add(
        tx,
        of.number,
        kind=SayingKind.UPDATE,
        text=told.message,
        by=f"{told.actor.name} ({_WHERE.get(told.source, told.source)})",
        at=at,
        more={
            "status": of.status,
            "severity": of.severity,
            "was": of.severity,
            "next": (at + every).isoformat() if every and of.status.is_open else None,
            "source": told.source,
        },
    )


def is_of_the_pager(said: Saying) -> bool:
    """Whether those who follow the alert have read it there, so that it is not to be sent back."""
    return "source" in said.more
