"""Tasks: ticked, skipped, taken, added; and the checklists they stand in, shown, skipped, paused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form, Press, TaskLine, clock_time
from multivac.desk.asking import BadField, Change, Reply, Sitting
from multivac.desk.capturing import capture
from multivac.desk.giving import task_given
from multivac.desk.meant import no_guest
from multivac.desk.names import reopen_first
from multivac.errors import Refused
from multivac.incident import EntryKind, Person, TaskState, role_name
from multivac.steps import checklists
from multivac.steps.base import View
from multivac.steps.tasks import line_of, own_tasks
from multivac.store import acts
from multivac.store import steps as progress
from multivac.store import tasks as rows
from multivac.store.cases import Case
from multivac.store.tasks import TaskRow
from multivac.tongue import mark, phrase, plural, speaking, written

_LONGEST = 300
_ASKED = "asked for"  # of a checklist that is wanted before its time; how it reads is seen when it comes
_MOST_FREE = 20
_NO_PHASE = datetime(9999, 1, 1, tzinfo=UTC)  # paused: nothing is due later than that
_MARK = {TaskState.OPEN: "☐", TaskState.DONE: "☑", TaskState.SKIPPED: "⊘"}
_SETTLED = {TaskState.DONE: mark("Done: {task}"), TaskState.SKIPPED: mark("Skipped: {task}")}
_ENTRY = {TaskState.DONE: mark("{name} did: {task}"), TaskState.SKIPPED: mark("{name} skipped: {task}")}
_ALREADY = {
    TaskState.DONE: mark("Already done by {name} at {time}."),
    TaskState.SKIPPED: mark("Already skipped by {name} at {time}."),
}
_BY_FACTS = {
    TaskState.DONE: mark("Already done: the facts show it."),
    TaskState.SKIPPED: mark("Already skipped: the facts show it."),
}


def task(sitting: Sitting) -> Reply:
    """Do with a task what the first word says."""
    word, _, rest = sitting.words.text.partition(" ")
    if word in _DOES:
        return _DOES[word](sitting, rest.strip())
    told = phrase(
        "Say what to do with it: {words}. Such as: task add Call the bank.",
        words=", ".join(filter(None, _DOES)),
    )
    raise Refused(told)


# --- one task -------------------------------------------------------------------------------------


def _add(sitting: Sitting, text: str) -> Reply:
    if sitting.words.message is not None:
        own = replace(sitting, words=replace(sitting.words, text=text))
        return capture(own, sitting.words.message, "task")
    said = sitting.text("text") if sitting.ask.fields else text
    if not said and not sitting.ask.fields:
        return _add_form(sitting)
    if not said:
        raise BadField("text", phrase("Write what is to be done."))
    owner = _owner(sitting)

    def add(tx: sa.Connection, case: Case) -> Change:
        new = TaskRow(
            key="",
            text=said[:_LONGEST],
            state=TaskState.OPEN,
            at=sitting.now,
            owner=owner,
            by=sitting.person.name,
        )
        key = rows.add(tx, case.id, new)
        task_given(tx, sitting, key, text=line_of(case, replace(new, key=key)).text, to=owner)
        return _added(new, key, owner.name if owner else "")

    return sitting.change(add)


def _added(new: TaskRow, key: str, owner: str) -> Change:
    if owner:
        said = phrase("Task {key} is added for {owner}.", key=key, owner=owner)
        line = mark("{name} added task {key} for {owner}: {task}")
    else:
        said = phrase("Task {key} is added.", key=key)
        line = mark("{name} added task {key}: {task}")
    entry = written(line, name=new.by, key=key, owner=owner, task=new.text)
    return Change(said=said, kind=EntryKind.TASK, entry=entry, after=key)


def _add_form(sitting: Sitting) -> Form:
    return Form(
        title=phrase("Add a task"),
        line=f"INC-{sitting.incident} task add",
        send=phrase("Add"),
        fields=(
            Field(
                name="text",
                label=phrase("What is to be done?"),
                kind=Asked.LINE,
                optional=False,
                longest=_LONGEST,
            ),
            Field(name="owner", label=phrase("Who does it?"), kind=Asked.PERSON),
        ),
    )


def _owner(sitting: Sitting) -> Person | None:
    chosen = sitting.ask.fields.get("owner", "")
    named = [chosen] if isinstance(chosen, str) and chosen else list(sitting.words.people)
    return person_meant(sitting, named[0]) if named else None


def person_meant(sitting: Sitting, chat_id: str) -> Person:
    """Who has this id of the chat. Raises `Refused` for a guest, who can do nothing here."""
    return no_guest(sitting, chat_id, else_told=mark("{name} is a guest, and can do nothing here."))


def _done(sitting: Sitting, named: str) -> Reply:
    return _settle(sitting, named, TaskState.DONE)


def _skip(sitting: Sitting, named: str) -> Reply:
    return _settle(sitting, named, TaskState.SKIPPED)


def _settle(sitting: Sitting, named: str, state: TaskState) -> Reply:
    def settle(tx: sa.Connection, case: Case) -> Change:
        key, line = _find(case, named)
        if line.state is not TaskState.OPEN:
            return Change(said=_already(line))
        by = sitting.person.name
        rows.settle(tx, case.id, TaskRow(key=key, state=state, by=by, at=sitting.now))
        return Change(
            # A button shows by itself what came of it.
            said=""
            if sitting.ask.via == "button" and case.status.is_open
            else phrase(_SETTLED[state], task=line.text),
            kind=EntryKind.TASK,
            entry=written(_ENTRY[state], name=by, task=line.text),
            before=line.state,
            after=state,
        )

    return sitting.change(settle)


def _already(line: TaskLine) -> str:
    if not line.by or line.at is None:
        return phrase(_BY_FACTS[line.state])
    return phrase(_ALREADY[line.state], name=line.by, time=clock_time(line.at))


def _assign(sitting: Sitting, named: str) -> Reply:
    named = named.removesuffix(" me").strip()
    people = sitting.words.people
    owner = person_meant(sitting, people[0]) if people else sitting.person

    def assign(tx: sa.Connection, case: Case) -> Change:
        key, line = _find(case, named)
        if line.state is not TaskState.OPEN:
            return Change(said=_already(line))
        rows.give(tx, case.id, key, owner=owner, at=sitting.now)
        if _owner_of(case, key) != owner.key:
            task_given(tx, sitting, key, text=line.text, to=owner)
        does = mark("{name} does: {task}")
        shown = mark("The task is yours: {task}") if owner.key == sitting.person.key else does
        is_shown = sitting.ask.via == "button"
        return Change(
            said="" if is_shown else phrase(shown, name=owner.name, task=line.text),
            kind=EntryKind.TASK,
            entry=written(does, name=owner.name, task=line.text),
            before=line.owner,
            after=owner.name,
        )

    return sitting.change(assign)


def _take(sitting: Sitting, named: str) -> Reply:
    """Make one that is meant theirs; without a word, ask which of those that are nobody's."""
    if named:
        return _assign(sitting, named)
    case = sitting.case()
    free = {key: line for key, line in _in_sight(case).items() if _is_free(line)}
    if not free:
        return Answer(lines=(phrase("Every task of INC-{number} is somebody's or done.", number=case.id),))
    presses = (
        Press(label=_with_role(line), line=f"INC-{case.id} task assign {key} me")
        for key, line in free.items()
    )
    told = phrase("Which task of INC-{number} do you take?", number=case.id)
    return Answer(lines=(told,), presses=tuple(presses)[:_MOST_FREE])


