"""What was changed, as lines: a minute together, those of people and of alerts apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from multivac.incident import Severity, Status
from multivac.steps.replanning import what_follows
from multivac.store.cases import Case
from multivac.store.sayings import Saying, SayingKind

ALERT_LINE = "alert line"
_TOGETHER = timedelta(minutes=1)
_ASSEMBLING = timedelta(seconds=10)  # what is so early, the headline says first
_MOST = 1500


def groups(case: Case, *, by_people: bool) -> list[list[Saying]]:
    """The changes since the channel was assembled, those of a minute together; not how it ended."""
    since = begins(case)
    if since is None:
        return []
    found: list[list[Saying]] = []
    for one in case.said(SayingKind.CHANGE):
        if bool(one.by) is not by_people or one.at < since or is_end(one):
            continue
        if not by_people and is_settled_by_people(case, one):
            continue
        if found and one.at - found[-1][0].at < _TOGETHER:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def begins(case: Case) -> datetime | None:
    """From when on changes are said in lines of their own; None before the channel is assembled."""
    row = case.steps.get("channel")
    return None if row is None or row.done_at is None else row.done_at + _ASSEMBLING


def is_end(said: Saying) -> bool:
    """Whether the change ended the incident."""
    return said.more.get("what") == "status" and not Status(str(said.more.get("after"))).is_open


def last_end(case: Case) -> Saying | None:
    """How people, or a rule, last ended it; None while it goes on, or if only its alerts ended it."""
    if case.status.is_open:
        return None
    ends = [one for one in case.said(SayingKind.CHANGE) if one.more.get("what") == "status"]
    return ends[-1] if ends and is_end(ends[-1]) else None


def is_worse(said: Saying) -> bool:
    """Whether the change raised the severity."""
    before, after = str(said.more.get("before")), str(said.more.get("after"))
    return said.more.get("what") == "severity" and after < before  # sev1 is before sev2


def is_worst_yet(case: Case, said: Saying) -> bool:
    """Whether it raised the severity to what it never was before: alerts that flap say so once."""
    severities = [one for one in case.said(SayingKind.CHANGE) if one.more.get("what") == "severity"]
    before = [one.more.get(when) for one in severities if one.id < said.id for when in ("before", "after")]
    return is_worse(said) and all(str(said.more.get("after")) < str(one) for one in before)


def is_settled_by_people(case: Case, said: Saying) -> bool:
    """Whether the alert said no more than what a person settled by it within the minute, who is named."""
    return said.more.get("what") == "severity" and any(
        one.by
        and one.more.get("what") == "severity"
        and one.more.get("after") == said.more.get("after")
        and timedelta() <= one.at - said.at < _TOGETHER
        for one in case.said(SayingKind.CHANGE)
    )


def line_of(case: Case, group: Sequence[Saying]) -> str:
    """The changes in one line: of several of one thing, the last; of a severity also what follows from it."""
    last = {str(one.more.get("what")): one.text for one in group}
    if "severity" in last:
        last["severity"] = " · ".join((last["severity"], *_follows(case, group)))
    return " · ".join(last.values())[:_MOST]


def _follows(case: Case, group: Sequence[Saying]) -> tuple[str, ...]:
    severities = [one.more for one in group if one.more.get("what") == "severity"]
    was, now = Severity(severities[0]["before"]), Severity(severities[-1]["after"])
    return what_follows(case.playbook, was, now)


def folded(case: Case) -> str:
    """The newest change by an alert, if it was not said in the channel, so that the headline says it."""
    for group in reversed(groups(case, by_people=False)):
        row = case.steps.get(f"{ALERT_LINE}/{group[0].id}")
        if row is not None:
            return "" if row.was_done or row.wanted is not None else line_of(case, group)
    return ""
