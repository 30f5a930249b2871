"""Storms as rows: when one began, which incidents wait in it for their turn, what its notice says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from multivac.incident import OPEN, IncidentId, Severity
from multivac.store.tables import IS_OPEN, incident, policy, storm

NEVER_WAITS = 2  # sev1 and sev2 open at once, storm or not
OVER = "over"  # what a notice says at last
_OLDEST_EACH = 4  # of so many turns one is the oldest's, however mild it is
_HELD_FOR = timedelta(seconds=30)  # longer than any call to a chat takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflow:
    """How many new incidents people can take in: so many within that time."""

    new_incidents: int
    within: timedelta

    @property
    def turn(self) -> timedelta:
        """How long after one incident the next comes in from the queue."""
        return self.within / self.new_incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """One storm; `over_at` is None while it lasts."""

    id: int
    since: datetime
    over_at: datetime | None
    next_turn: datetime
    turns: int
    channel: str | None
    message: str | None
    drawn: str | None
    drawn_at: datetime | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An incident that was declared in a storm."""

    number: IncidentId
    title: str
    severity: Severity
    is_open: bool
    is_queued: bool
    channel: str | None
    policy: str


_STANDING = sa.select(storm).where(storm.c.over_at.is_(None)).order_by(storm.c.id).limit(1)
_RECENT = (
    sa.select(incident.c.id)
    .where(incident.c.declared_at > sa.bindparam("since", type_=incident.c.declared_at.type))
    .limit(sa.bindparam("most"))
)
_QUEUED = (
    sa.select(incident.c.id).where(incident.c.queued_at.is_not(None), IS_OPEN).limit(sa.bindparam("most"))
)
_WORST = _QUEUED.order_by(incident.c.severity, incident.c.declared_at, incident.c.id)
_OLDEST = _QUEUED.order_by(incident.c.declared_at, incident.c.id)


def meets(tx: sa.Connection, inflow: Inflow, *, now: datetime) -> int | None:
    """The storm in which an incident that is about to be declared comes; None while all is calm."""
    if (standing := _standing(tx)) is None and _is_calm(tx, inflow, now):
        return None
    if standing is None:
        _alone(tx)
        standing = _standing(tx)
    if standing is not None:
        return standing.id
    row = {"since": now, "next_turn": now + inflow.turn, "turns": 0}
    return int(tx.scalar(sa.insert(storm).values(row).returning(storm.c.id)) or 0)


def enter(tx: sa.Connection, number: IncidentId, of: int, *, severity: Severity, now: datetime) -> bool:
    """Make an incident one of this storm; True if it has to wait for its turn."""
    waits = severity.rank > NEVER_WAITS
    values = {"storm": of, "queued_at": now if waits else None}
    tx.execute(sa.update(incident).where(incident.c.id == number).values(values))
    return waits