def _with_role(line: TaskLine) -> str:
    """The task and whose it is by its role, if it has one."""
    if line.role is None:
        return line.text
    return phrase("{task} ({owner})", task=line.text, owner=role_name(line.role))


def _is_free(line: TaskLine) -> bool:
    return line.state is TaskState.OPEN and not line.owner


def _in_sight(case: Case) -> Mapping[str, TaskLine]:
    """The tasks that people have before them, by their keys."""
    return _of_lists(case) | {row.key: line_of(case, row) for row in own_tasks(case)}


def _of_lists(case: Case) -> dict[str, TaskLine]:
    shown = checklists.shown_now(case)
    return {key: line for one in shown for key, line in checklists.lines_of(case, one).items()}


def _owner_of(case: Case, key: str) -> str | None:
    row = case.tasks.get(key)
    return row.owner.key if row is not None and row.owner is not None else None


def _find(case: Case, named: str) -> tuple[str, TaskLine]:
    """The one task that is meant: by its key, its number, or words of its text. Raises `Refused`."""
    every = checklists.every_task(case)
    key = named.rstrip(".。")
    if key in every:
        return key, every[key]
    words = named.lower().split()
    found = [key for key, line in every.items() if words and all(word in line.text.lower() for word in words)]
    still = [key for key in found if every[key].state is TaskState.OPEN] or found
    if len(still) == 1:
        return still[0], every[still[0]]
    told = mark("More than one task is called “{named}”. `/incident task list` shows them all.")
    if not found:
        told = mark("No task is called “{named}”. `/incident task list` shows them all.")
    raise Refused(phrase(told, named=named))


# --- looking at them ------------------------------------------------------------------------------

_OFFERED = 5


