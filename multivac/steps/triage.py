"""An alert that resolved itself while nobody had said a word: the incident dismisses itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import Entry, EntryKind, Status
from multivac.steps.base import NOTHING, Attempt, View
from multivac.store import incidents, timeline
from multivac.store.cases import Case, Result


def wants_settling(view: View) -> Mapping[str, str]:
    """To know whether anybody spoke, once every alert has resolved itself while still in triage."""
    case = view.case
    resolved_itself = (
        case.resolution_at is not None and not case.resolution_withdrawn and case.person_acted_at is None
    )
    row = case.steps.get("settle")
    if (
        case.status is not Status.TRIAGE
        or not resolved_itself
        or not view.playbook.dismiss.when_resolved_in_triage
    ):
        return {"": row.done} if row is not None and row.done else NOTHING
    return {"": f"{case.resolution_at:%Y%m%dT%H%M%S.%f}"}


def settle(attempt: Attempt) -> Result:
    """Ask the channel whether a human wrote in it."""
    case = attempt.case
    spoke = (
        attempt.out.chat is not None
        and case.channel_id is not None
        and attempt.chat().people_spoke(case.channel_id)
    )
    return {"spoke": spoke}


def keep_settled(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Dismiss the incident if the alert is still over, or remember that people are on it."""
    if made["spoke"]:
        incidents.person_acted(tx, case.id, now=now)
        return
    brief = incidents.brief(tx, case.id)
    is_over = brief.resolution_stands and not brief.person_acted
    if is_over and incidents.set_status(tx, case.id, Status.DISMISSED, now=now):
        text = "Dismissed: the alert resolved itself before anybody said a word"
        key = f"dismissed:{case.resolution_at}"
        timeline.note(tx, case.id, [Entry(kind=EntryKind.STATUS, at=now, text=text, key=key)], now=now)
