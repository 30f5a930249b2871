"""What was changed, as lines: a minute together, those of people and of alerts apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from multivac.incident import Severity, Status
from multivac.steps.replanning import what_follows
from multivac.store.cases import Case
from multivac.store.sayings import Saying, SayingKind
from multivac.tongue import phrase

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
    if row is None or row.done_at is None:
        return None
    first = row.result.get("since")  # when the first was opened, if it is not the only one
    return (datetime.fromisoformat(first) if first else row.done_at) + _ASSEMBLING


def is_end(said: Saying) -> bool:
    """Whether the change ended the incident."""
    return said.more.get("what") == "status" and not Status(str(said.more.get("after"))).is_open


def is_back(said: Saying) -> bool:
    """Whether it was over before the change, and is not any more: to close what is resolved is no news."""
    is_status = said.more.get("what") == "status"
    return is_status and not is_end(said) and not Status(str(said.more["before"])).is_open


def last_end(case: Case) -> Saying | None:
    """How people, or a rule, last ended it; None while it goes on, or if only its alerts ended it."""
    if case.status.is_open:
        return None
    ends = [one for one in case.said(SayingKind.CHANGE) if one.more.get("what") == "status"]
    return ends[-1] if ends and is_end(ends[-1]) else None


def moves(group: Sequence[Saying]) -> list[Saying]:
    """Those of the changes that moved the severity."""
    return [one for one in group if _is_severity(one) and one.more.get("before") != one.more.get("after")]


def is_worst_yet(case: Case, moved: Sequence[Saying]) -> bool:
    """Whether these moves together raised the severity to what it never was before."""
    before, after = str(moved[0].more.get("before")), str(moved[-1].more.get("after"))
    return after < before and was_never_so_bad(case, after, before=moved[0].id)  # sev1 is before sev2


def was_never_so_bad(case: Case, severity: str, *, before: int) -> bool:
    """Whether everything that was said before that saying's number was less bad."""
    earlier = (one for one in case.sayings if one.id < before)
    known = (str(one.more[key]) for one in earlier for key in _severities_in(one))
    return all(severity < one for one in known)


def _severities_in(said: Saying) -> tuple[str, ...]:
    if said.kind is SayingKind.UPDATE:
        return ("was", "severity")
    return ("before", "after") if _is_severity(said) else ()


def _is_severity(said: Saying) -> bool:
    return said.kind is SayingKind.CHANGE and said.more.get("what") == "severity"


def severity_said_at(case: Case) -> datetime | None:
    """When somebody last said how bad it is, also in an update; None if nobody has."""
    by_itself = (one.at for one in case.sayings if _is_severity(one) and one.by)
    with_update = (one.at for one in case.updates if one.more.get("severity") != one.more.get("was"))
    return max((*by_itself, *with_update), default=None)


def is_settled_by_people(case: Case, said: Saying) -> bool:
    """Whether the alert said no more than what a person settled by it within the minute, who is named."""
    return _is_severity(said) and any(
        one.by
        and _is_severity(one)
        and one.more.get("after") == said.more.get("after")
        and timedelta() <= one.at - said.at < _TOGETHER
        for one in case.sayings
    )


def line_of(case: Case, group: Sequence[Saying]) -> str:
    """The changes in one line: of several of one thing, what they come to; "" if that is nothing.

    Of a severity it says what follows from it, too.
    """
    last = {str(one.more.get("what")): one.text for one in group}
    if severities := [one for one in group if _is_severity(one)]:
        told = (severity_line(severities), *_follows(case, moves(severities)))
        last["severity"] = " · ".join(filter(None, told))
    return " · ".join(filter(None, last.values()))[:_MOST]


def severity_line(said: Sequence[Saying]) -> str:
    """What changes of the severity come to, and what was said of the last; "" if it is again as it was."""
    moved = moves(said)
    if not moved:
        return said[-1].text
    first, last = str(moved[0].more["before"]), str(moved[-1].more["after"])
    if first == last:
        return next((one.text for one in reversed(said) if one not in moved), "")
    return moved[0].text if len(moved) == 1 else _moved(first, last, moved[-1])


def _moved(first: str, last: str, said: Saying) -> str:
    """Several moves as one, by whoever made the last of them, or for its reason."""
    before, after, why = first.upper(), last.upper(), str(said.more.get("why", ""))
    if not said.by:
        return phrase("Severity {before} → {after}: {why}", before=before, after=after, why=why)
    told = phrase("Severity {severity}, settled by {name}", severity=f"{before} → {after}", name=said.by)
    return phrase("{what}: {why}", what=told, why=why) if why else told


def as_before(group: Sequence[Saying]) -> str:
    """What is told in place of changes that came to nothing, where they were told already."""
    return phrase("Severity {severity}, as before", severity=str(moves(group)[-1].more["after"]).upper())


def _follows(case: Case, moved: Sequence[Saying]) -> tuple[str, ...]:
    if not moved:
        return ()
    was, now = Severity(moved[0].more["before"]), Severity(moved[-1].more["after"])
    return what_follows(case.playbook, was, now)


def folded(case: Case) -> str:
    """The newest change by an alert, if it was not said in the channel, so that the headline says it."""
    for group in reversed(groups(case, by_people=False)):
        row = case.steps.get(f"{ALERT_LINE}/{group[0].id}")
        if row is not None:
            return "" if row.was_done or row.wanted is not None else line_of(case, group)
    return ""
