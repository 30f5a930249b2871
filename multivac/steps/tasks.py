"""Tasks as they read now, of the checklists and of people's own; and the message of the latter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from multivac.briefing import Checklist, Press, TaskLine, fingerprint
from multivac.incident import TaskState
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.words import channel_of, say
from multivac.store.cases import Case, Result
from multivac.store.tasks import TaskRow
from multivac.tongue import mark, phrase

TITLE = mark("Tasks")


def as_left(case: Case, key: str, line: TaskLine) -> TaskLine:
    """The line as people left the task: ticked, skipped, somebody's."""
    row = case.tasks.get(key)
    if row is None:
        return line
    line = replace(line, owner=row.owner.name if row.owner else "")
    if row.state is TaskState.OPEN:
        return line
    return replace(line, state=row.state, by=row.by or "", at=row.at)


def with_presses(case: Case, key: str, line: TaskLine) -> TaskLine:
    """The line with what can be done about the task, if something is left to do."""
    if line.state is not TaskState.OPEN:
        return line
    said = f"INC-{case.id} task"
    return replace(
        line,
        done=Press(label=phrase("Done"), line=f"{said} done {key}"),
        skip=Press(label=line.text, line=f"{said} skip {key}"),
        take=None if line.owner else Press(label=line.text, line=f"{said} assign {key} me"),
    )


def own_tasks(case: Case) -> tuple[TaskRow, ...]:
    """The tasks that people added, in order."""
    return tuple(sorted((row for row in case.tasks.values() if row.text), key=lambda row: int(row.key)))


def line_of(case: Case, row: TaskRow) -> TaskLine:
    """A task that people added as it reads now."""
    line = TaskLine(
        text=f"{row.key}. {row.text}",
        state=TaskState.OPEN,
        role=None,
        link=row.link,
        why_skipped="",
        link_label=phrase("the message"),
    )
    return as_left(case, row.key, line)


def _draw(case: Case) -> Checklist:
    lines = [(row.key, line_of(case, row)) for row in own_tasks(case)]
    if case.status.is_open:
        lines = [(key, with_presses(case, key, line)) for key, line in lines]
    shown = tuple(line for _, line in lines)
    return Checklist(title=phrase(TITLE), tasks=shown, next_title=None, next_at=None, occurrence=1)


def wants_tasks(view: View) -> Mapping[str, str]:
    """One message of the tasks that people added, once there are some."""
    if not view.out.hears or not own_tasks(view.case):
        return NOTHING
    return {"": fingerprint(_draw(view.case))}


def post_tasks(attempt: Attempt) -> Result:
    """Post or redraw it."""
    return say(attempt, channel_of(attempt.case), _draw(attempt.case))
