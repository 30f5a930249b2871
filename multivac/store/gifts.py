"""What people gave one another: roles and tasks, of which whoever has them now is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.incident import IncidentId, Person
from multivac.store import sayings
from multivac.store.cases import Case
from multivac.store.facts import person_from, person_to
from multivac.store.sayings import Saying, SayingKind
from multivac.store.tables import role

ROLE, TASK = "role", "task"
_TOGETHER = timedelta(minutes=1)  # what comes within it is told in one message


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """A role (`key` is its name) or a task (its key, and its text) that `by`, a name, gave to somebody."""

    what: str
    key: str
    text: str = ""
    to: Person
    by: str
    at: datetime
    id: int = 0


def note(tx: sa.Connection, number: IncidentId, gift: Gift) -> None:
    """Have them told what they were given."""
    sayings.add(
        tx,
        number,
        kind=SayingKind.GIVEN,
        text=gift.text,
        by=gift.by,
        at=gift.at,
        more={"what": gift.what, "key": gift.key, "to": person_to(gift.to)},
    )


def together(case: Case) -> Sequence[Sequence[Gift]]:
    """Everything that was given, in order; what one person was given within a minute together."""
    found: list[list[Gift]] = []
    for gift in _all(case):
        theirs = [group for group in found if group[0].to.key == gift.to.key]
        if theirs and gift.at - theirs[-1][0].at < _TOGETHER:
            theirs[-1].append(gift)
        else:
            found.append([gift])
    return found


def _all(case: Case) -> Iterator[Gift]:
    yield from map(_read, case.said(SayingKind.GIVEN))


def _read(said: Saying) -> Gift:
    return Gift(
        id=said.id,
        what=said.more["what"],
        key=said.more["key"],
        text=said.text,
        to=person_from(dict(said.more["to"])),
        by=said.by,
        at=said.at,
    )


def had_role(tx: sa.Connection, name: str, who: Person, *, since: datetime, but: IncidentId) -> bool:
    """Whether this person has got the role in another incident since then, and not passed it on."""
    rows = tx.scalars(_HELD, {"name": name, "since": since, "but": but})
    return any(person_from(json.loads(stored)).key == who.key for stored in rows)


_HELD = sa.select(role.c.person).where(
    role.c.name == sa.bindparam("name"),
    role.c.since >= sa.bindparam("since", type_=role.c.since.type),
    role.c.incident != sa.bindparam("but"),
)
