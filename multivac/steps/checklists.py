"""The checklists: each phase when it is due, its tasks as they stand, what was missed as one digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import CaughtUp, Checklist, TaskLine, fingerprint
from multivac.errors import GiveUp
from multivac.incident import CX_LEAD, DEPUTY, LEAD, SCRIBE, Entry, EntryKind, Severity, Status, TaskState
from multivac.playbook import Phase, Task
from multivac.ports import Marker, Posted
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.tasks import as_left, line_of, own_tasks, with_presses
from multivac.steps.words import channel_of, say
from multivac.store import timeline
from multivac.store.cases import Case, Result, StepRow
from multivac.store.facts import titled
from multivac.tongue import phrase

FAMILY = "checklist"
_MISSED = "~missed"  # no phase can be called so
# An occurrence this late was not posted in time because nobody was there to post it.
_LATE = timedelta(minutes=3)
_OVER = "over"  # drawn for the last time, without anything to press
_FOLDED = "folded"
# A new round takes the place of the last one, unless that has scrolled away: so many people's messages up.
_FAR = 11


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
        "lead_accepted": LEAD in case.roles and case.roles[LEAD].accepted_at is not None,
        "cx_lead": CX_LEAD in case.roles,
        "ticket": bool(case.result("ticket")),
        "bridge": case.alerts.bridge is not None,
        "severity_settled": case.severity_by is not None
        and case.status not in {Status.TRIAGE, Status.DISMISSED},
        "impact_said": bool(case.impact),
        "deputy": DEPUTY in case.roles,
        "scribe": SCRIBE in case.roles,
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
    if case.shut_at is not None:
        return {name: done for name in posted if (done := case.steps[f"{FAMILY}/{name}"].done)}
    if not case.status.is_open:
        return _at_the_end(view, posted)
    wanted = {name: mark for name, one in posted.items() if (mark := _posted_mark(view, one, posted))}
    wanted |= {name: _digest_mark(view, name) for name in _digests(case)}
    wanted |= {one.name: _OVER for one in _of_other_severities(case)}
    fresh = _fresh(view)
    if len(fresh) > 1 and any(view.now - one.at > _LATE for one in fresh):
        last = max(fresh, key=lambda one: one.at)
        name = f"{_MISSED}/{int(last.at.timestamp())}"
        return wanted | {name: _digest_mark(view, name)}
    return wanted | {one.name: _fingerprint(view, one) for one in fresh}


def _at_the_end(view: View, posted: Mapping[str, Occurrence]) -> Mapping[str, str]:
    """What was posted stays as it reads, but for what could be pressed in it."""
    case = view.case
    older = {name: _fold_mark(case, one, posted) for name, one in posted.items()}
    names = [name for name in (*posted, *_digests(case)) if older.get(name) not in {"", _FOLDED}]
    folded = {name: mark for name, mark in older.items() if mark == _FOLDED}
    if view.out.hears:
        return folded | _for_the_last_time(case, names)
    marks = ((name, case.steps[f"{FAMILY}/{name}"].done) for name in names)
    return folded | {name: done for name, done in marks if done}


def _posted_mark(view: View, one: Occurrence, posted: Mapping[str, Occurrence]) -> str:
    """What a posted round should read like: whole, in one line, or "" where it is nowhere any more."""
    folded = _fold_mark(view.case, one, posted)
    return _fingerprint(view, one) if folded is None else folded


def _fold_mark(case: Case, one: Occurrence, posted: Mapping[str, Occurrence]) -> str | None:
    """How an older round is to stand now, None for the newest: as it is until the newer is there.

    It is "" for one that was never posted, or whose message the newer round has taken.
    """
    newer = [name for name, other in posted.items() if _comes_after(other, one)]
    if not newer:
        return None
    row, results = case.steps[f"{FAMILY}/{one.name}"], [case.result(f"{FAMILY}/{name}") for name in newer]
    places = {result["message"] for result in results if "message" in result}
    if not row.was_done or row.result.get("message") in places:
        return ""
    return _FOLDED if places else row.done


def _comes_after(one: Occurrence, other: Occurrence) -> bool:
    return one.phase.phase == other.phase.phase and one.number > other.number


def _for_the_last_time(case: Case, names: Sequence[str]) -> dict[str, str]:
    return {name: _OVER for name in names if case.steps[f"{FAMILY}/{name}"].was_done}


def _superseded(one: Occurrence, posted: Mapping[str, Occurrence]) -> bool:
    """Only the newest occurrence of a repeated phase is kept up to date."""
    return any(_comes_after(other, one) for other in posted.values())


def _digests(case: Case) -> list[str]:
    prefix = f"{FAMILY}/{_MISSED}/"
    return [name.removeprefix(f"{FAMILY}/") for name in case.steps if name.startswith(prefix)]


def _digest_mark(view: View, name: str) -> str:
    """A digest is redrawn as people tick its tasks; one that nobody can answer stays as it was posted."""
    return fingerprint(_digest(view, name)) if view.out.hears else "1"


def _fingerprint(view: View, one: Occurrence) -> str:
    return fingerprint(draw(view, one))


def _posted(case: Case) -> Iterator[Occurrence]:
    """Occurrences that have a row: they were wanted once, so they stay."""
    phases = {phase.phase: phase for phase in case.playbook.phases_for(case.severity)}
    return (one for one, row in _with_rows(case, phases) if row.wanted or row.was_done)


def _of_other_severities(case: Case) -> Sequence[Occurrence]:
    """The newest of each phase that was posted and is not of the severity of now: not to be pressed."""
    now = {phase.phase for phase in case.playbook.phases_for(case.severity)}
    every = {phase.phase: phase for one in reversed(Severity) for phase in case.playbook.phases_for(one)}
    others = {name: phase for name, phase in every.items() if name not in now}
    posted = [one for one, row in _with_rows(case, others) if "message" in row.result]
    return list({one.phase.phase: one for one in sorted(posted, key=lambda one: one.number)}.values())


def _with_rows(case: Case, phases: Mapping[str, Phase]) -> Iterator[tuple[Occurrence, StepRow]]:
    for name, row in case.steps.items():
        family, _, rest = name.partition("/")
        phase, _, number = rest.partition("/")
        if family == FAMILY and phase in phases:
            one = _nth(case, phases[phase], int(number or 1))
            if one is not None:
                yield one, row


def _nth(case: Case, phase: Phase, number: int) -> Occurrence | None:
    after = case.declared_at - timedelta(microseconds=1)
    for _ in range(number):
        due = phase.next_due(case.declared_at, after)
        if due is None:
            return None
        after = due
    return Occurrence(phase, after, number)


def next_of(view: View, phase: Phase) -> Occurrence | None:
    """The next round of a phase that people can be shown, whatever its time; None if there is none."""
    case = view.case
    due = len(phase.due_times(case.declared_at, view.now))
    rounds = (_nth(case, phase, number) for number in (max(due, 1), due + 1))
    return next((one for one in rounds if one is not None and not _has_row(case, one)), None)


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
    """Up to when a digest has already told what was missed, or people paused the checklists."""
    prefix = f"{_MISSED}/"
    told = [datetime.fromtimestamp(int(name.removeprefix(prefix)) + 1, UTC) for name in _digests(case)]
    paused = [case.checklists_from] if case.checklists_from else []
    return max([*told, *paused], default=datetime.min.replace(tzinfo=UTC))


# --- what is said ---------------------------------------------------------------------------------


def draw(view: View, one: Occurrence, *, over: bool = False, folded: bool = False) -> Checklist:
    """A checklist as it should read now; nothing can be pressed any more once it is over."""
    over = over or folded
    later = None if over else _next_phase(view, one)
    return Checklist(
        title=titled(one.phase.title, drill=view.case.drill),
        tasks=_tasks(view, one, over=over),
        next_title=later.phase.title if later else None,
        next_at=later.at if later else None,
        occurrence=one.number,
        over=over,
        is_folded=folded,
    )


def _tasks(view: View, one: Occurrence, *, over: bool) -> tuple[TaskLine, ...]:
    lines = lines_of(view.case, one)
    if view.out.hears and not over:
        lines = {key: with_presses(view.case, key, line) for key, line in lines.items()}
    return tuple(lines.values())


def lines_of(case: Case, one: Occurrence) -> Mapping[str, TaskLine]:
    """The tasks of a checklist by their keys, as they stand now; what is left of the last round goes on."""
    lines, rounds, facts = dict[str, TaskLine](), _rounds_until(case, one), true_facts(case)
    for task in one.phase.tasks:
        first = _begun(case, task, rounds)
        key, since = f"{first.name}/{task.id}", 0 if first == one else first.number
        lines[key] = replace(as_left(case, key, _line(case, task, facts)), since=since)
    return lines


def _line(case: Case, task: Task, facts: frozenset[str]) -> TaskLine:
    service = next(iter(case.alerts.services), None)
    return TaskLine(
        text=_text(case, task),
        state=TaskState.DONE if task.is_done(facts) else TaskState.OPEN,
        role=task.role,
        link=task.link_for(number=case.id, service=service),
        why_skipped="",
        link_label=phrase("open the page"),
    )


def _rounds_until(case: Case, one: Occurrence) -> Sequence[Occurrence]:
    """The rounds of this phase that people were shown before this one, the oldest first, and this one."""
    if one.number == 1:
        return (one,)
    told = {name for digest in _digests(case) for name in case.result(f"{FAMILY}/{digest}").get("told", ())}
    due = one.phase.due_times(case.declared_at, one.at)
    before = (Occurrence(one.phase, at, number) for number, at in enumerate(due[: one.number - 1], start=1))
    shown = (other for other in before if other.name in told or case.result(f"{FAMILY}/{other.name}"))
    return (*shown, one)


def _begun(case: Case, task: Task, rounds: Sequence[Occurrence]) -> Occurrence:
    """The round from which the task stands open, or stood until somebody dealt with it: never two at once."""
    begun = rounds[0]
    for later in rounds[1:]:
        row = case.tasks.get(f"{begun.name}/{task.id}")
        if row is not None and row.state is not TaskState.OPEN and row.at < _came_at(case, later):
            begun = later
    return begun


def _came_at(case: Case, one: Occurrence) -> datetime:
    """When people were shown it, which may be before its time: they can ask for it."""
    said = case.result(f"{FAMILY}/{one.name}").get("came_at")
    return datetime.fromisoformat(said) if said else one.at


def _text(case: Case, task: Task) -> str:
    if case.drill and task.acts_outside:
        return phrase("Drill, only say it here: {task}", task=task.text)
    return task.text


def known(case: Case) -> Sequence[Occurrence]:
    """Every checklist that people were ever shown."""
    return [*_posted(case), *(one for name in _digests(case) for one in _told(case, name))]


def every_task(case: Case) -> Mapping[str, TaskLine]:
    """Every task by its key, as it stands now: of each list that people were shown, and their own."""
    of_lists = {key: line for one in known(case) for key, line in lines_of(case, one).items()}
    return of_lists | {row.key: line_of(case, row) for row in own_tasks(case)}


def shown_now(case: Case) -> Sequence[Occurrence]:
    """The checklists that people have before them: the newest occurrence of each phase."""
    posted = {one.name: one for one in _posted(case)}
    told = [one for name in _digests(case) for one in _told(case, name)]
    return [one for one in posted.values() if not _superseded(one, posted)] + told


def open_tasks(view: View) -> tuple[TaskLine, ...]:
    """What is to be done: what people added, then the checklists before them; no text twice.

    Not what is done by accepting the lead: whoever is to has a button, and nobody else can.
    """
    case = view.case
    shown = sorted(shown_now(case), key=lambda one: one.at)
    lines = [line_of(case, row) for row in own_tasks(case)]
    lines += [
        line for one in shown for key, line in lines_of(case, one).items() if not _is_to_accept(one, key)
    ]
    still = {line.text: line for line in reversed(lines) if line.state is TaskState.OPEN}
    return tuple(reversed(still.values()))


def _is_to_accept(one: Occurrence, key: str) -> bool:
    named = key.rpartition("/")[2]
    return any(task.id == named and "lead_accepted" in task.done_when for task in one.phase.tasks)


def _next_phase(view: View, one: Occurrence) -> Occurrence | None:
    """What is due after this occurrence as things stand, reckoned from it and not from now."""
    case, facts, covered = view.case, true_facts(view.case), _covered_until(view.case)
    coming = [
        Occurrence(phase, due, 1)
        for phase in view.playbook.phases_for(case.severity)
        if phase.phase != one.phase.phase and phase.applies(facts)
        if (due := _next_due(case, phase, one.at, covered=covered)) is not None
    ]
    return min(coming, key=lambda other: other.at, default=None)


def _next_due(case: Case, phase: Phase, after: datetime, *, covered: datetime) -> datetime | None:
    """When a phase came, or will come, next after then: not where it was skipped, up to `covered`."""
    due = phase.next_due(case.declared_at, after)
    if due is None or due > covered:
        return due
    number = len(phase.due_times(case.declared_at, due))
    return (
        due if _has_row(case, Occurrence(phase, due, number)) else phase.next_due(case.declared_at, covered)
    )


def post_checklist(attempt: Attempt) -> Result:
    """Post or redraw one phase, or the digest of what was missed."""
    case = attempt.case
    view = View(case=case, now=attempt.now, out=attempt.out)
    over = attempt.before.wanted == _OVER
    if attempt.instance.startswith(f"{_MISSED}/"):
        missed = _missed(view, attempt.instance)
        digest = _digest(view, attempt.instance, over=over)
        return say(attempt, channel_of(case), digest) | {"told": [one.name for one in missed]}
    posted = list(_posted(case))
    one = next(one for one in [*posted, *_of_other_severities(case)] if one.name == attempt.instance)
    drawn = draw(view, one, over=over, folded=attempt.before.wanted == _FOLDED)
    came_at = attempt.before.result.get("came_at") or attempt.now.astimezone(UTC).isoformat()
    told = {"title": one.phase.title, "name": one.name, "came_at": came_at}
    if (
        not attempt.before.was_done
        and (before := _last_round(case, one, posted))
        and _is_near(attempt, before)
    ):
        return _in_place(attempt, before, drawn) | told
    return say(attempt, channel_of(case), drawn) | told


def _last_round(case: Case, one: Occurrence, posted: Sequence[Occurrence]) -> Result | None:
    """Where the newest earlier round of the same phase is."""
    earlier = sorted((other for other in posted if _comes_after(one, other)), key=lambda other: other.number)
    found = [case.result(f"{FAMILY}/{other.name}") for other in earlier]
    return next((result for result in reversed(found) if "message" in result), None)


def _is_near(attempt: Attempt, before: Result) -> bool:
    """Whether people still have it before them: it has not scrolled away."""
    if before["channel"] != channel_of(attempt.case):
        return False
    since = datetime.fromisoformat(before["at"])
    try:
        return not attempt.chat().people_spoke(before["channel"], since=since, at_least=_FAR)
    except GiveUp:  # not to be read: then a new message is seen for sure
        return False


def _in_place(attempt: Attempt, before: Result, drawn: Checklist) -> Result:
    """Let the message of the last round be this one's; nobody is notified."""
    posted = Posted(before["channel"], before["message"])
    attempt.chat().edit(posted, drawn, Marker(incident=attempt.case.id, kind=attempt.name))
    return {"channel": posted.channel, "message": posted.message, "at": before["at"]}


