"""Incidents as rows: declared, touched, woken, changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from multivac.incident import MAY_FOLLOW, IncidentId, Person, Severity, Status
from multivac.playbook import Playbook
from multivac.store import policies
from multivac.store.facts import person_to
from multivac.store.tables import IS_OPEN, incident, insert_new, role, turn

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)  # before any alert can have ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """An incident that has changed and must be advanced."""

    number: IncidentId
    version: int
    severity: Severity


def declare(  # noqa: PLR0913  # an incident is born with all of these, and by nobody else
    tx: sa.Connection,
    *,
    title: str,
    severity: Severity,
    playbook: Playbook,
    service: str | None,
    now: datetime,
    name_channel: Callable[[int], str],
) -> Touched:
    """Bring an incident into being. Its channel's name is settled here, once and for ever."""
    digest = policies.keep(tx, playbook)
    number = tx.execute(
        sa.insert(incident)
        .values(
            title=title,
            severity=severity,
            status=Status.TRIAGE,
            policy=digest,
            service=service,
            declared_at=now,
            opens_at=now + playbook.open_after,
            status_at=now,
            channel_name="",
        )
        .returning(incident.c.id)
    ).scalar_one()
    tx.execute(sa.update(incident).where(incident.c.id == number).values(channel_name=name_channel(number)))
    return Touched(number=IncidentId(number), version=1, severity=severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """The little that a front door has to know of an incident."""

    number: IncidentId
    severity: Severity
    severity_by: str | None
    status: Status
    declared_at: datetime
    opens_at: datetime
    resolution_at: datetime | None  # when the last of its alerts ended, as far as is known
    resolution_withdrawn: bool
    resolution_by: str | None
    person_acted_at: datetime | None  # when a human first said or did something
    acted_at: datetime | None  # when one last did, to a minute
    is_queued: bool
    version: int
    planned: int
    wake_at: datetime | None
    playbook: Playbook

    @property
    def resolution_stands(self) -> bool:
        """Whether all its alerts are over."""
        return self.resolution_at is not None and not self.resolution_withdrawn


def brief(tx: sa.Connection, number: IncidentId) -> Brief:
    """The incident as a front door sees it; only this transaction moves it from here on."""
    return brief_of(tx, tx.execute(_BRIEF, {"its_number": number}).one())


def brief_of(tx: sa.Connection, row: sa.Row[Any]) -> Brief:
    """The same from a row that has `BRIEF`."""
    return Brief(
        number=IncidentId(row.its_id),
        severity=Severity(row.severity),
        severity_by=row.severity_by,
        status=Status(row.status),
        declared_at=row.declared_at,
        opens_at=row.opens_at,
        resolution_at=row.resolution_at,
        resolution_withdrawn=row.resolution_withdrawn,
        resolution_by=row.resolution_by,
        person_acted_at=row.person_acted_at,
        acted_at=row.acted_at,
        is_queued=row.queued_at is not None,
        version=row.version,
        planned=row.planned,
        wake_at=row.wake_at,
        playbook=policies.find(tx, row.policy),
    )


# What a front door reads of an incident; other rows that are read with it have none of these names.
BRIEF: tuple[sa.ColumnElement[Any], ...] = (
    incident.c.id.label("its_id"),
    incident.c.severity,
    incident.c.severity_by,
    incident.c.status,
    incident.c.declared_at,
    incident.c.opens_at,
    incident.c.resolution_at,
    incident.c.resolution_withdrawn,
    incident.c.resolution_by,
    incident.c.person_acted_at,
    incident.c.acted_at,
    incident.c.queued_at,
    incident.c.version,
    incident.c.planned,
    incident.c.wake_at,
    incident.c.policy,
)
_BRIEF = sa.select(*BRIEF).where(incident.c.id == sa.bindparam("its_number")).with_for_update(key_share=True)
_TOUCH = (
    sa.update(incident)
    .where(incident.c.id == sa.bindparam("number"))
    .values(version=incident.c.version + 1)
    .returning(incident.c.version, incident.c.severity)
)
_LOCK = (
    sa.select(incident.c.id).where(incident.c.id == sa.bindparam("number")).with_for_update(key_share=True)
)
_PLANNED = (
    sa.update(incident)
    .where(incident.c.id == sa.bindparam("number"))
    .values(planned=sa.bindparam("seen"), wake_at=sa.bindparam("at"), looks=incident.c.looks + 1)
)


def touch(tx: sa.Connection, number: IncidentId) -> Touched:
    """Say that something about the incident changed."""
    row = tx.execute(_TOUCH, {"number": number}).one()
    return Touched(number=number, version=row.version, severity=Severity(row.severity))


def touch_again(tx: sa.Connection, known: Brief, *, severity: Severity) -> Touched:
    """The same of one that is locked and as bad as this; in a storm, a row is not written for each change.

    Nobody has looked since the last one: whoever does sees this one too.
    """
    if known.planned < known.version:
        return Touched(number=known.number, version=known.version, severity=severity)
    return touch(tx, known.number)


def touch_by(tx: sa.Connection, number: IncidentId, at: datetime) -> None:
    """Say that something changed that can wait: it is looked at by then at the latest."""
    tx.execute(_TOUCH_BY, {"number": number, "at": at})


def touch_again_by(tx: sa.Connection, known: Brief, at: datetime) -> None:
    """The same of one that is locked; nothing is written if it is looked at by then anyway."""
    if known.wake_at is None or known.wake_at > at:
        touch_by(tx, known.number, at)


_TOUCH_BY = (
    sa.update(incident)
    .where(
        incident.c.id == sa.bindparam("number"),
        sa.or_(
            incident.c.wake_at.is_(None),
            incident.c.wake_at > sa.bindparam("at", type_=incident.c.wake_at.type),
        ),
    )
    .values(wake_at=sa.bindparam("at", type_=incident.c.wake_at.type))
)


def lock(tx: sa.Connection, number: IncidentId) -> None:
    """Make this transaction the only one that moves the incident; on SQLite the writer is that anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(_LOCK, {"number": number})


def planned(tx: sa.Connection, number: IncidentId, *, version: int, wake_at: datetime | None) -> None:
    """Say that the response was planned up to `version`, and when to look again."""
    tx.execute(_PLANNED, {"number": number, "seen": version, "at": wake_at})


# Written out, not bound, as IS_OPEN is.
_FORGOTTEN: sa.ColumnElement[int] = sa.literal_column("2000")
_DUE: sa.ColumnElement[int] = sa.literal_column("500")


def due(tx: sa.Connection, now: datetime) -> tuple[Touched, ...]:
    """Incidents whose time has come, and those that changed since they were looked at; the worst first."""
    row = sa.select(incident.c.id, incident.c.version, incident.c.severity)
    # Two questions, each with an index of its own: asked as one, SQLite reads every incident there ever was.
    # PostgreSQL takes a third of all there ever were for forgotten, unless it is told how many it need give.
    forgotten = row.where(incident.c.planned < incident.c.version).order_by(incident.c.id).limit(_FORGOTTEN)
    woken = row.where(incident.c.wake_at <= now)
    rows = tx.execute(sa.union(sa.select(forgotten.subquery()), woken).order_by("severity", "id").limit(_DUE))
    return tuple(
        Touched(number=IncidentId(r.id), version=r.version, severity=Severity(r.severity)) for r in rows
    )


def due_one(tx: sa.Connection, number: IncidentId, now: datetime) -> Touched | None:
    """One incident, if its time has come or it changed since it was looked at."""
    rows = tx.execute(_DUE_ONE, {"number": number, "at": now})
    return next(
        (Touched(number=number, version=r.version, severity=Severity(r.severity)) for r in rows), None
    )


_DUE_ONE = sa.select(incident.c.version, incident.c.severity).where(
    incident.c.id == sa.bindparam("number"),
    sa.or_(
        incident.c.planned < incident.c.version,
        incident.c.wake_at <= sa.bindparam("at", type_=incident.c.wake_at.type),
    ),
)


def put_off(tx: sa.Connection, number: IncidentId, until: datetime) -> None:
    """Do not look again before `until`: a job was started, and its first round sets the real time."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(wake_at=until))


def _one_at_a_time(tx: sa.Connection, what: str) -> None:
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(what))))