def leave(tx: sa.Connection, number: IncidentId) -> None:
    """Let an incident wait no longer."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(queued_at=None))


def let_in(tx: sa.Connection, inflow: Inflow, *, now: datetime) -> tuple[IncidentId, ...]:
    """Open to those whose turn it is, the worst first, and end the storm once nobody waits and all is calm.

    The incidents must be touched in the same transaction.
    """
    _alone(tx)
    standing = _standing(tx)
    if standing is None:  # nobody should wait, but a queue without a storm would never end
        return _release(tx, tx.scalars(_WORST, {"most": 500}).all())
    let = _take_turns(tx, standing, inflow, now=now)
    if not tx.scalars(_QUEUED, {"most": 1}).first() and _is_calm(tx, inflow, now):
        tx.execute(sa.update(storm).where(storm.c.id == standing.id).values(over_at=now))
    return let


def has_work(tx: sa.Connection) -> bool:
    """Whether a storm lasts or somebody waits."""
    return _standing(tx) is not None or tx.scalars(_QUEUED, {"most": 1}).first() is not None


def _take_turns(tx: sa.Connection, of: Storm, inflow: Inflow, *, now: datetime) -> tuple[IncidentId, ...]:
    first = of.next_turn if of.next_turn - now <= inflow.within else now  # a clock that was set back
    if first > now:
        return ()
    turns = min((now - first) // inflow.turn + 1, inflow.new_incidents)  # after downtime no more than at once
    let: list[IncidentId] = []
    for turn in range(of.turns, of.turns + turns):
        asked = _OLDEST if turn % _OLDEST_EACH == _OLDEST_EACH - 1 else _WORST
        let += _release(tx, tx.scalars(asked, {"most": 1}).all())
    after = first + turns * inflow.turn
    values = {"next_turn": after if after > now else now + inflow.turn, "turns": of.turns + turns}
    tx.execute(sa.update(storm).where(storm.c.id == of.id).values(values))
    return tuple(let)


def _release(tx: sa.Connection, numbers: Iterable[int]) -> tuple[IncidentId, ...]:
    found = tuple(IncidentId(number) for number in numbers)
    for number in found:
        leave(tx, number)
    return found


def _is_calm(tx: sa.Connection, inflow: Inflow, now: datetime) -> bool:
    bound = {"since": now - inflow.within, "most": inflow.new_incidents}
    return len(tx.scalars(_RECENT, bound).all()) < inflow.new_incidents


def _standing(tx: sa.Connection) -> Storm | None:
    row = tx.execute(_STANDING).mappings().one_or_none()
    return None if row is None else Storm(**row)


def _alone(tx: sa.Connection) -> None:
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("storm"))))


def count_waiting(tx: sa.Connection) -> int:
    """How many incidents wait for their turn."""
    waiting = sa.select(sa.func.count()).where(incident.c.queued_at.is_not(None))
    return int(tx.scalar(waiting.where(IS_OPEN)) or 0)


# --- the notice -----------------------------------------------------------------------------------


def to_draw(tx: sa.Connection) -> tuple[Storm, ...]:
    """Storms whose notice may not say the last word yet."""
    unsaid = sa.or_(storm.c.drawn.is_(None), storm.c.drawn != OVER)
    return tuple(Storm(**row) for row in tx.execute(sa.select(storm).where(unsaid)).mappings())


def members(tx: sa.Connection, of: int) -> tuple[Member, ...]:
    """Every incident of a storm, the worst first."""
    rows = tx.execute(_MEMBERS, {"of": of})
    return tuple(
        Member(
            number=IncidentId(row.id),
            title=row.title,
            severity=Severity(row.severity),
            is_open=row.status in OPEN,
            is_queued=row.queued_at is not None,
            channel=row.channel_id,
            policy=row.body,
        )
        for row in rows
    )


_MEMBERS = (
    sa.select(incident, policy.c.body)
    .join(policy, policy.c.digest == incident.c.policy)
    .where(incident.c.storm == sa.bindparam("of"))
    .order_by(incident.c.severity, incident.c.declared_at, incident.c.id)
)


def hold(tx: sa.Connection, of: Storm, *, now: datetime) -> bool:
    """Claim the drawing of the notice; False if somebody else has it, or drew it meanwhile."""
    free = sa.or_(
        storm.c.held_until.is_(None),
        storm.c.held_until <= now,
        storm.c.held_until > now + timedelta(hours=1),  # a clock that was set back
    )
    same = storm.c.drawn.is_not_distinct_from(of.drawn)
    held = sa.update(storm).where(storm.c.id == of.id, free, same).values(held_until=now + _HELD_FOR)
    return tx.execute(held).rowcount == 1


def hold_on(tx: sa.Connection, of: int, *, until: datetime) -> None:
    """It could not be drawn, or perhaps it was: the next who tries looks first."""
    tx.execute(sa.update(storm).where(storm.c.id == of).values(held_until=until))


def drew(tx: sa.Connection, of: int, said: Mapping[str, Any]) -> None:
    """Keep where the notice is, what it says, and since when; it is free for the next drawing."""
    tx.execute(sa.update(storm).where(storm.c.id == of).values(held_until=None, **said))
