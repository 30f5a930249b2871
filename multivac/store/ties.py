"""What somebody has to do with incidents: their roles and tasks, what they declared, where they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from multivac.incident import IncidentId, Person, TaskState
from multivac.store.facts import person_from
from multivac.store.tables import incident, member, role, task


@dataclass(frozen=True, slots=True)
class Tie:
    """What one person has to do with one incident; `tasks` counts those of theirs that are open."""

    roles: tuple[str, ...] = ()
    tasks: int = 0
    declared: bool = False
    is_here: bool = False  # in the channel


def of(
    tx: sa.Connection, person: Person, chat_id: str, *, among: Collection[IncidentId]
) -> Mapping[IncidentId, Tie]:
    """Those of these incidents that somebody has anything to do with, and what."""
    roles = [
        (number, name) for number, name, stored in tx.execute(_ROLES, {"among": among}) if _is(stored, person)
    ]
    tasks = Counter(number for number, stored in tx.execute(_TASKS, {"among": among}) if _is(stored, person))
    declared = {number for number, stored in tx.execute(_DECLARED, {"among": among}) if _is(stored, person)}
    here = set(tx.scalars(_HERE, {"among": among, "who": chat_id}))
    return {
        IncidentId(number): Tie(
            roles=tuple(name for other, name in roles if other == number),
            tasks=tasks[number],
            declared=number in declared,
            is_here=number in here,
        )
        for number in {*(number for number, _ in roles), *tasks, *declared, *here}
    }


_AMONG: sa.BindParameter[Any] = sa.bindparam("among", expanding=True)
_ROLES = (
    sa.select(role.c.incident, role.c.name, role.c.person)
    .where(role.c.incident.in_(_AMONG))
    .order_by(role.c.name)
)
_TASKS = sa.select(task.c.incident, task.c.owner).where(
    task.c.incident.in_(_AMONG),
    task.c.state == TaskState.OPEN,
    task.c.owner.is_not(None),
    task.c.retracted_at.is_(None),
)
_DECLARED = sa.select(incident.c.id, incident.c.declared_by).where(
    incident.c.id.in_(_AMONG), incident.c.declared_by.is_not(None)
)
_HERE = sa.select(member.c.incident).where(
    member.c.incident.in_(_AMONG),
    member.c.chat_id == sa.bindparam("who"),
    member.c.joined_at.is_not(None),
    member.c.left_at.is_(None),
)


def _is(stored: str, person: Person) -> bool:
    return person_from(json.loads(stored)).key == person.key
