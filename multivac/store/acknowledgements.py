"""Acknowledgements of our own: known again when the pager tells of them, and read as whose they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from multivac.incident import LEAD, Alert, Person
from multivac.store.facts import person_from
from multivac.store.summary import AlertRow, Alerts
from multivac.store.tables import alert, role, step

STEP = "alert ack"
ENTRY = "acknowledged:"  # begins the key of the entry that says so, which is news to nobody who comes later
_CLOCKS_DIFFER_BY = timedelta(minutes=2)

_ECHOED = (
    sa.select(step.c.claim, step.c.unknown, step.c.done_at, step.c.result, role.c.person)
    .select_from(
        alert.join(step, step.c.incident == alert.c.incident).outerjoin(
            role, sa.and_(role.c.incident == alert.c.incident, role.c.name == LEAD)
        )
    )
    .where(
        alert.c.source == sa.bindparam("its_source"),
        alert.c.key == sa.bindparam("its_key"),
        step.c.name == sa.bindparam("step_name"),
    )
)


def echoed(tx: sa.Connection, told: Alert) -> Person | None:
    """In whose name we acknowledged this alert, if that is what is told; None if another person did it."""
    asked = {"its_source": told.source, "its_key": told.key, "step_name": f"{STEP}/{told.key}"}
    row = tx.execute(_ECHOED, asked).one_or_none()
    if row is None:
        return None
    if row.claim is not None or row.unknown:  # its answer has not come, or is not written down yet
        return person_from(json.loads(row.person)) if row.person else None
    made = json.loads(row.result) if row.result else {}
    if "as" not in made or told.actor is None or not is_same(person_from(made["as"]), told.actor):
        return None
    is_this_one = abs(told.occurred_at - row.done_at) <= _CLOCKS_DIFFER_BY
    return person_from(made["for"]) if is_this_one else None


def in_their_name(alerts: Alerts, made: Mapping[str, Mapping[str, Any]]) -> Alerts:
    """The alerts as acknowledged by those for whom we did it, whatever account the pager shows for it.

    `made` is what came of the step for each alert.
    """
    if not made:
        return alerts
    rows = tuple(_named(one, made[one.key]) if "as" in made.get(one.key, ()) else one for one in alerts.rows)
    ackers = (one.facts.acknowledged_by for one in rows)
    return replace(alerts, rows=rows, ackers=tuple(dict.fromkeys(filter(None, ackers))))


def _named(row: AlertRow, made: Mapping[str, Any]) -> AlertRow:
    by = row.facts.acknowledged_by
    if by is None or not is_same(person_from(made["as"]), by):
        return row
    return replace(row, facts=replace(row.facts, acknowledged_by=person_from(made["for"])))


def is_same(one: Person, other: Person) -> bool:
    """Whether two references of the pager's are to the same account."""
    return one.pagerduty == other.pagerduty if one.pagerduty else one.name == other.name
