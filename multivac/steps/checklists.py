"""The checklists: each phase when it is due, its tasks as they stand, what was missed as one digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import CaughtUp, Checklist, TaskLine, fingerprint
from multivac.incident import CX_LEAD, Entry, EntryKind, TaskState
from multivac.playbook import Phase
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.words import channel_of, say
from multivac.store import timeline
from multivac.store.cases import Case, Result

FAMILY = "checklist"
_MISSED = "~missed"  # no phase can be called so
# An occurrence this late was not posted in time because nobody was there to post it.
_LATE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which one phase is due."""

    phase: Phase
    at: datetime
    number: int  # 1 for the first

    @property
    def name(self) -> str:
        """Stable in the rows: the phase, and which time it is."""
        return self.phase.phase if self.number == 1 else f"{self.phase.phase}/{self.number}"


def true_facts(case: Case) -> frozenset[str]:
    """What the conditions of phases and tasks ask about, as far as it is true now."""
    facts = {
        "acknowledged": case.alerts.is_acknowledged,
        "lead": case.lead is not None,
        "cx_lead": CX_LEAD in case.roles,
        "ticket": bool(case.result("ticket")),
        "bridge": case.alerts.bridge is not None,
        "update_posted": case.updated_at is not None,
        case.status.value: True,
    }
    return frozenset(name for name, holds in facts.items() if holds)


# --- what is wanted -------------------------------------------------------------------------------


def wants_checklists(view: View) -> Mapping[str, str]:
    """Every phase that was posted, as it should read now, and those that have fallen due."""
    if view.out.chat is None:
        return NOTHING
    case = view.case
    posted = {one.name: one for one in _posted(case)}
    if not case.status.is_open or case.shut_at is not None:
        return {name: done for name in posted if (done := case.steps[f"{FAMILY}/{name}"].done)}
    wanted = {name: _fingerprint(view, one) for name, one in posted.items() if not _superseded(one, posted)}
    wanted |= _digests(case)
    fresh = _fresh(view)
    if len(fresh) > 1 and any(view.now - one.at > _LATE for one in fresh):
        last = max(fresh, key=lambda one: one.at)
        return wanted | {f"{_MISSED}/{int(last.at.timestamp())}": "1"}
    return wanted | {one.name: _fingerprint(view, one) for one in fresh}


def _superseded(one: Occurrence, posted: Mapping[str, Occurrence]) -> bool:
    """Only the newest occurrence of a repeated phase is kept up to date."""
    return any(
        other.phase.phase == one.phase.phase and other.number > one.number for other in posted.values()
    )


def _digests(case: Case) -> dict[str, str]:
    prefix = f"{FAMILY}/{_MISSED}/"
    return {name.removeprefix(f"{FAMILY}/"): "1" for name in case.steps if name.startswith(prefix)}


def _fingerprint(view: View, one: Occurrence) -> str:
    return fingerprint(draw(view, one))


def _posted(case: Case) -> Iterator[Occurrence]:
    """Occurrences that have a row: they were wanted once, so they stay."""
    phases = {phase.phase: phase for phase in case.playbook.phases_for(case.severity)}
    for name in case.steps:
        family, _, rest = name.partition("/")
        phase, _, number = rest.partition("/")
        if family == FAMILY and phase in phases and (case.steps[name].wanted or case.steps[name].was_done):
            one = _nth(case, phases[phase], int(number or 1))
            if one is not None:
                yield one


def _nth(case: Case, phase: Phase, number: int) -> Occurrence | None:
    after = case.declared_at - timedelta(microseconds=1)
    for _ in range(number):
        due = phase.next_due(case.declared_at, after)
        if due is None:
            return None
        after = due
    return Occurrence(phase, after, number)


def _fresh(view: View) -> Sequence[Occurrence]:
    """The newest occurrence of each phase that is due, allowed by its conditions, and has no row."""
    case, facts = view.case, true_facts(view.case)
    covered = _covered_until(case)
    fresh: list[Occurrence] = []
    for phase in view.playbook.phases_for(case.severity):
        view.look_again(phase.next_due(case.declared_at, view.now))
        due = phase.due_times(case.declared_at, view.now)
        if not due or due[-1] <= covered or not phase.applies(facts):
            continue
        one = Occurrence(phase, due[-1], len(due))
        if not _has_row(case, one):
            fresh.append(one)
    return fresh


