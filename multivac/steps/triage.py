"""An alert that resolved itself while nobody had said a word: the incident dismisses itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import Entry, EntryKind, Status, dismissal_key, was_handled
from multivac.steps.base import NOTHING, Attempt, View
from multivac.store import acts, incidents, timeline
from multivac.store.cases import Case, Result
from multivac.tongue import phrase


def wants_settling(view: View) -> Mapping[str, str]:
    """To know whether anybody spoke, once every alert has resolved itself while still in triage."""
    case = view.case
    row, ended_at = case.steps.get("settle"), None if case.resolution_withdrawn else case.resolution_at
    if (
        case.status is not Status.TRIAGE
        or ended_at is None
        or was_handled(case.person_acted_at, ended_at)
        or not view.playbook.dismiss.when_resolved_in_triage
    ):
        return {"": row.done} if row is not None and row.done else NOTHING
    return {"": f"{ended_at:%Y%m%dT%H%M%S.%f}"}


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
    brief = incidents.brief(tx, case.id)
    ended_at = brief.resolution_at
    if ended_at is None or brief.resolution_withdrawn:
        return
    if made["spoke"]:
        incidents.person_acted(tx, case.id, at=ended_at)
        return
    is_unhandled = not was_handled(brief.person_acted_at, ended_at)
    if is_unhandled and incidents.set_status(tx, case.id, Status.DISMISSED, now=now):
        text = phrase("Dismissed: the alert resolved itself before anybody said a word")
        key = dismissal_key(ended_at)
        moved = acts.Moved(key=key, verb="status", before=brief.status, after=Status.DISMISSED)
        acts.leave_trail_of(tx, case.id, moved, at=now)
        timeline.note(tx, case.id, [Entry(kind=EntryKind.STATUS, at=now, text=text, key=key)], now=now)
