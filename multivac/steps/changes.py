"""One quiet line in the channel for what people changed, and one for what alerts changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from multivac.briefing import ChangeLine, fingerprint
from multivac.steps import answers
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.news import ALERT_LINE, groups, line_of
from multivac.steps.words import channel_of, say
from multivac.store.cases import Result

_FAMILY = "change line"
_FRESH = timedelta(minutes=2)  # what could not be said by then is old: the headline has it


def wants_change_lines(view: View) -> Mapping[str, str]:
    """What people changed."""
    return _wants(view, _FAMILY)


def wants_alert_lines(view: View) -> Mapping[str, str]:
    """What alerts changed."""
    return _wants(view, ALERT_LINE)


def _wants(view: View, family: str) -> Mapping[str, str]:
    if view.out.chat is None:
        return NOTHING
    is_open_whose = family == ALERT_LINE and answers.are_awaited(view)  # they are named in a line of theirs
    wanted = {}
    for group in groups(view.case, by_people=family == _FAMILY):
        row = view.case.steps.get(f"{family}/{group[0].id}")
        is_there = row is not None and (row.was_done or row.wanted is not None)
        if is_there or (view.now - group[-1].at < _FRESH and not is_open_whose):
            wanted[str(group[0].id)] = fingerprint(line_of(view.case, group))
    return wanted


def post_change_line(attempt: Attempt) -> Result:
    """Post or redraw the line."""
    found = groups(attempt.case, by_people=attempt.name.startswith(f"{_FAMILY}/"))
    group = next(one for one in found if str(one[0].id) == attempt.instance)
    return say(attempt, channel_of(attempt.case), ChangeLine(text=line_of(attempt.case, group)))