def _has_row(case: Case, one: Occurrence) -> bool:
    row = case.steps.get(f"{FAMILY}/{one.name}")
    return row is not None and (row.wanted is not None or row.was_done)


def _covered_until(case: Case) -> datetime:
    """Up to when a digest has already told what was missed."""
    prefix = f"{FAMILY}/{_MISSED}/"
    stamps = [int(name.removeprefix(prefix)) for name in case.steps if name.startswith(prefix)]
    return (
        datetime.fromtimestamp(max(stamps, default=0) + 1, UTC)
        if stamps
        else datetime.min.replace(tzinfo=UTC)
    )


# --- what is said ---------------------------------------------------------------------------------


def draw(view: View, one: Occurrence) -> Checklist:
    """A checklist as it should read now."""
    later = _next_phase(view, one)
    return Checklist(
        title=one.phase.title,
        tasks=_tasks(view.case, one.phase),
        next_title=later.phase.title if later else None,
        next_at=later.at if later else None,
        occurrence=one.number,
    )


def _tasks(case: Case, phase: Phase) -> tuple[TaskLine, ...]:
    facts = true_facts(case)
    service = next(iter(case.alerts.services), None)
    return tuple(
        TaskLine(
            text=task.text,
            state=TaskState.DONE if task.is_done(facts) else TaskState.OPEN,
            role=task.role,
            link=task.link_for(number=case.id, service=service),
            why_skipped="",
        )
        for task in phase.tasks
    )


def left_to_do(view: View) -> tuple[str, ...]:
    """The open tasks of every checklist that was posted, in words."""
    shown = (draw(view, one) for one in sorted(_posted(view.case), key=lambda one: one.at))
    left = (task.text for drawn in shown for task in drawn.tasks if task.state is TaskState.OPEN)
    return tuple(dict.fromkeys(left))


def _next_phase(view: View, one: Occurrence) -> Occurrence | None:
    """What is due after this occurrence as things stand, reckoned from it and not from now."""
    case, facts = view.case, true_facts(view.case)
    coming = [
        Occurrence(phase, due, 1)
        for phase in view.playbook.phases_for(case.severity)
        if phase.phase != one.phase.phase and phase.applies(facts)
        if (due := phase.next_due(case.declared_at, one.at)) is not None
    ]
    return min(coming, key=lambda other: other.at, default=None)


def post_checklist(attempt: Attempt) -> Result:
    """Post or redraw one phase, or the digest of what was missed."""
    view = View(case=attempt.case, now=attempt.now, out=attempt.out)
    if attempt.instance.startswith(f"{_MISSED}/"):
        missed = _missed(view, int(attempt.instance.partition("/")[2]))
        return say(attempt, channel_of(attempt.case), missed)
    one = next(one for one in _posted(attempt.case) if one.name == attempt.instance)
    return say(attempt, channel_of(attempt.case), draw(view, one)) | {
        "title": one.phase.title,
        "name": one.name,
    }


def _missed(view: View, until: int) -> CaughtUp:
    """Every phase that fell due and was not posted, with the tasks of the newest of each."""
    case, limit = view.case, datetime.fromtimestamp(until + 1, UTC)
    told: list[tuple[str, datetime]] = []
    tasks: list[TaskLine] = []
    for phase in view.playbook.phases_for(case.severity):
        due = phase.due_times(case.declared_at, limit)
        if (
            due
            and phase.applies(true_facts(case))
            and not _has_row(case, Occurrence(phase, due[-1], len(due)))
        ):
            told.append((phase.title, due[-1]))
            tasks += _tasks(case, phase)
    return CaughtUp(missed=tuple(told), tasks=tuple(tasks))


def keep_checklist(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Note that a phase was posted, the first time."""
    if "name" in made:
        text = f"Checklist posted: {made['title']}"
        entry = Entry(kind=EntryKind.CHECKLIST, at=now, text=text, key=f"checklist:{made['name']}")
        timeline.note(tx, case.id, [entry], now=now)
