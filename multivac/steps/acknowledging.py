"""Alerts acknowledged once somebody leads, so that the pager does not go on waking the next level."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import LEAD, Entry, EntryKind, paged_for
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.paging import PAGER
from multivac.store import acknowledgements, timeline
from multivac.store.cases import Case, Result
from multivac.store.facts import person_to
from multivac.store.summary import AlertRow
from multivac.tongue import phrase

_MOST = 25  # alerts of one incident, as many as carry a note
_OPEN = frozenset({"triggered", "acknowledged"})


def wants_acknowledged(view: View) -> Mapping[str, str]:
    """Every open alert acknowledged once somebody has accepted to lead, and once only.

    Whoever takes an acknowledgement back, ours or another's, wants the pager to go on calling.
    """
    case = view.case
    is_led = LEAD in case.roles and case.roles[LEAD].accepted_at is not None
    if view.out.pager is None or not view.playbook.acknowledge_alerts or not is_led:
        return NOTHING
    if not case.status.is_open or case.drill:
        return NOTHING
    told = case.alerts.rows[:_MOST]
    return {one.key: "1" for one in told if one.source == PAGER and _may_be(case, one)}


def _may_be(case: Case, alert: AlertRow) -> bool:
    """Whether nobody else is waited for by it: one of our own may call a person to help."""
    if alert.facts.status not in _OPEN:
        return False
    return paged_for(alert.facts.dedup_key) is None or not any(one.pages and one.by for one in case.summons)


def acknowledge(attempt: Attempt) -> Result:
    """Acknowledge it in the lead's name, unless somebody was faster."""
    case = attempt.case
    alert = next(one for one in case.alerts.rows if one.key == attempt.instance)
    if case.lead is None or (alert.facts.status != "triggered" and not attempt.unknown):
        return {}
    shown = attempt.pager().acknowledge(alert.key, case.lead, look_first=attempt.unknown)
    if shown is None:
        return {}
    return {"alert": alert.key, "for": person_to(case.lead), "as": person_to(shown)}


def keep_acknowledged(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Say so once: its echo from the pager is not noted."""
    if "alert" not in made:
        return
    title = next(one.facts.title for one in case.alerts.rows if one.key == made["alert"])
    name = made["for"]["name"]
    text = phrase("The alert is acknowledged in PagerDuty, since {name} leads", name=name)
    if len(case.alerts.rows) > 1 and title:
        text = phrase(
            "The alert “{title}” is acknowledged in PagerDuty, since {name} leads", title=title, name=name
        )
    key = f"{acknowledgements.ENTRY}{made['alert']}"
    timeline.note(tx, case.id, [Entry(kind=EntryKind.ALERT, at=now, text=text, key=key)], now=now)
