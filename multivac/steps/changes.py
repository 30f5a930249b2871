"""One quiet line in the channel for what people changed, and one for what alerts changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from multivac.briefing import ChangeLine, fingerprint
from multivac.steps import answers
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.news import ALERT_LINE, as_before, groups, line_of
from multivac.steps.words import channel_of, say
from multivac.store.cases import Case, Result
from multivac.store.sayings import Saying

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
    may_begin = family == _FAMILY or not answers.are_awaited(view)  # whose alerts they are is told apart
    return {
        str(group[0].id): fingerprint(_line(view.case, group))
        for group in groups(view.case, by_people=family == _FAMILY)
        if _belongs_there(view, family, group, may_begin=may_begin)
    }


def _belongs_there(view: View, family: str, group: Sequence[Saying], *, may_begin: bool) -> bool:
    """Whether the channel is to have this line: what was posted stays, and what is old never begins."""
    row = view.case.steps.get(f"{family}/{group[0].id}")
    if row is not None and row.was_done:
        return True
    is_begun = row is not None and row.wanted is not None
    is_news = may_begin and view.now - group[-1].at < _FRESH
    return bool(line_of(view.case, group)) and (is_begun or is_news)


def _line(case: Case, group: Sequence[Saying]) -> str:
    return line_of(case, group) or as_before(group)


def post_change_line(attempt: Attempt) -> Result:
    """Post or redraw the line."""
    found = groups(attempt.case, by_people=attempt.name.startswith(f"{_FAMILY}/"))
    group = next(one for one in found if str(one[0].id) == attempt.instance)
    return say(attempt, channel_of(attempt.case), ChangeLine(text=_line(attempt.case, group)))
