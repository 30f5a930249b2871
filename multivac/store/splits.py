"""An alert taken out of its incident again: its rows, and how what is left of the incident stands then."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from multivac.incident import Severity, page_key
from multivac.store import alerts, incidents, traits
from multivac.store.cases import Case
from multivac.store.incidents import Touched
from multivac.store.summary import AlertRow
from multivac.store.tables import trait
from multivac.store.traits import Subject

_LOOKED_AT = 100  # alerts of one incident; of a storm nobody picks one by hand


def separable(case: Case) -> tuple[AlertRow, ...]:
    """The open alerts that may have joined wrongly: not of one problem, as far as the pager says.

    Not one that we raised ourselves to page people for this incident.
    """
    own, first = page_key(case.id, case.declared_at), case.alerts.rows[:1]
    known = {row.facts.dedup_key for row in first if row.facts.dedup_key} | {own}
    others = [row for row in case.alerts.rows[1:_LOOKED_AT] if row.facts.dedup_key not in known]
    return tuple(row for row in (*first, *others) if row.facts.status != "resolved") if others else ()


def move(tx: sa.Connection, case: Case, row: AlertRow, *, to: Touched, now: datetime) -> bool:
    """Make the alert another incident's, and keep others of its kind out of the old one.

    False if it has ended meanwhile, or is not this incident's any more.
    """
    known = alerts.find(tx, row.source, row.key)
    if known is None or known.incident != case.id or known.facts.status == "resolved":
        return False
    alerts.belongs(tx, known, to.number, as_bad_as=to.severity, now=now)
    traits.remember(tx, to.number, _subject(row), declared_at=now)
    _forget(tx, case, row)
    return True


def _forget(tx: sa.Connection, case: Case, row: AlertRow) -> None:
    """Nobody joins the old incident by what this alert alone has."""
    left = {pair for one in case.alerts.rows if one != row for pair in traits.had_by(_subject(one)).items()}
    for kind, value in traits.had_by(_subject(row)).items():
        if (kind, value) not in left:
            its = (trait.c.incident == case.id, trait.c.kind == kind, trait.c.value == value)
            tx.execute(sa.delete(trait).where(*its))


def settle(tx: sa.Connection, case: Case, *, now: datetime) -> Severity:
    """Weigh what is left: its severity as alerts imply it, unless a person settled it; over if all are."""
    worst = alerts.standing(tx, case.id).worst
    if worst is None:
        end = alerts.last_end(tx, case.id, now=now)
        incidents.propose_resolution(tx, case.id, by=end.by, at=end.at)
        worst = end.severity
    if case.severity_by is not None or worst is None or worst is case.severity:
        return case.severity
    incidents.set_severity(tx, case.id, worst)
    return worst


def _subject(row: AlertRow) -> Subject:
    return Subject(source=row.source, key=row.key, facts=row.facts)
