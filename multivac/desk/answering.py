"""Reminders answered without a button: by a tick under one, or by a word in its thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.desk.asking import House
from multivac.desk.capturing import Sign
from multivac.desk.reminding import done, entry_of
from multivac.incident import Entry, EntryKind, IncidentId
from multivac.jobs import Put
from multivac.steps.reminders import AGAIN, FAMILY
from multivac.store import acts, cases, incidents, reminders, timeline
from multivac.store import people as directory
from multivac.store.acts import Act
from multivac.store.cases import Case
from multivac.store.people import Identity
from multivac.store.reminders import Reminder


def notice_answer(house: House, sign: Sign) -> None:
    """Take it for done, once, if whoever it is for did this; what is under no reminder costs one read."""
    database = house.out.database
    with database.read() as tx:
        number = acts.in_channel(tx, sign.channel)
        by = directory.known_as(tx, "slack", sign.by)  # a guest is nobody whom we have met
        if number is None or by is None or not reminders.is_one(tx, number, sign.message):
            return
    put = database.write(lambda tx: _answer(tx, house, sign, number=number, by=by), urgent=True)
    if put is not None:
        house.jobs.begin(put)


def _answer(tx: sa.Connection, house: House, sign: Sign, *, number: IncidentId, by: Identity) -> Put | None:
    now = house.out.clock.now()
    incidents.lock(tx, number)
    case = cases.load(tx, number)
    asked = [one for one in _under(case, sign.message) if not one.is_over(now) and _is_for(one, sign.by, by)]
    if not asked or not acts.leave_trail(tx, _act(house, sign, asked, by=by, number=number)):
        return None
    name = by.name or by.key
    for one in asked:
        answer, new = done(one, now=now)
        kept = replace(new, answered=one.round, answered_by=name, answered_at=now, answer=answer)
        reminders.write(tx, number, kept)
        text, key = entry_of(one, answer, by=name), f"reminders:{sign.request}/{one.number}"
        entry = Entry(kind=EntryKind.TASK, at=now, text=text, key=key, actor=name)
        timeline.note(tx, number, [entry], now=now)
    incidents.person_is_on_it(tx, number, now=now)
    return house.jobs.put(tx, incidents.touch(tx, number))


def _under(case: Case, message: str) -> Iterator[Reminder]:
    """Each reminder that this message asks for now, or below which it asks."""
    for one in case.reminders.values():
        shown = [case.result(f"{family}/{one.number}/{one.round}") for family in (FAMILY, AGAIN)]
        is_posted = bool(shown[0])
        if is_posted and message in {one.thread, *(made.get("message") for made in shown)}:
            yield one


def _is_for(one: Reminder, chat_id: str, by: Identity) -> bool:
    """Whether they are asked: anybody, where everybody is."""
    if one.whom is None:
        return True
    asked = (one.whom, one.escalate_to)
    return any(who is not None and (who.slack == chat_id or who.key == by.key) for who in asked)


def _act(house: House, sign: Sign, asked: list[Reminder], *, by: Identity, number: IncidentId) -> Act:
    return Act(
        request=sign.request,
        ref=fingerprint(sign.request)[:4].upper(),
        at=house.out.clock.now(),
        actor=by.key,
        verb="reminders",
        via=sign.via,
        incident=number,
        outcome="done",
        before=", ".join(f"{one.number}/{one.round}" for one in asked),
        after="Done",
    )