def set_severity(tx: sa.Connection, number: IncidentId, severity: Severity) -> None:
    """Change how bad it is."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(severity=severity))


def set_status(tx: sa.Connection, number: IncidentId, status: Status, *, now: datetime) -> bool:
    """Change where it stands; False, and no change, if that may not follow."""
    before = [one for one, after in MAY_FOLLOW.items() if status in after]
    changed = tx.execute(
        sa.update(incident)
        .where(incident.c.id == number, incident.c.status.in_(before))
        .values(status=status, status_at=now)
    )
    return changed.rowcount == 1


def set_channel(tx: sa.Connection, number: IncidentId, channel: str) -> None:
    """Remember the channel that was opened."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(channel_id=channel))


def rename_channel(tx: sa.Connection, number: IncidentId, name: str) -> None:
    """Settle another name, since the first is taken."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(channel_name=name))


def person_acted(tx: sa.Connection, number: IncidentId, *, at: datetime) -> None:
    """Remember that a human said or did something then; the earliest stays, the latest to a minute."""
    tx.execute(_ACTED, {"number": number, "at": at, "lately": at - _LATELY})


def person_acted_again(tx: sa.Connection, known: Brief, *, at: datetime) -> None:
    """The same of an incident that is locked; nothing is asked of the database if that is known already."""
    is_first = known.person_acted_at is None or known.person_acted_at > at
    if is_first or known.acted_at is None or known.acted_at < at - _LATELY:
        person_acted(tx, known.number, at=at)


_LATELY = timedelta(minutes=1)  # in a storm of events, a row is not written for each
_FIRST, _LAST = incident.c.person_acted_at, incident.c.acted_at
_THEN = sa.bindparam("at", type_=_FIRST.type)
_IS_FIRST = sa.or_(_FIRST.is_(None), _FIRST > _THEN)
_ACTED = (
    sa.update(incident)
    .where(
        incident.c.id == sa.bindparam("number"),
        sa.or_(_IS_FIRST, _LAST.is_(None), sa.bindparam("lately", type_=_LAST.type) > _LAST),
    )
    .values(
        {
            _FIRST: sa.case((_IS_FIRST, _THEN), else_=_FIRST),
            _LAST: sa.case((sa.or_(_LAST.is_(None), _LAST < _THEN), _THEN), else_=_LAST),
        }
    )
)


def person_is_on_it(tx: sa.Connection, number: IncidentId, *, now: datetime) -> None:
    """A human works on it in the chat: from then on it never ends by itself, whenever its alerts did.

    The pager may say only later that they had ended before. What is done about a dismissed incident
    does not bring it back.
    """
    person_acted(tx, number, at=now)
    goes_on = sa.update(incident).where(incident.c.id == number, incident.c.status != Status.DISMISSED)
    tx.execute(goes_on.values(person_acted_at=_ALWAYS))


def propose_resolution(tx: sa.Connection, number: IncidentId, *, by: str, at: datetime) -> None:
    """The pager says who ended it, and when."""
    tx.execute(
        sa.update(incident)
        .where(incident.c.id == number)
        .values(resolution_by=by, resolution_at=at, resolution_withdrawn=False)
    )


def withdraw_resolution(tx: sa.Connection, number: IncidentId) -> None:
    """The alert came back: the proposal, if there was one, no longer stands."""
    tx.execute(
        sa.update(incident)
        .where(incident.c.id == number, incident.c.resolution_at.is_not(None))
        .values(resolution_withdrawn=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A role given to a person, and how they came to it."""

    role: str
    person: Person
    how: str


