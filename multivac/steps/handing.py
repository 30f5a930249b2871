"""What a new lead must know, from the facts as of the moment they are told: twelve lines at most. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from multivac.briefing import TaskLine, clock_time, day_and_time
from multivac.incident import Entry, EntryKind, role_name, status_name
from multivac.steps import paging, people
from multivac.steps.base import View
from multivac.steps.cadence import next_update_due
from multivac.steps.checklists import open_tasks
from multivac.store.cases import Case
from multivac.tongue import phrase

_LINES = 12
_OWN_WORDS = 3  # lines of whoever hands over
_OWN_NOTES = 2  # of theirs in the timeline, however much has happened since
_SHOWN_TRIED = 4
_SHOWN_TASKS = 4
_LONGEST = 280
_A_DAY = timedelta(hours=20)
# What people did and found, by whichever way they said so.
_TRIED = frozenset({EntryKind.NOTE, EntryKind.STATUS, EntryKind.PEOPLE, EntryKind.SEVERITY})
_NOTES = ("note:", "message:")  # how the keys begin of what people wrote, or kept of what they wrote
_PAGES = ("page:", "escalate:")  # and of pages that were asked for: the facts say what became of them


def for_new_lead(view: View, entries: Sequence[Entry], *, by: str, words: str = "") -> tuple[str, ...]:
    """The words of whoever hands over (`by`), then the facts, their last notes, and what was tried last."""
    said = [*_own(words, by), *_facts(view)]
    tried = [one for one in reversed(entries) if _is_tried(one)]
    notes = [one for one in tried if one.actor == by and one.key.startswith(_NOTES)][:_OWN_NOTES]
    others = [one for one in tried if one not in notes][: _SHOWN_TRIED - len(notes)]
    shown = [one for one in tried if one in [*notes, *others][: max(len(notes), _LINES - len(said))]]
    return tuple(map(_short, [*said, *(f"{_at(one.at, view.now)} {one.text}" for one in shown)]))


def _is_tried(one: Entry) -> bool:
    return one.actor is not None and one.kind in _TRIED and not one.key.startswith(_PAGES)


def _own(words: str, by: str) -> list[str]:
    """Their lines, the first says whose they are; those that are too many go into the last."""
    lines = [shown for one in words.splitlines() if (shown := " ".join(one.split()))]
    first, rest = lines[: _OWN_WORDS - 1], lines[_OWN_WORDS - 1 :]
    own = [*first, " ".join(rest)] if rest else first
    return [phrase("{name} says: {words}", name=by, words=own[0]), *own[1:]] if own else []


def _facts(view: View) -> Iterator[str]:
    case = view.case
    yield phrase(
        "INC-{number}, {severity}, {status} since {time}: {title}",
        number=case.id,
        severity=case.severity.upper(),
        status=status_name(case.status),
        time=_at(case.status_at, view.now),
        title=case.title,
    )
    if case.impact:
        yield phrase("Impact: {impact}", impact=case.impact)
    else:
        yield phrase("Impact: nobody has said yet what users notice")
    if case.resolution_at is not None and not case.resolution_withdrawn:
        yield phrase("All its alerts have ended; nobody has said yet whether it is over.")
    if pages := paging.failed(view):
        yield pages
    yield _latest_update(view)
    if due := next_update_due(view):
        yield _due(due, view.now)
    yield _to_do(open_tasks(view))
    yield phrase("Roles: {roles}", roles=_roles(case))


def _latest_update(view: View) -> str:
    updates = view.case.updates
    if not updates:
        return phrase("Nobody has written an update yet.")
    last = updates[-1]
    at = _at(last.at, view.now)
    return phrase("Latest update {at} by {name}: {text}", at=at, name=last.by, text=last.text)


def _due(due: datetime, now: datetime) -> str:
    if due > now:
        return phrase("Next update due {time}", time=_at(due, now))
    return phrase("The next update has been due since {time}.", time=_at(due, now))


def _to_do(left: Sequence[TaskLine]) -> str:
    if not left:
        return phrase("No task is open.")
    shown = "; ".join(map(_task, left[:_SHOWN_TASKS]))
    if len(left) > _SHOWN_TASKS:
        return phrase("To do: {tasks} and {number} more", tasks=shown, number=len(left) - _SHOWN_TASKS)
    return phrase("To do: {tasks}", tasks=shown)


def _task(one: TaskLine) -> str:
    text, owner = one.text.rstrip(".。"), one.owner or role_name(one.role or "")
    if owner:
        return phrase("{task} ({owner})", task=text, owner=owner)
    return phrase("{task} (nobody yet)", task=text)


def _roles(case: Case) -> str:
    held = sorted(case.roles.items())
    return ", ".join(f"{role_name(name)} {people.name_of(case, row.person)}" for name, row in held)


def _at(at: datetime, now: datetime) -> str:
    return clock_time(at) if abs(now - at) < _A_DAY else day_and_time(at)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
