"""Keeping messages: by a reaction, a pin or a shortcut; and following what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.desk.asking import Change, House, Reply, Sitting
from multivac.desk.people import who_is
from multivac.incident import EntryKind, IncidentId, TaskState
from multivac.jobs import Put
from multivac.store import acts, captures, incidents, tasks, timeline
from multivac.store import people as directory
from multivac.store.acts import Act
from multivac.store.captures import Capture
from multivac.store.cases import Case
from multivac.store.tasks import TaskRow
from multivac.tongue import phrase, written
from multivac.verbs import Pointed

_LONGEST = 1000
_LONGEST_TASK = 300
_MAY_BE_TAKEN_BACK = timedelta(minutes=10)


class Deed(Enum):
    """What somebody did to a message."""

    KEEP = "kept"
    TAKE_BACK = "taken back"
    EDIT = "edited"
    DELETE = "deleted"
    ANSWER = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What somebody did to a message without asking for an answer.

    `request` is the same in each redelivery; `by`, `channel` and `message` are the chat's ids; `kind` is
    what to keep it as, "note" or "task".
    """

    request: str
    by: str
    channel: str
    message: str
    deed: Deed
    kind: str = "note"
    via: str = "reaction"


def capture(sitting: Sitting, chosen: Pointed, kind: str) -> Reply:
    """Keep the message that somebody chose, as a "note" or a "task".

    One of the incident's own channel is read where it stands, and followed; of any other the words are kept.
    """
    said = " ".join((sitting.words.text or sitting.ask.quoted).split()) or phrase("(a file)")
    author = who_is(sitting.house.out, chosen.author, "")[0].name if chosen.author else phrase("somebody")

    def keep(tx: sa.Connection, case: Case) -> Change:
        told = phrase("It is in the timeline.") if kind == "note" else phrase("It is a task now.")
        if chosen.place == case.channel_id:
            ask = sitting.ask
            new = Capture(message=chosen.id, kind=kind, by=ask.by, via=ask.via, at=sitting.now)
            captures.begin(tx, case.id, new)
            return Change(said=told, after=new.message)
        elsewhere = _note if kind == "note" else _task
        return replace(elsewhere(tx, sitting, chosen, said=said, author=author), said=told, link=chosen.link)

    return sitting.change(keep)


def _note(tx: sa.Connection, sitting: Sitting, chosen: Pointed, *, said: str, author: str) -> Change:
    del tx, sitting
    at = datetime.fromtimestamp(float(chosen.id), UTC)
    return Change(
        said="", kind=EntryKind.NOTE, entry=f"{author}: {said[:_LONGEST]}", at=at, after=chosen.link
    )


def _task(tx: sa.Connection, sitting: Sitting, chosen: Pointed, *, said: str, author: str) -> Change:
    del author
    by, text = sitting.person.name, said[:_LONGEST_TASK]
    new = TaskRow(key="", state=TaskState.OPEN, at=sitting.now, by=by, text=text, link=chosen.link)
    key = tasks.add(tx, sitting.incident, new)
    entry = written("{name} made task {key} of a message: {text}", name=by, key=key, text=text)
    return Change(said="", kind=EntryKind.TASK, entry=entry, after=key)


def notice(house: House, sign: Sign) -> None:
    """Write down what somebody did to a message, once, and have the response follow.

    A message that is nobody's business costs one read; one of ours says what the timeline has already.
    """
    database = house.out.database
    with database.read() as tx:
        find = acts.in_channel(tx, sign.channel) if sign.deed is Deed.KEEP else None
        number = find or captures.in_channel(tx, sign.channel, sign.message)
        if number is None or acts.is_ours(tx, number, sign.message):
            return
    put = database.write(lambda tx: _write(tx, house, sign, number=number), urgent=True)
    if put is not None:
        house.jobs.begin(put)


def _write(tx: sa.Connection, house: House, sign: Sign, *, number: IncidentId) -> Put | None:
    now = house.out.clock.now()
    incidents.lock(tx, number)
    known = directory.known_as(tx, "slack", sign.by)
    by = known.key if known else f"slack:{sign.by}"
    if not acts.leave_trail(tx, _act(sign, number, by=by, now=now)):
        return None
    if known is not None:  # whoever is met only now may be a guest: the step that reads it finds out
        incidents.person_is_on_it(tx, number, now=now)
    match sign.deed:
        case Deed.KEEP:
            new = Capture(message=sign.message, kind=sign.kind, by=sign.by, via=sign.via, at=now)
            captures.begin(tx, number, new)
        case Deed.EDIT:
            captures.edited(tx, number, sign.message)
        case Deed.TAKE_BACK | Deed.DELETE:
            for one in captures.of_incident(tx, number).values():
                if one.message == sign.message and not one.retracted and _ends(sign, one, now=now):
                    _retract(tx, number, one, now=now, with_task=sign.deed is Deed.TAKE_BACK)
    return house.jobs.put(tx, incidents.touch(tx, number))


def _ends(sign: Sign, one: Capture, *, now: datetime) -> bool:
    """Whether it is kept no more: its author has deleted it, or whoever kept it is quick to take it back."""
    if sign.deed is Deed.DELETE:
        return True
    is_theirs = (one.by, one.kind, one.via) == (sign.by, sign.kind, sign.via)
    return is_theirs and now - one.at <= _MAY_BE_TAKEN_BACK


def _retract(tx: sa.Connection, number: IncidentId, one: Capture, *, now: datetime, with_task: bool) -> None:
    captures.retract(tx, number, one, at=now)
    if one.kind == "note":
        timeline.retract(tx, number, f"message:{one.message}/", now=now)
    elif one.task is not None and with_task:
        tasks.retract(tx, number, one.task, at=now)


def _act(sign: Sign, number: IncidentId, *, by: str, now: datetime) -> Act:
    return Act(
        request=sign.request,
        ref=fingerprint(sign.request)[:4].upper(),
        at=now,
        actor=by,
        verb=sign.kind,
        via=sign.via,
        incident=number,
        outcome="done",
        after=f"{sign.deed.value}: {sign.message}",
    )
