"""How the vendors fared lately, as the rows of the newest incidents tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.tables import delivery, incident, notice, step

_NEWEST = 200  # incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A step that is not done: of which incident, which error it last met, and since when it fails."""

    incident: IncidentId
    name: str
    error: str
    since: datetime
    gave_up: bool


def last_done(tx: sa.Connection) -> Mapping[str, datetime]:
    """When each kind of step was last done, in the newest incidents, by the name before the slash."""
    found: dict[str, datetime] = {}
    for name, at in tx.execute(
        sa.select(step.c.name, step.c.done_at).where(_recent(), step.c.done_at.is_not(None))
    ):
        family = name.partition("/")[0]
        found[family] = max(at, found.get(family, at))
    return found


def failing(tx: sa.Connection) -> Sequence[Failing]:
    """What is wanted and has met an error, in the newest incidents, the newest failure first."""
    is_undone = sa.or_(step.c.done.is_(None), step.c.done != step.c.wanted)
    rows = tx.execute(
        sa.select(step)
        .where(_recent(), step.c.wanted.is_not(None), step.c.error.is_not(None), is_undone)
        .order_by(step.c.failing_since.desc())
    )
    return [
        Failing(
            incident=IncidentId(row.incident),
            name=row.name,
            error=row.error,
            since=row.failing_since,
            gave_up=row.gave_up == row.wanted,
        )
        for row in rows
    ]


def last_webhook(tx: sa.Connection) -> datetime | None:
    """When a vendor's event last came in."""
    at: datetime | None = tx.scalar(sa.select(sa.func.max(delivery.c.received_at)))
    return at


def notices(tx: sa.Connection) -> Sequence[str]:
    """What operators are to mend now."""
    rows = tx.execute(
        sa.select(notice.c.what, notice.c.do).where(notice.c.what != "").order_by(notice.c.at.desc())
    )
    return list(dict.fromkeys(f"{row.what} {row.do}" for row in rows))


def _recent() -> sa.ColumnElement[bool]:
    newest = sa.select(incident.c.id).order_by(incident.c.id.desc()).limit(_NEWEST)
    return step.c.incident.in_(newest)
