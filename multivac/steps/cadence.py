"""When stakeholders are owed the next update. Asked by the headline and by the prompt."""

from __future__ import annotations

from datetime import datetime

from multivac.steps import news
from multivac.steps.base import View
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.store.updates import Place, goes_to


def next_update_due(view: View) -> datetime | None:
    """When the next update is owed: as promised with the last one, else by the playbook's rhythm.

    What stakeholders were promised stays owed, also once a milder severity asks for less.
    """
    case = view.case
    every = view.playbook.update_every(case.severity)
    if not case.status.is_open or case.cadence.is_off:
        return None
    due = case.cadence.next_at
    if due is None:
        by_rhythm = (case.updated_at or case.declared_at) + every if every is not None else None
        due = min(filter(None, (_published(case), by_rhythm)), default=None)
    view.look_again(due)
    return due


def _published(case: Case) -> datetime | None:
    """The time that stakeholders read in the last update, unless they heard more, or it was over since."""
    public = [one for one in case.updates if goes_to(one, Place.ANNOUNCEMENT)]
    if not public or not public[-1].more.get("next"):
        return None
    last = public[-1]
    is_answered = case.updated_at is not None and case.updated_at > last.at
    was_over = any(one.id > last.id and news.is_back(one) for one in case.said(SayingKind.CHANGE))
    return None if is_answered or was_over else datetime.fromisoformat(str(last.more["next"]))
