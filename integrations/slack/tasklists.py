"""What tasks look like in Slack: a line each, with a button while somebody can tick it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from integrations.slack.pieces import LIST_LIMIT, Block, button, listed, menu, mrkdwn
from integrations.slack.text import joined, line, link, time_of_day
from multivac.briefing import Link, TaskLine
from multivac.errors import sure
from multivac.incident import TaskState, role_name
from multivac.tongue import mark, phrase

MOST_BUTTONS = 8
_MARK = {TaskState.OPEN: "☐", TaskState.DONE: "☑", TaskState.SKIPPED: "⊘"}
_STATE = {TaskState.OPEN: mark("to do"), TaskState.DONE: mark("done"), TaskState.SKIPPED: mark("skipped")}


def task_blocks(tasks: Sequence[TaskLine], limit: int = LIST_LIMIT) -> list[Block]:
    """The tasks in their order; the first open ones can be ticked, taken and skipped."""
    lines = [_task(task) for task in tasks]
    with_button = [place for place, task in enumerate(tasks) if task.done][:MOST_BUTTONS]
    if len(joined(lines, limit, "\n").split("\n")) != len(lines):
        with_button = []  # there is no room for all of them, and less for buttons
    return [*_blocks(tasks, lines, with_button), *_menus([tasks[place] for place in with_button])]


def _blocks(tasks: Sequence[TaskLine], lines: Sequence[str], with_button: Sequence[int]) -> Iterator[Block]:
    """Each with a button in a section of its own; those between them together."""
    begin = 0
    for place in with_button:
        if begin < place:
            yield from listed(lines[begin:place])
        begin = place + 1
        done = button(sure(tasks[place].done), place)
        yield {"type": "section", "text": mrkdwn(lines[place]), "accessory": done}
    if begin < len(lines):
        yield from listed(lines[begin:])


def _menus(tasks: Sequence[TaskLine]) -> Iterator[Block]:
    menus = (
        menu(phrase("Assign to me"), [task.take for task in tasks if task.take]),
        menu(phrase("Skip"), [task.skip for task in tasks if task.skip]),
    )
    elements = [one for one in menus if one]
    if elements:
        yield {"type": "actions", "elements": elements}


def _task(task: TaskLine) -> str:
    page = link(Link(label=task.link_label or phrase("open the page"), url=task.link)) if task.link else ""
    parts = (line(task.text, 300), line(role_name(task.role or ""), 50), _state(task), _since(task), page)
    said = f"{_MARK[task.state]} {' · '.join(filter(None, parts))}"
    if task.state is TaskState.DONE and task.by:
        return f"{said} — {line(task.by, 80)}" + (f" {time_of_day(task.at)}" if task.at else "")
    return said


def _since(task: TaskLine) -> str:
    """Of which round it is left, while it is."""
    is_left = task.since and task.state is TaskState.OPEN
    return phrase("left since round {count}", count=task.since) if is_left else ""


def _state(task: TaskLine) -> str:
    match task.state:
        case TaskState.SKIPPED if task.by:
            return phrase("skipped by {name}", name=line(task.by, 80))
        case TaskState.SKIPPED if task.why_skipped:
            return phrase("skipped: {why}", why=line(task.why_skipped, 150))
        case TaskState.OPEN if task.owner:
            return phrase("{name} does it", name=line(task.owner, 80))
        case TaskState.DONE if task.by:
            return ""
    return phrase(_STATE[task.state])
