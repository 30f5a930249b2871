"""The end that the pager proposes: put to people, who agree or say that it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from multivac.briefing import Press, ResolutionProposed, Who, fingerprint
from multivac.steps import people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.words import channel_of, say, view_of
from multivac.store.cases import Case, Result
from multivac.tongue import phrase
from multivac.voice import FIRST


def wants_resolution(view: View) -> Mapping[str, str]:
    """The proposal to resolve, put to people, and taken back if the alert returns or people go on."""
    case = view.case
    row = case.steps.get("resolution")
    if view.out.chat is None or case.resolution_at is None:
        return NOTHING
    was_put = row is not None and row.was_done
    if case.status.is_open and (was_put or not case.resolution_withdrawn):
        return {"": fingerprint(_proposal(view, case.resolution_at))}
    if row is None or not was_put:
        return NOTHING
    over = fingerprint(_proposal(view, case.resolution_at)) if view.out.hears else row.done
    return {"": str(over)}


def _proposal(view: View, at: datetime) -> ResolutionProposed:
    case = view.case
    is_asked = case.status.is_open and not case.resolution_withdrawn
    rows = case.alerts.rows
    is_quiet = bool(rows) and all(row.facts.status == "resolved" for row in rows)
    return ResolutionProposed(
        by=case.resolution_by or "PagerDuty",
        at=at,
        withdrawn=case.resolution_withdrawn and not is_quiet,
        goes_on=case.resolution_withdrawn and is_quiet,
        over=not case.status.is_open and view.out.hears,
        alerts=len(case.alerts.rows),
        lead=_lead(view) if is_asked else None,
        presses=_presses(case) if is_asked and view.out.hears else (),
    )


def _lead(view: View) -> Who | None:
    """The lead, mentioned; not in the first minutes, in which they were mentioned already."""
    case, lead = view.case, view.case.lead
    opened, row = case.steps.get("channel"), case.steps.get("resolution")
    begin = (opened.done_at if opened is not None else None) or case.declared_at
    put = row.result.get("at") if row is not None and row.was_done else None
    put_at = datetime.fromisoformat(put) if put else view.now
    if lead is None or not view.out.hears or put_at < begin + FIRST:
        return None
    return Who(name=people.name_of(case, lead), chat_id=people.chat_id(case, lead))


def _presses(case: Case) -> tuple[Press, ...]:
    about = f"INC-{case.id}"
    return (
        Press(label=phrase("Resolve"), line=f"{about} resolve", stands_out=True),
        Press(label=phrase("It goes on"), line=f"{about} continue"),
    )


def propose_resolution(attempt: Attempt) -> Result:
    """Post or redraw it."""
    case = attempt.case
    proposal = _proposal(view_of(attempt), case.resolution_at or attempt.now)
    return say(attempt, channel_of(case), proposal)