def appoint(tx: sa.Connection, number: IncidentId, given: Appointment, *, now: datetime) -> bool:
    """Give the role unless somebody has it already; True if they got it."""
    stored = json.dumps(person_to(given.person))
    row = {"incident": number, "name": given.role, "person": stored, "how": given.how, "since": now}
    return insert_new(tx, role, row)


def take_turn(tx: sa.Connection, number: IncidentId, pool: str, *, person: str, now: datetime) -> None:
    """Count one turn of leading for this person in this pool."""
    row = {"incident": number, "pool": pool, "person": person, "at": now}
    insert_new(tx, turn, row)


def turns(tx: sa.Connection, pool: str) -> dict[str, tuple[int, datetime]]:
    """For each person of a pool who ever led from it: how often, and when last.

    Two incidents of one moment are asked one after the other.
    """
    _one_at_a_time(tx, pool)
    rows = tx.execute(
        sa.select(turn.c.person, sa.func.count(), sa.func.max(turn.c.at))
        .where(turn.c.pool == pool)
        .group_by(turn.c.person)
    )
    return {person: (number, last) for person, number, last in rows}


def leading_now(tx: sa.Connection) -> dict[str, int]:
    """How many open incidents each person leads, by the person's stored key."""
    rows = tx.execute(
        sa.select(role.c.person)
        .join(incident, incident.c.id == role.c.incident)
        .where(role.c.name == "lead", IS_OPEN)
    )
    load: dict[str, int] = {}
    for (stored,) in rows:
        key = Person(**json.loads(stored)).key
        load[key] = load.get(key, 0) + 1
    return load


def count_open(tx: sa.Connection) -> dict[str, int]:
    """Open incidents by severity, without drills."""
    rows = tx.execute(
        sa.select(incident.c.severity, sa.func.count().label("number"))
        .where(IS_OPEN, sa.not_(incident.c.drill))
        .group_by(incident.c.severity)
    )
    return {row.severity: int(row.number) for row in rows}