def _list(sitting: Sitting, rest: str) -> Reply:
    del rest
    case = sitting.case()
    lines = list(_in_sight(case).items())
    add = Press(label=phrase("Add a task"), line=f"INC-{case.id} task add")
    if not lines:
        return Answer(lines=(phrase("INC-{number} has no tasks yet.", number=case.id),), presses=(add,))
    still = [(key, line) for key, line in lines if line.state is TaskState.OPEN]
    presses = [
        Press(label=phrase("Done: {task}", task=line.text), line=f"INC-{case.id} task done {key}")
        for key, line in still
    ]
    title = plural(
        "Tasks of INC-{number}, {count} to do",
        "Tasks of INC-{number}, {count} to do",
        len(still),
        number=case.id,
    )
    return Answer(
        title=title, lines=tuple(_shown(line) for _, line in lines), presses=(*presses[:_OFFERED], add)
    )


def _shown(line: TaskLine) -> str:
    is_owned = line.owner and line.state is TaskState.OPEN
    whose = [phrase("{name} does it", name=line.owner) if is_owned else ""]
    if line.state is not TaskState.OPEN and line.by and line.at:
        whose.append(f"{line.by} {clock_time(line.at)}")
    return " · ".join(filter(None, (f"{_MARK[line.state]} {line.text}", role_name(line.role or ""), *whose)))


_DOES: Mapping[str, Callable[[Sitting, str], Reply]] = {
    "": _list,
    "add": _add,
    "done": _done,
    "skip": _skip,
    "assign": _assign,
    "take": _take,
    "list": _list,
}


# --- the checklists -------------------------------------------------------------------------------


def checklist(sitting: Sitting) -> Reply:
    """Show them, bring one now, skip what is left of them, or let no further one come."""
    word, _, name = sitting.words.text.lower().partition(" ")
    if word == "add":
        return _bring(sitting, name.strip())
    match sitting.words.text.lower():
        case "" | "show":
            return _list(sitting, "")
        case "skip":
            return _skip_all(sitting)
        case "pause":
            said = phrase("No further checklist comes until somebody says: checklist resume.")
            return _set_from(sitting, _NO_PHASE, said=said)
        case "resume":
            said = phrase("Checklists come again when they are due. What fell due meanwhile stays away.")
            return _set_from(sitting, sitting.now, said=said)
        case odd:
            told = phrase(
                "“{said}” is nothing that a checklist can do. Use show, add, skip, pause or resume.", said=odd
            )
            raise Refused(told)


def _bring(sitting: Sitting, named: str) -> Reply:
    def bring(tx: sa.Connection, case: Case) -> Change:
        if not case.status.is_open:
            raise Refused(reopen_first(case.id, case.status))
        phases = case.playbook.phases_for(case.severity)
        phase = next((one for one in phases if named in {one.phase, one.title.lower()}), None)
        if phase is None:
            names = ", ".join(one.phase for one in phases)
            told = phrase("Say which: checklist add, and one of {names}.", names=names or phrase("none"))
            raise Refused(told)
        one = checklists.next_of(View(case=case, now=sitting.now, out=sitting.house.out), phase)
        if one is None:
            return Change(said=phrase("The checklist “{title}” is here already.", title=phase.title))
        progress.want(tx, case.id, {f"{checklists.FAMILY}/{one.name}": _ASKED}, now=sitting.now)
        return Change(
            said=phrase("The checklist “{title}” comes now.", title=phase.title),
            kind=EntryKind.CHECKLIST,
            entry=written(
                "{name} asked for the checklist {title}", name=sitting.person.name, title=phase.title
            ),
            after=one.name,
        )

    return sitting.change(bring)


def _skip_all(sitting: Sitting) -> Reply:
    def skip(tx: sa.Connection, case: Case) -> Change:
        still = [key for key, line in _of_lists(case).items() if line.state is TaskState.OPEN]
        by = sitting.person.name
        for key in still:
            rows.settle(tx, case.id, TaskRow(key=key, state=TaskState.SKIPPED, by=by, at=sitting.now))
        said = plural("{count} task skipped.", "{count} tasks skipped.", len(still))
        with speaking(None):  # the timeline is in the house's language
            entry = plural("{name} skipped {count} task", "{name} skipped {count} tasks", len(still), name=by)
        return Change(said=said, kind=EntryKind.TASK, entry=entry)

    return sitting.change(skip)


def _set_from(sitting: Sitting, at: datetime, *, said: str) -> Reply:
    pauses = at == _NO_PHASE
    line = mark("{name} paused the checklists") if pauses else mark("{name} resumed the checklists")

    def change(tx: sa.Connection, case: Case) -> Change:
        if not pauses and case.checklists_from != _NO_PHASE:
            return Change(said=phrase("The checklists are not paused."))
        acts.checklists_from(tx, case.id, at)
        entry = written(line, name=sitting.person.name)
        after = "paused" if pauses else "resumed"
        return Change(said=said, kind=EntryKind.CHECKLIST, entry=entry, after=after)

    return sitting.change(change)
