"""Reminders answered without a button: by a tick under one, or by a word in its thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sqlalchemy as sa
import structlog

from multivac.briefing import fingerprint
from multivac.desk.asking import House
from multivac.desk.capturing import Sign
from multivac.desk.people import who_is
from multivac.desk.reminding import done, entry_of
from multivac.errors import MultivacError
from multivac.incident import Entry, EntryKind, Group, IncidentId, Person
from multivac.jobs import Put
from multivac.steps.base import Outside
from multivac.steps.reminders import AGAIN, FAMILY
from multivac.store import acts, cases, incidents, reminders, timeline
from multivac.store.acts import Act
from multivac.store.cases import Case
from multivac.store.reminders import Reminder

log = structlog.get_logger()


def notice_answer(house: House, sign: Sign) -> None:
    """Take it for done, once, if whoever it is for did this; what is under no reminder costs one read."""
    database = house.out.database
    with database.read() as tx:
        number = acts.in_channel(tx, sign.channel)
        if number is None or not reminders.is_one(tx, number, sign.message):
            return
        asked = {one.whom for one in _under(cases.load(tx, number), sign.message)}
    by, is_guest = who_is(house.out, sign.by, "")
    if is_guest:
        return
    groups = {one.key for one in asked if isinstance(one, Group) and _is_in(house.out, sign.by, one)}
    their = frozenset({by.key, *groups})
    put = database.write(lambda tx: _answer(tx, house, sign, number=number, by=by, keys=their), urgent=True)
    if put is not None:
        house.jobs.begin(put)


def _is_in(out: Outside, chat_id: str, group: Group) -> bool:
    """Whether they are in the user group now; not if that cannot be read."""
    try:
        return out.chat is not None and chat_id in out.chat.group_members(group.id)
    except MultivacError as error:
        log.info("user group not read", group=group.id, why=str(error))
        return False


def _answer(  # noqa: PLR0913  # who, and every key under which they are asked
    tx: sa.Connection, house: House, sign: Sign, *, number: IncidentId, by: Person, keys: frozenset[str]
) -> Put | None:
    now = house.out.clock.now()
    incidents.lock(tx, number)
    case = cases.load(tx, number)
    under = (one for one in _under(case, sign.message) if not one.is_over(now))
    asked = [one for one in under if _is_for(one, sign.by, keys)]
    if not asked or not acts.leave_trail(tx, _act(house, sign, asked, by=by, number=number)):
        return None
    name = by.name
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


def _is_for(one: Reminder, chat_id: str, keys: frozenset[str]) -> bool:
    """Whether they are asked, themselves or as one of a group: anybody, where everybody is."""
    if one.whom is None:
        return True
    asked = [who for who in (one.whom, one.escalate_to) if who is not None]
    return any(who.key in keys or (isinstance(who, Person) and who.slack == chat_id) for who in asked)


def _act(house: House, sign: Sign, asked: list[Reminder], *, by: Person, number: IncidentId) -> Act:
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
