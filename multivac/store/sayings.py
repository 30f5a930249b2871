"""What people say that is carried somewhere: updates, follow-ups, links, and lines on what they changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.tables import saying


class SayingKind(StrEnum):
    """What sort of thing was said."""

    UPDATE = "update"
    FOLLOW_UP = "follow-up"
    CHANGE = "change"
    LINK = "link"
    SERVICES = "services"
    REQUEST = "request"  # see `multivac.store.requests`
    NOTE = "note"
    GIVEN = "given"  # see `multivac.store.gifts`
    STAKEHOLDER = "stakeholder"  # see `multivac.store.stakeholders`


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One thing that was said, by whom: a name, or "" for what a rule or an alert did.

    `more` of an update: `status` and `severity` as they are with it, `next` (the promise, as text of a
    time), `was` (the severity before, if it changed), `to` (the places where it is read; without it all)
    and `source`, if it was published there. Of a change: `what` (severity, status, lead or another role),
    `before` and `after`; of the end also `mitigated`, the time by which it was, if known, and `customers`,
    whether it hit them. Of a follow-up: `owner`, a person, and `due`, a day, if it has one. Of a link: `url`;
    its text is the label, and without one the link was taken away. Of services: `names`, instead of all that
    were said before.
    """

    id: int
    kind: SayingKind
    at: datetime
    by: str
    text: str
    more: Mapping[str, Any] = field(default_factory=dict)


def add(  # noqa: PLR0913  # one for each column
    tx: sa.Connection,
    number: IncidentId,
    *,
    kind: SayingKind,
    text: str,
    by: str,
    at: datetime,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Keep what was said, and give its number."""
    row = {
        "incident": number,
        "kind": kind,
        "at": at,
        "by": by,
        "text": text,
        "more": json.dumps(more or {}),
    }
    return int(tx.execute(sa.insert(saying).values(row).returning(saying.c.id)).scalar_one())


_OF = sa.select(saying).where(saying.c.incident == sa.bindparam("number")).order_by(saying.c.id)


def of(tx: sa.Connection, number: IncidentId) -> tuple[Saying, ...]:
    """Everything that was said of an incident, the oldest first."""
    return tuple(
        Saying(id=r.id, kind=SayingKind(r.kind), at=r.at, by=r.by, text=r.text, more=json.loads(r.more))
        for r in tx.execute(_OF, {"number": number})
    )
