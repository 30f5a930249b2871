"""Who is called, in order: asked to lead, or paged. Written by the desk and the response."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import LEAD, OPEN, IncidentId, Person
from multivac.store.cases import ASK, PAGE
from multivac.store.facts import person_from, person_to
from multivac.store.tables import incident, role, summons


def begin(tx: sa.Connection, number: IncidentId) -> None:
    """Whoever has the lead is the first who was asked, unless somebody was before."""
    if _last(tx, number, ASK) > 0:
        return
    held = tx.execute(sa.select(role).where(role.c.incident == number, role.c.name == LEAD)).one_or_none()
    if held is not None:
        _insert(tx, number, ASK, people=[person_from(json.loads(held.person))], at=held.since)


def ask_to_lead(  # noqa: PLR0913  # the row, whole
    tx: sa.Connection, number: IncidentId, person: Person, *, now: datetime, by: str = "", note: str = ""
) -> None:
    """Ask a person to lead, from now on; to be called before they get the role, so that none is forgotten."""
    begin(tx, number)
    _insert(tx, number, ASK, people=[person], at=now, by=by, note=note)


def call_again(tx: sa.Connection, number: IncidentId, *, now: datetime, by: str = "", note: str = "") -> None:
    """It is open again: whoever led is asked anew whether they do; nobody if nobody led."""
    this = (role.c.incident == number, role.c.name == LEAD)
    held = tx.execute(sa.select(role.c.person).where(*this)).one_or_none()
    if held is None:
        return
    ask_to_lead(tx, number, person_from(json.loads(held.person)), now=now, by=by, note=note)
    tx.execute(sa.update(role).where(*this).values(accepted_at=None, since=now))


def page(  # noqa: PLR0913  # the row, whole
    tx: sa.Connection,
    number: IncidentId,
    people: Sequence[Person],
    *,
    now: datetime,
    by: str = "",
    note: str = "",
    service: str = "",
) -> int:
    """Have people paged, or whoever is on call for a service; gives the number of the page."""
    return _insert(tx, number, PAGE, people=people, at=now, by=by, note=note, service=service)


def told(tx: sa.Connection, number: IncidentId, which: int, *, now: datetime) -> None:
    """It was said, or paged; the first time stays."""
    this = (summons.c.incident == number, summons.c.number == which, summons.c.told_at.is_(None))
    tx.execute(sa.update(summons).where(*this).values(told_at=now))


def still_waits(tx: sa.Connection, number: IncidentId, *, after: int) -> bool:
    """Whether the lead is still not accepted, and nobody was asked after that one."""
    waits = tx.scalar(
        sa.select(role.c.name)
        .join(incident, incident.c.id == role.c.incident)
        .where(
            role.c.incident == number,
            role.c.name == LEAD,
            role.c.accepted_at.is_(None),
            incident.c.status.in_(OPEN),
        )
    )
    return waits is not None and _last(tx, number, ASK) == after


def busy_elsewhere(tx: sa.Connection, number: IncidentId) -> frozenset[str]:
    """The keys of those who lead another open incident, or are being asked to."""
    elsewhere = (role.c.name == LEAD, incident.c.status.in_(OPEN), incident.c.id != number)
    leads = tx.scalars(
        sa.select(role.c.person).join(incident, incident.c.id == role.c.incident).where(*elsewhere)
    )
    others = summons.alias()
    newest = (
        sa.select(sa.func.max(others.c.number))
        .where(others.c.incident == summons.c.incident, others.c.kind == ASK)
        .scalar_subquery()
    )
    asked = tx.scalars(
        sa.select(summons.c.people)
        .join(role, role.c.incident == summons.c.incident)
        .join(incident, incident.c.id == summons.c.incident)
        .where(*elsewhere, role.c.accepted_at.is_(None), summons.c.number == newest)
    )
    stored = [json.loads(one) for one in leads] + [one for people in asked for one in json.loads(people)]
    return frozenset(person_from(one).key for one in stored)


def _last(tx: sa.Connection, number: IncidentId, kind: str | None = None) -> int:
    asked = sa.select(sa.func.max(summons.c.number)).where(summons.c.incident == number)
    return int(tx.scalar(asked if kind is None else asked.where(summons.c.kind == kind)) or 0)


def _insert(  # noqa: PLR0913  # the row, whole
    tx: sa.Connection,
    number: IncidentId,
    kind: str,
    *,
    people: Sequence[Person],
    at: datetime,
    by: str = "",
    note: str = "",
    service: str = "",
) -> int:
    which = _last(tx, number) + 1
    tx.execute(
        sa.insert(summons).values(
            incident=number,
            number=which,
            kind=kind,
            people=json.dumps([person_to(one) for one in people]),
            service=service or None,
            by=by or None,
            note=note or None,
            at=at,
        )
    )
    return which
