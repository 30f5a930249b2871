"""Tasks as people left them: ticks of the checklists, and the tasks that they added themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import IncidentId, Person, TaskState
from multivac.store.facts import person_from, person_to
from multivac.store.tables import insert_into, task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task. `text` is that of a task which people added; its key is a number."""

    key: str
    state: TaskState
    at: datetime
    by: str | None = None
    text: str | None = None
    owner: Person | None = None
    link: str | None = None


_ALL = sa.select(task).where(task.c.incident == sa.bindparam("number"), task.c.retracted_at.is_(None))


def of_incident(tx: sa.Connection, number: IncidentId) -> Mapping[str, TaskRow]:
    """Every task that people touched or added, by key."""
    return {
        r.key: TaskRow(
            key=r.key,
            text=r.text,
            state=TaskState(r.state),
            by=r.by,
            at=r.at,
            owner=person_from(json.loads(r.owner)) if r.owner else None,
            link=r.link,
        )
        for r in tx.execute(_ALL, {"number": number})
    }


def add(tx: sa.Connection, number: IncidentId, new: TaskRow) -> str:
    """Write a task down that is in no checklist; gives its key, the next number."""
    keys = tx.scalars(sa.select(task.c.key).where(task.c.incident == number, task.c.text.is_not(None)))
    key = str(max(map(int, keys), default=0) + 1)
    stored = json.dumps(person_to(new.owner)) if new.owner else None
    row = {"incident": number, "key": key, "text": new.text, "state": new.state, "by": new.by}
    tx.execute(sa.insert(task).values(**row, at=new.at, owner=stored, link=new.link))
    return key


def settle(tx: sa.Connection, number: IncidentId, one: TaskRow) -> None:
    """Somebody has done it, or skipped it."""
    row = {"incident": number, "key": one.key, "state": one.state, "by": one.by, "at": one.at}
    _set(tx, row, ("state", "by", "at"))


def give(tx: sa.Connection, number: IncidentId, key: str, *, owner: Person, at: datetime) -> None:
    """It is this person's task now."""
    stored = json.dumps(person_to(owner))
    row = {"incident": number, "key": key, "state": TaskState.OPEN, "at": at, "owner": stored}
    _set(tx, row, ("owner",))


def _set(tx: sa.Connection, row: Mapping[str, object], names: tuple[str, ...]) -> None:
    insert = insert_into(tx.dialect.name, task)
    newer = {name: insert.excluded[name] for name in names}
    tx.execute(insert.on_conflict_do_update(index_elements=["incident", "key"], set_=newer), row)


def retract(tx: sa.Connection, number: IncidentId, key: str, *, at: datetime) -> None:
    """Whoever added the task takes it back, unless somebody has dealt with it meanwhile."""
    still = (task.c.incident == number, task.c.key == key, task.c.state == TaskState.OPEN)
    tx.execute(sa.update(task).where(*still).values(retracted_at=at))
