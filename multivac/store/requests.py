"""What people ask the lead to approve: kept until the lead, or somebody in their place, has answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.cases import Case
from multivac.store.sayings import Saying, SayingKind
from multivac.store.tables import saying

AFTERWARDS = frozenset({"close"})  # the verbs that are asked for once it is over


class Answered(StrEnum):
    """What became of a request."""

    APPROVED = "approved"
    DECLINED = "declined"
    TOO_LATE = "too late"  # it could not be done any more, or was done already


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody asks the lead to approve.

    `line` is what approving says, with the `fields` of the form in which it was written. `by_chat` and
    `lead_chat` are the chat's ids. `answer` is who answered what, and when.
    """

    id: int
    at: datetime
    by: str
    by_key: str
    by_chat: str
    lead: str
    lead_chat: str
    verb: str
    line: str
    reason: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    answered: Answered | None = None
    answered_by: str = ""
    answered_at: datetime | None = None
    why: str = ""


def of(case: Case) -> Mapping[int, Request]:
    """Every request of the incident, by its number."""
    return {one.id: _read(one) for one in case.said(SayingKind.REQUEST)}


def _read(said: Saying) -> Request:
    more = dict(said.more)
    answered, at = more.pop("answered", None), more.pop("answered_at", None)
    return Request(
        id=said.id,
        at=said.at,
        by=said.by,
        reason=said.text,
        answered=Answered(answered) if answered else None,
        answered_at=datetime.fromisoformat(at) if at else None,
        **more,
    )


def answer(  # noqa: PLR0913  # the answer, whole
    tx: sa.Connection,
    number: IncidentId,
    asked: Request,
    *,
    answered: Answered,
    by: str,
    at: datetime,
    why: str = "",
) -> None:
    """Keep what the lead said to it; the incident is locked, and nobody has answered before."""
    this = (saying.c.incident == number, saying.c.id == asked.id)
    more = json.loads(tx.execute(sa.select(saying.c.more).where(*this)).scalar_one())
    more |= {"answered": answered, "answered_by": by, "answered_at": at.isoformat(), "why": why}
    tx.execute(sa.update(saying).where(*this).values(more=json.dumps(more)))
