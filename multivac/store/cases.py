"""Everything one round of the response reads about an incident, in one look."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from multivac.incident import LEAD, IncidentId, Person, Severity, Status
from multivac.playbook import Playbook
from multivac.store import acknowledgements, captures, members, policies, reminders, sayings, tasks
from multivac.store.captures import Capture
from multivac.store.facts import person_from, titled
from multivac.store.members import Member
from multivac.store.reminders import Reminder
from multivac.store.sayings import Saying, SayingKind
from multivac.store.summary import Alerts, together
from multivac.store.tables import alert, incident, role, step, summons
from multivac.store.tasks import TaskRow

Result = dict[str, Any]
PAGE, ASK = "page", "ask"  # the kinds of summons
_ACK = f"{acknowledgements.STEP}/"


@dataclass(frozen=True, slots=True)
class StepRow:
    """Where one step stands; see the table for what each column means, which come in this order."""

    name: str
    wanted: str | None
    wanted_at: datetime | None
    done: str | None = None
    done_at: datetime | None = None
    result: Result = field(default_factory=dict)
    claim: str | None = None
    attempt: int = 0
    unknown: bool = False
    tries: int = 0
    error: str | None = None
    fix: str | None = None
    failing_since: datetime | None = None
    gave_up: str | None = None
    next_try: datetime | None = None

    @property
    def was_done(self) -> bool:
        """Whether it was ever done, perhaps for an older want."""
        return self.done is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of it as wanted now: done, given up, or not wanted."""
        return self.wanted in {None, self.done, self.gave_up}

    @property
    def may_be_mended(self) -> bool:
        """Whether it was given up until somebody mends something: `next_try` is when to look."""
        return self.wanted is not None and self.gave_up == self.wanted and self.next_try is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """Who has a role, how they came to it, and since when."""

    person: Person
    how: str
    since: datetime
    accepted_at: datetime | None = None
    gone_at: datetime | None = None  # since when their account in the chat is closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """When the next update was promised, and until when people do not want to be asked for it."""

    next_at: datetime | None = None
    is_off: bool = False
    snoozed_until: datetime | None = None
    quiet_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summons:
    """Somebody is called: one person to lead, or people or a service's on-call to help, by the pager.

    `by` is the name of whoever wanted it, empty when it is only the next one's turn. `told_at` is when
    the channel first showed it, or the pager took it.
    """

    number: int
    pages: bool
    people: tuple[Person, ...]
    service: str = ""
    by: str = ""
    note: str = ""
    at: datetime
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One incident with its playbook, alerts, people and steps at one instant."""

    id: IncidentId
    title: str
    severity: Severity
    status: Status
    playbook: Playbook
    declared_at: datetime
    opens_at: datetime
    status_at: datetime
    person_acted_at: datetime | None
    channel_name: str
    channel_id: str | None
    resolution_by: str | None
    resolution_at: datetime | None
    resolution_withdrawn: bool
    updated_at: datetime | None
    version: int
    storm: int | None
    queued_at: datetime | None  # since when it waits for its turn in a storm
    severity_by: str | None  # the key of the person who settled it
    impact: str
    declared_by: Person | None
    drill: bool
    shut_at: datetime | None  # since when nobody can write in the channel
    shut_how: str
    checklists_from: datetime | None  # no phase that was due by then appears any more
    alerts: Alerts
    roles: Mapping[str, RoleRow]
    summons: tuple[Summons, ...]
    steps: Mapping[str, StepRow]
    members: Mapping[str, Member]  # by their id in the chat
    tasks: Mapping[str, TaskRow]
    captures: Mapping[str, Capture]
    reminders: Mapping[int, Reminder]
    acted_at: datetime | None = None  # when people last did something
    cadence: Cadence = Cadence()
    sayings: tuple[Saying, ...] = ()
    archive_at: datetime | None = None
    merged_into: IncidentId | None = None

    @property
    def updates(self) -> tuple[Saying, ...]:
        """The updates, the oldest first."""
        return self.said(SayingKind.UPDATE)

    def said(self, kind: SayingKind) -> tuple[Saying, ...]:
        """What was said of one kind, the oldest first."""
        return tuple(one for one in self.sayings if one.kind is kind)

    @property
    def lead(self) -> Person | None:
        """The one person in command."""
        return self.roles[LEAD].person if LEAD in self.roles else None

    def result(self, name: str) -> Result:
        """What a step found or made; empty until it was done once."""
        row = self.steps.get(name)
        return row.result if row is not None and row.was_done else {}


_CASE = sa.select(incident).where(incident.c.id == sa.bindparam("number"))
_ALERTS = (
    sa.select(alert.c.source, alert.c.key, alert.c.facts)
    .where(alert.c.incident == sa.bindparam("number"))
    .order_by(alert.c.id)
)
_ROLES = sa.select(role).where(role.c.incident == sa.bindparam("number"))
_SUMMONS = sa.select(summons).where(summons.c.incident == sa.bindparam("number")).order_by(summons.c.number)
_STEPS = sa.select(step).where(step.c.incident == sa.bindparam("number"))


def load(tx: sa.Connection, number: IncidentId) -> Case:
    """The incident as it stands. Raises `sqlalchemy.exc.NoResultFound` if there is none."""
    bound = {"number": number}
    row = tx.execute(_CASE, bound).one()
    acted = row.person_acted_at is not None  # else there is nothing yet that people made
    alerts, said = _told(tx, number), sayings.of(tx, number)
    steps = {one.name: _step(one) for one in tx.execute(_STEPS, bound)}
    acked = {name.partition("/")[2]: row.result for name, row in steps.items() if name.startswith(_ACK)}
    return Case(
        id=IncidentId(row.id),
        title=titled(row.title, drill=row.drill),
        severity=Severity(row.severity),
        status=Status(row.status),
        playbook=policies.find(tx, row.policy),
        declared_at=row.declared_at,
        opens_at=row.opens_at,
        status_at=row.status_at,
        person_acted_at=row.person_acted_at,
        channel_name=row.channel_name,
        channel_id=row.channel_id,
        resolution_by=row.resolution_by,
        resolution_at=row.resolution_at,
        resolution_withdrawn=row.resolution_withdrawn,
        updated_at=row.updated_at,
        version=row.version,
        storm=row.storm,
        queued_at=row.queued_at,
        severity_by=row.severity_by,
        impact=row.impact or "",
        declared_by=person_from(json.loads(row.declared_by)) if row.declared_by else None,
        drill=row.drill,
        shut_at=row.shut_at,
        shut_how=row.shut_how or "",
        checklists_from=row.checklists_from,
        alerts=_with_named(acknowledgements.in_their_name(alerts, acked), said),
        roles={one.name: _role(one) for one in tx.execute(_ROLES, bound)},
        summons=tuple(map(_summons, tx.execute(_SUMMONS, bound))),
        steps=steps,
        members=members.of(tx, number),
        tasks=tasks.of_incident(tx, number) if acted else {},
        captures=captures.of_incident(tx, number) if row.channel_id is not None else {},
        reminders=reminders.of_incident(tx, number) if acted else {},
        acted_at=row.acted_at,
        cadence=_cadence(row),
        sayings=said,
        archive_at=row.archive_at,
        merged_into=row.merged_into,
    )


def services_of(tx: sa.Connection, number: IncidentId) -> tuple[str, ...]:
    """The services of one incident by their names: those of its alerts, and those that people have named."""
    return _with_named(_told(tx, number), sayings.of(tx, number)).services


def _told(tx: sa.Connection, number: IncidentId) -> Alerts:
    return together(tuple(tuple(one) for one in tx.execute(_ALERTS, {"number": number})))


def named_services(said: tuple[Saying, ...]) -> tuple[str, ...]:
    """The services that people have named last."""
    found = (one.more["names"] for one in reversed(said) if one.kind is SayingKind.SERVICES)
    return tuple(next(found, ()))


def _with_named(alerts: Alerts, said: tuple[Saying, ...]) -> Alerts:
    """The alerts, and beside their services those that people have named."""
    named = named_services(said)
    return replace(alerts, services=tuple(dict.fromkeys([*alerts.services, *named]))) if named else alerts


def _cadence(row: sa.Row[Any]) -> Cadence:
    return Cadence(
        next_at=row.next_update_at,
        is_off=row.prompts_off,
        snoozed_until=row.snoozed_until,
        quiet_until=row.quiet_until,
    )


def _summons(row: sa.Row[Any]) -> Summons:
    return Summons(
        number=row.number,
        pages=row.kind == PAGE,
        people=tuple(map(person_from, json.loads(row.people))),
        service=row.service or "",
        by=row.by or "",
        note=row.note or "",
        at=row.at,
        told_at=row.told_at,
    )


def _role(row: sa.Row[Any]) -> RoleRow:
    return RoleRow(
        person=person_from(json.loads(row.person)),
        how=row.how,
        since=row.since,
        accepted_at=row.accepted_at,
        gone_at=row.gone_at,
    )


def _step(row: sa.Row[Any]) -> StepRow:
    _, name, wanted, wanted_at, done, done_at, result, *rest = tuple(row)
    return StepRow(name, wanted, wanted_at, done, done_at, json.loads(result) if result else {}, *rest)


def with_wants(case: Case, wants: Mapping[str, str | None], now: datetime) -> Case:
    """The case as it reads after `steps.want` wrote these wants: so that it need not be read again."""
    steps = dict(case.steps)
    for name, wanted in wants.items():
        row = steps.get(name)
        steps[name] = (
            StepRow(name, wanted, now)
            if row is None
            else replace(row, wanted=wanted, wanted_at=now, next_try=None, gave_up=None, tries=0)
        )
    return replace(case, steps=steps)
