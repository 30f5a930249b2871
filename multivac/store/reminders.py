"""Reminders: what people asked to be reminded of, when it is due, and how they answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from multivac.incident import Group, IncidentId, Person
from multivac.store.facts import person_from, person_to
from multivac.store.tables import reminder, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    """One reminder. `due_at` is when its `round` falls due; of one that comes again, later rounds follow.

    A round that nobody answers stays the one that is asked: `round` is the first since the last answer. One
    with a `moment` falls due when that comes, and not at `due_at`. `after` is how long it waits for an answer
    before it asks again; `thread` is the message of the incident's channel in whose thread it was set. With
    `then_page` whoever it is escalated to is paged if they do not answer either.
    """

    number: int
    text: str
    by: Person
    whom: Person | Group | None  # None: whoever is in the channel
    due_at: datetime
    every: timedelta | None = None
    until_at: datetime | None = None
    until_done: bool = False
    escalate_to: Person | None = None
    then_page: bool = False
    after: timedelta
    round: int = 1
    ended: str | None = None
    answered: int | None = None
    answer: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = None
    moment: str | None = None
    until_resolved: bool = False
    thread: str | None = None

    def current(self, now: datetime) -> Reminder:
        """The same with the newest round that is due by now."""
        if self.every is None or now < self.due_at + self.every:
            return self
        passed = (now - self.due_at) // self.every
        return replace(self, due_at=self.due_at + passed * self.every, round=self.round + passed)

    def is_over(self, now: datetime) -> bool:
        """Whether nothing more comes of it."""
        return self.ended is not None or (self.until_at is not None and now >= self.until_at)


_ALL = sa.select(reminder).where(reminder.c.incident == sa.bindparam("number")).order_by(reminder.c.number)
_PEOPLE = ("by", "whom", "escalate_to")
_THEN_PAGE = "then_page"  # stands beside whom it is escalated to
_SPANS = ("every", "after")


def of_incident(tx: sa.Connection, number: IncidentId) -> Mapping[int, Reminder]:
    """All reminders of an incident by their numbers, those that have ended too."""
    return {r.number: _read(r) for r in tx.execute(_ALL, {"number": number})}


def _read(row: sa.Row[Any]) -> Reminder:
    said = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for a row as a mapping
    del said["incident"]
    stored = {name: json.loads(said[name]) for name in _PEOPLE if said[name]}
    said["then_page"] = stored.get("escalate_to", {}).pop(_THEN_PAGE, False)
    said |= {name: _who_from(one) for name, one in stored.items()}
    said["until_resolved"] = bool(said["until_resolved"])
    said |= {name: timedelta(seconds=said[name]) for name in _SPANS if said[name] is not None}
    return Reminder(**said)


def _who_from(value: dict[str, Any]) -> Person | Group:
    return Group(**value) if "id" in value else person_from(value)


def _who_to(who: Person | Group) -> dict[str, Any]:
    return {"id": who.id, "name": who.name} if isinstance(who, Group) else person_to(who)


def is_one(tx: sa.Connection, number: IncidentId, message: str) -> bool:
    """Whether this message of the incident's channel is a reminder's, or one was set below it."""
    shown = sa.select(step.c.name).where(
        step.c.incident == number,
        sa.or_(step.c.name.startswith("reminder/"), step.c.name.startswith("asked again/")),
        step.c.result.contains(f'"{message}"', autoescape=True),
    )
    below = sa.select(reminder.c.number).where(reminder.c.incident == number, reminder.c.thread == message)
    return bool(tx.scalar(sa.select(sa.or_(shown.exists(), below.exists()))))


def add(tx: sa.Connection, number: IncidentId, new: Reminder) -> int:
    """Write a reminder down; gives its number within the incident."""
    last: int | None = tx.scalar(
        sa.select(sa.func.max(reminder.c.number)).where(reminder.c.incident == number)
    )
    row = {name: getattr(new, name) for name in Reminder.__dataclass_fields__ if name != _THEN_PAGE}
    people = {name: _who_to(row[name]) for name in _PEOPLE if row[name]}
    if new.then_page:
        people["escalate_to"][_THEN_PAGE] = True
    row |= {name: json.dumps(one) for name, one in people.items()}
    row |= {name: round(row[name].total_seconds()) for name in _SPANS if row[name] is not None}
    row |= {"incident": number, "number": (last or 0) + 1}
    tx.execute(sa.insert(reminder).values(**row))
    return (last or 0) + 1


def out_of_threads(tx: sa.Connection, number: IncidentId) -> None:
    """They come in the channel itself from now on: the messages under which they were set are elsewhere."""
    tx.execute(sa.update(reminder).where(reminder.c.incident == number).values(thread=None))


def write(tx: sa.Connection, number: IncidentId, one: Reminder) -> None:
    """Keep how it stands now: answered, moved on, passed on, ended."""
    names = ("due_at", "round", "ended", "answered", "answer", "answered_by", "answered_at", "moment")
    here = (reminder.c.incident == number, reminder.c.number == one.number)
    changed = {name: getattr(one, name) for name in names}
    changed["whom"] = json.dumps(_who_to(one.whom)) if one.whom else None
    tx.execute(sa.update(reminder).where(*here).values(changed))
