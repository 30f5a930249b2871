"""Whether a step can be done now: is it due, are its needs met, are its waits over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from multivac.briefing import only_counts
from multivac.steps.base import Step
from multivac.store.cases import Case, StepRow

_REDRAW_TOGETHER = timedelta(seconds=2)
# While alerts stream in: from how many alerts on, and how long apart.
_COUNTED_ANEW = ((50, timedelta(seconds=30)), (5, timedelta(seconds=10)))


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether a step can be done now; if not, when to look again, if time alone can tell."""

    now: bool
    at: datetime | None = None


def readiness(case: Case, step: Step, row: StepRow, *, now: datetime) -> Ready:
    """Whether the step is due as its row says, its needs met and its waits over."""
    over = row.is_settled and not (case.status.is_open and row.may_be_mended)
    is_shut_out = case.shut_at is not None and step.is_in_channel
    if over or is_shut_out or row.claim is not None:
        return Ready(now=False)
    not_before = [
        at for at in (row.next_try, _redraw_at(case, step, row, now=now)) if at is not None and at > now
    ]
    if not_before:
        return Ready(now=False, at=max(not_before))
    since = _needs_met(case, step, row)
    if since is None:
        return Ready(now=False)
    if since > now:  # the clock was set back: how long it has waited cannot be said, so it waits no more
        return Ready(now=True)
    until = max(
        (since + limit for name, limit in _waits(step, row).items() if _unsettled(case, name)), default=now
    )
    return Ready(now=until <= now, at=until)


def _redraw_at(case: Case, step: Step, row: StepRow, *, now: datetime) -> datetime | None:
    """A message is not redrawn more often than this, so that ten changes make one edit.

    The more alerts there are, the less one more of them says: so redraws grow far slower than alerts.
    """
    if not step.settles or row.done_at is None or row.done_at > now:  # a clock that was set back
        return None
    wait = _REDRAW_TOGETHER
    if only_counts(row.wanted, row.done):
        number = len(case.alerts.rows)
        wait = next((apart for most, apart in _COUNTED_ANEW if number > most), wait)
    return row.done_at + wait


def _needs_met(case: Case, step: Step, row: StepRow) -> datetime | None:
    """Since when everything the step needs has been there; None while something is missing."""
    since = row.wanted_at or case.declared_at
    for name in step.needs:
        needed = case.steps.get(name)
        if needed is None or needed.done_at is None:
            return None
        since = max(since, needed.done_at) if not row.was_done else since
    return since


def _waits(step: Step, row: StepRow) -> Mapping[str, timedelta]:
    return dict.fromkeys(step.settles, _REDRAW_TOGETHER) if row.was_done and step.settles else step.waits


def _unsettled(case: Case, family: str) -> bool:
    rows = (row for name, row in case.steps.items() if name == family or name.startswith(f"{family}/"))
    return any(not row.is_settled for row in rows)
