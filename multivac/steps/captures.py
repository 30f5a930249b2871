"""Messages that people keep: read where they stand, written into the timeline or made a task, and marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from multivac.incident import Entry, EntryKind, IncidentId, TaskState
from multivac.ports import Posted
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.words import channel_of
from multivac.store import captures, incidents, tasks, timeline
from multivac.store import people as directory
from multivac.store.captures import Capture
from multivac.store.cases import Case, Result
from multivac.store.tasks import TaskRow
from multivac.tongue import phrase

_LONGEST = 1000
_LONGEST_TASK = 300
_MEMO = "memo"
_ID = re.compile(r"@([UW][A-Z0-9]+)")


def wants_captures(view: View) -> Mapping[str, str]:
    """Every message that people asked to keep, as it was written last."""
    if not view.out.hears:
        return NOTHING
    return {name: str(one.edition) for name, one in view.case.captures.items() if not one.retracted}


def read_message(attempt: Attempt) -> Result:
    """What is written there; nothing if it is gone, or if a guest asked for it."""
    one = attempt.case.captures[attempt.instance]
    by = _name(attempt, one.by)
    if by is None:
        return {"refused": True}
    said = attempt.chat().read(Posted(channel_of(attempt.case), one.message))
    if said is None:
        return {"gone": True}
    author = (_name(attempt, said.author) if said.author else said.name) or said.author or phrase("somebody")
    return {
        "name": attempt.instance,
        "edition": one.edition,
        "by": by,
        "author": author,
        "text": _with_names(attempt, said.text.strip()) or phrase("(a file)"),
        "link": said.link,
    }


def _name(attempt: Attempt, chat_id: str) -> str | None:
    """What somebody is called; None for a guest, and for whoever is nobody."""
    if known := _known(attempt, chat_id):
        return known
    found = attempt.chat().person(chat_id)
    return None if found is None or found.guest else found.name


def _known(attempt: Attempt, chat_id: str) -> str | None:
    with attempt.out.database.read() as tx:
        known = directory.known_as(tx, "slack", chat_id)
    return known.name if known is not None else None


def _with_names(attempt: Attempt, text: str) -> str:
    """The text with those mentioned by their names, as far as we have met them."""
    return _ID.sub(lambda found: f"@{_known(attempt, found[1]) or found[1]}", text)


def keep_message(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Write it down, instead of what it read before; unless it was taken back meanwhile."""
    if "edition" not in made:
        return
    one = captures.of_incident(tx, case.id)[made["name"]]
    incidents.person_is_on_it(tx, case.id, now=one.at)
    if one.retracted or made["edition"] != one.edition:
        return
    key = one.task
    if one.kind == "note":
        _note(tx, case.id, one, made=made, now=now)
    elif key is None:
        key = _make_task(tx, case.id, one, made=made, now=now)
    captures.kept(tx, case.id, one, task=key)


def _note(tx: sa.Connection, number: IncidentId, one: Capture, *, made: Result, now: datetime) -> None:
    entry = Entry(
        kind=EntryKind.NOTE,
        at=datetime.fromtimestamp(float(one.message), UTC),
        text=f"{made['author']}: {made['text'][:_LONGEST]}",
        key=one.key,
        actor=made["author"],
        link=made["link"],
    )
    timeline.note(tx, number, [entry], now=now)
    timeline.retract(tx, number, f"message:{one.message}/", now=now, but=one.key)


def _make_task(tx: sa.Connection, number: IncidentId, one: Capture, *, made: Result, now: datetime) -> str:
    text = " ".join(made["text"].split())[:_LONGEST_TASK]
    new = TaskRow(key="", state=TaskState.OPEN, at=now, by=made["by"], text=text, link=made["link"])
    key = tasks.add(tx, number, new)
    told = phrase("{name} made task {key} of a message: {text}", name=made["by"], key=key, text=text)
    entry = Entry(
        kind=EntryKind.TASK, at=one.at, text=told, key=f"task:{one.message}/{one.edition}", link=made["link"]
    )
    timeline.note(tx, number, [entry], now=now)
    return key


def wants_memos(view: View) -> Mapping[str, str]:
    """Our mark at each message that is kept, and none where it was taken back."""
    kept = [one for one in view.case.captures.values() if one.kept]
    still = {one.message: "on" for one in kept if not one.retracted}
    rows = view.case.steps
    off = {
        one.message: "off"
        for one in kept
        if one.message not in still and (row := rows.get(f"memo/{one.message}")) is not None and row.was_done
    }
    return still | off


def mark_kept(attempt: Attempt) -> Result:
    """Put it there, or take it away."""
    posted = Posted(channel_of(attempt.case), attempt.instance)
    attempt.chat().react(posted, _MEMO, off=attempt.before.wanted == "off")
    return {}
