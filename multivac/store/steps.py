"""Progress of the steps: what is wanted, who has claimed it, what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.tables import IS_OPEN, incident, insert_into, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to try one step once. A result counts only while the row still carries it.

    `unknown` says that an earlier attempt may have had its effect.
    """

    incident: IncidentId
    name: str
    wanted: str
    by: str
    attempt: int
    unknown: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The step reached what was wanted."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The step did not: try at `next_try`, or never as wanted now (None).

    `is_error` is False for a step that only has to wait for a time or a person. With `gave_up`
    people are told that it stops, and `next_try` is when to look whether somebody has mended it;
    `operators` says that only they can.
    """

    why: str
    fix: str = ""
    next_try: datetime | None
    unknown: bool
    is_error: bool = True
    gave_up: bool = False
    operators: bool = False


def want(tx: sa.Connection, number: IncidentId, wants: Mapping[str, str | None], *, now: datetime) -> None:
    """Set what each named step must reach; None for no longer wanted. Clears old failures."""
    rows = [
        {
            "incident": number,
            "name": name,
            "wanted": wanted,
            "wanted_at": now,
            "attempt": 0,
            "unknown": False,
            "tries": 0,
        }
        for name, wanted in wants.items()
    ]
    if rows:
        tx.execute(_want(tx.dialect.name), rows)


@cache
def _want(dialect: str) -> sa.Insert:
    insert = insert_into(dialect, step)
    changed = {
        "wanted": insert.excluded.wanted,
        "wanted_at": insert.excluded.wanted_at,
        "next_try": None,
        "gave_up": None,
        "tries": 0,
    }
    wanted: sa.Insert = insert.on_conflict_do_update(index_elements=["incident", "name"], set_=changed)
    return wanted


_CLAIM = (
    sa.update(step)
    .where(
        step.c.incident == sa.bindparam("number"),
        step.c.name == sa.bindparam("step_name"),
        step.c.attempt == sa.bindparam("before"),
        step.c.claim.is_(None),
    )
    .values(claim=sa.bindparam("by"), attempt=sa.bindparam("after"))
)

_HELD = (
    step.c.incident == sa.bindparam("number"),
    step.c.name == sa.bindparam("step_name"),
    step.c.claim == sa.bindparam("by"),
    step.c.attempt == sa.bindparam("this_attempt"),
)

_MAYBE = sa.bindparam("maybe", type_=sa.Boolean)


def _in_doubt(is_so: sa.ColumnElement[bool]) -> sa.ColumnElement[str | None]:
    """What it reached, unless a later try may have changed that: then no want is reached any more."""
    return sa.case((sa.and_(is_so, step.c.done.is_not(None)), ""), else_=step.c.done)


_DONE = (
    sa.update(step)
    .where(*_HELD)
    .values(
        done=sa.bindparam("reached"),
        done_at=sa.bindparam("at"),
        result=sa.bindparam("made"),
        claim=None,
        unknown=False,
        tries=0,
        error=None,
        fix=None,
        failing_since=None,
        gave_up=None,
        next_try=None,
    )
)

_FAILED = (
    sa.update(step)
    .where(*_HELD)
    .values(
        claim=None,
        done=_in_doubt(_MAYBE),
        unknown=_MAYBE,
        tries=step.c.tries + 1,
        error=sa.bindparam("why"),
        fix=sa.bindparam("remedy"),
        failing_since=sa.func.coalesce(
            step.c.failing_since, sa.bindparam("since", type_=step.c.failing_since.type)
        ),
        gave_up=sa.bindparam("stopped"),
        next_try=sa.bindparam("again"),
    )
)

_WAITING = (
    sa.update(step)
    .where(*_HELD)
    .values(claim=None, done=_in_doubt(_MAYBE), unknown=_MAYBE, next_try=sa.bindparam("again"))
)


def take(tx: sa.Connection, claims: Sequence[Claim]) -> None:
    """Claim steps of an incident that this transaction has locked.

    Raises `RuntimeError`, and nothing is claimed, if one of them was tried since it was read.
    """
    bound = [
        {
            "number": claim.incident,
            "step_name": claim.name,
            "before": claim.attempt - 1,
            "by": claim.by,
            "after": claim.attempt,
        }
        for claim in claims
    ]
    if bound and tx.execute(_CLAIM, bound).rowcount != len(bound):
        raise RuntimeError("a step was claimed by somebody who had not locked its incident")


def record(tx: sa.Connection, claim: Claim, outcome: Done | Failed, *, now: datetime) -> bool:
    """Keep what came of a claimed step; False if the claim is no longer ours, and nothing is kept."""
    bound = {"number": claim.incident, "step_name": claim.name, "by": claim.by, "this_attempt": claim.attempt}
    if isinstance(outcome, Done):
        reached = {"reached": claim.wanted, "at": now, "made": json.dumps(outcome.result, default=list)}
        return tx.execute(_DONE, bound | reached).rowcount == 1
    bound |= {"maybe": outcome.unknown, "again": outcome.next_try}
    if not outcome.is_error:
        return tx.execute(_WAITING, bound).rowcount == 1
    bound |= {
        "why": outcome.why,
        "remedy": outcome.fix,
        "since": now,
        "stopped": claim.wanted if outcome.next_try is None or outcome.gave_up else None,
    }
    return tx.execute(_FAILED, bound).rowcount == 1


def undone(tx: sa.Connection, number: IncidentId, name: str) -> None:
    """Somebody else has undone what the step did: it is due again, if it is still wanted."""
    this = (step.c.incident == number, step.c.name == name, step.c.done.is_not(None))
    tx.execute(sa.update(step).where(*this).values(done=""))


def keep_meanwhile(tx: sa.Connection, number: IncidentId, name: str, *, known: Mapping[str, Any]) -> None:
    """Keep what the next try of a step has to know of this one; its result takes the place of that."""
    row = sa.update(step).where(step.c.incident == number, step.c.name == name, step.c.done.is_(None))
    tx.execute(row.values(result=json.dumps(known)))


def amend(tx: sa.Connection, number: IncidentId, name: str, *, result: Mapping[str, Any]) -> None:
    """Correct what a step has made that stays done."""
    row = sa.update(step).where(step.c.incident == number, step.c.name == name, step.c.done.is_not(None))
    tx.execute(row.values(result=json.dumps(result)))


def made(tx: sa.Connection, number: IncidentId, name: str) -> Mapping[str, Any]:
    """What a step found or made; empty if there is nothing of it."""
    result = tx.scalar(sa.select(step.c.result).where(step.c.incident == number, step.c.name == name))
    found: Mapping[str, Any] = json.loads(result) if result else {}
    return found


def settle(
    tx: sa.Connection, number: IncidentId, name: str, *, result: Mapping[str, Any], now: datetime
) -> None:
    """A person has done what the step was to do: it is done, and what is under way counts no more."""
    row = {"incident": number, "name": name, "wanted": "1", "wanted_at": now, "attempt": 0}
    insert = insert_into(tx.dialect.name, step).values(row).on_conflict_do_nothing()
    tx.execute(insert)
    kept = {"done_at": now, "result": json.dumps(result), "claim": None, "unknown": False, "tries": 0}
    over = {"error": None, "fix": None, "failing_since": None, "gave_up": None, "next_try": None}
    its = (step.c.incident == number, step.c.name == name)
    tx.execute(sa.update(step).where(*its).values(wanted="1", done="1", **kept, **over))


def claimants(tx: sa.Connection) -> tuple[str, ...]:
    """Everybody who holds a claim now."""
    return tuple(tx.scalars(sa.select(step.c.claim).where(step.c.claim.is_not(None)).distinct()))


def free(tx: sa.Connection, dead: Collection[str], *, now: datetime) -> tuple[IncidentId, ...]:
    """Free the claims of claimants that are no more and wake their incidents.

    What they were doing may have happened, so those steps read back first.
    """
    if not dead:
        return ()
    freed = tx.execute(
        sa.update(step)
        .where(step.c.claim.in_(dead))
        .values(claim=None, done=_in_doubt(sa.true()), unknown=True)
        .returning(step.c.incident)
    )
    numbers = sorted({row.incident for row in freed})
    tx.execute(sa.update(incident).where(incident.c.id.in_(numbers)).values(wake_at=now))
    return tuple(IncidentId(number) for number in numbers)


def undo(tx: sa.Connection, number: IncidentId, names: Collection[str]) -> None:
    """What these steps had done is gone: they are to be done again; what is under way counts no more."""
    tx.execute(
        sa.update(step)
        .where(step.c.incident == number, step.c.name.in_(names))
        .values(done=None, done_at=None, result=None, claim=None, unknown=False, next_try=None, gave_up=None)
    )


def forgive(tx: sa.Connection, *, now: datetime) -> None:
    """Let open incidents try again what was given up: an operator may have mended it."""
    open_ones = sa.select(incident.c.id).where(IS_OPEN)
    tried = sa.update(step).where(step.c.gave_up.is_not(None), step.c.incident.in_(open_ones))
    numbers = sorted(
        {row.incident for row in tx.execute(tried.values(gave_up=None).returning(step.c.incident))}
    )
    tx.execute(sa.update(incident).where(incident.c.id.in_(numbers)).values(wake_at=now))


def try_now(tx: sa.Connection, number: IncidentId) -> frozenset[str]:
    """Have what failed and is not done tried at once, whenever its turn was; gives the names of it."""
    failed = (step.c.incident == number, step.c.error.is_not(None), _NOT_DONE)
    due = sa.update(step).where(*failed).values(next_try=None, gave_up=None, tries=0)
    return frozenset(tx.scalars(due.returning(step.c.name)))


def look_now(tx: sa.Connection, *, now: datetime) -> int:
    """Look at every incident that waits for a time, and let its steps be tried; says how many there are.

    For a clock that was set back: times that were set before it would come late by as much.
    """
    tx.execute(sa.update(step).where(step.c.next_try > now).values(next_try=None))
    return tx.execute(sa.update(incident).where(incident.c.wake_at > now).values(wake_at=now)).rowcount


def unfinished(tx: sa.Connection) -> int:
    """How many wanted steps are not done and not given up, of the newest 10,000 that are not done."""
    return int(tx.scalar(_UNFINISHED) or 0)


_NOT_DONE = sa.and_(step.c.wanted.is_not(None), sa.or_(step.c.done.is_(None), step.c.done != step.c.wanted))
# PostgreSQL takes two columns to differ as a rule, and so would read every step there ever was. Asked for the
# newest so many, it walks the index of the few that are not done. How many is written out, not bound: else it
# would plan anew each time.
_MOST: sa.ColumnElement[int] = sa.literal_column("10000")
_NEWEST = sa.select(step).where(_NOT_DONE).order_by(step.c.incident.desc()).limit(_MOST).subquery()
_UNFINISHED = sa.select(sa.func.count()).where(
    sa.or_(_NEWEST.c.gave_up.is_(None), _NEWEST.c.gave_up != _NEWEST.c.wanted)
)
_WAITING_ROWS = (
    sa.select(
        _NEWEST.c.incident,
        _NEWEST.c.name,
        _NEWEST.c.wanted_at,
        _NEWEST.c.claim,
        _NEWEST.c.error,
        _NEWEST.c.failing_since,
        _NEWEST.c.next_try,
        (_NEWEST.c.gave_up == _NEWEST.c.wanted).label("gave_up"),
    )
    .join(incident, incident.c.id == _NEWEST.c.incident)
    .where(IS_OPEN, incident.c.shut_at.is_(None))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A step of an open incident that is not done, since when, and the error it met; "" if none."""

    incident: IncidentId
    name: str
    since: datetime
    error: str


def late(tx: sa.Connection, now: datetime) -> tuple[Late, ...]:
    """Every step that should be done by now, the oldest first.

    Not what was given up or only waits for its time; nor, where something of the incident fails,
    what may be waiting for just that.
    """
    rows = tx.execute(_WAITING_ROWS).all()
    failing = {row.incident for row in rows if row.gave_up or row.error}
    found = [
        Late(
            incident=IncidentId(row.incident),
            name=row.name,
            since=row.failing_since or max(row.wanted_at, row.next_try or row.wanted_at),
            error=row.error or "",
        )
        for row in rows
        if not row.gave_up and _is_due(row, now, others_fail=row.incident in failing)
    ]
    return tuple(sorted(found, key=lambda one: one.since))


def _is_due(row: sa.Row[Any], now: datetime, *, others_fail: bool) -> bool:
    if row.claim is not None or row.error:
        return True
    return not others_fail and (row.next_try is None or row.next_try <= now)