def _digest(view: View, name: str, *, over: bool = False) -> CaughtUp:
    """Every phase that fell due and was not posted, with the tasks of the newest of each."""
    missed = _missed(view, name)
    return CaughtUp(
        missed=tuple((one.phase.title, one.at) for one in missed),
        tasks=tuple(task for one in missed for task in _tasks(view, one, over=over)),
        over=over,
    )


def _missed(view: View, name: str) -> Sequence[Occurrence]:
    """What a digest tells of: what it told when it was posted, else what is missed as of now."""
    case = view.case
    if "told" in case.result(f"{FAMILY}/{name}"):
        return list(_told(case, name))
    limit, facts = datetime.fromtimestamp(int(name.partition("/")[2]) + 1, UTC), true_facts(case)
    due = (
        (phase, times)
        for phase in view.playbook.phases_for(case.severity)
        if (times := phase.due_times(case.declared_at, limit)) and phase.applies(facts)
    )
    newest = (Occurrence(phase, times[-1], len(times)) for phase, times in due)
    return [one for one in newest if not _has_row(case, one)]


def _told(case: Case, name: str) -> Iterator[Occurrence]:
    phases = {phase.phase: phase for phase in case.playbook.phases_for(case.severity)}
    for told in case.result(f"{FAMILY}/{name}").get("told", ()):
        phase, _, number = told.partition("/")
        one = _nth(case, phases[phase], int(number or 1)) if phase in phases else None
        if one is not None:
            yield one


def keep_checklist(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Note that a phase was posted, the first time."""
    if "name" in made:
        text = phrase("Checklist posted: {title}", title=made["title"])
        entry = Entry(kind=EntryKind.CHECKLIST, at=now, text=text, key=f"checklist:{made['name']}")
        timeline.note(tx, case.id, [entry], now=now)
