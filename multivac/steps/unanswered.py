"""A reminder that nobody answered, not even whoever it was escalated to: they are paged, once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import fingerprint
from multivac.incident import Entry, EntryKind, Person, Severity
from multivac.steps import paging, people
from multivac.steps.base import Attempt, View
from multivac.steps.reminders import AGAIN, ALREADY, PAGED, live, name_of
from multivac.store import acts, reminders, summons, timeline
from multivac.store.acts import RULE, Act
from multivac.store.cases import Case, Result
from multivac.store.reminders import Reminder
from multivac.tongue import written

_JUST_NOW = timedelta(minutes=10)


def wants_paged(view: View) -> Mapping[str, str]:
    """Each reminder that asks for it, once whoever it was escalated to has had as long as the first."""
    begun = (name for name, row in view.case.steps.items() if name.startswith(f"{PAGED}/") and row.was_done)
    wanted = {name.removeprefix(f"{PAGED}/"): "1" for name in begun}
    if view.case.status.is_open:
        wanted |= {name_of(one): "1" for one in live(view) if one.then_page and _is_due(view, one)}
    return wanted


def _is_due(view: View, one: Reminder) -> bool:
    row, quiet = view.case.steps.get(f"{AGAIN}/{name_of(one)}"), view.case.cadence.quiet_until
    if row is None or row.wanted_at is None:
        return False
    due_at = row.wanted_at + one.after
    if quiet is not None and view.case.severity is not Severity.SEV1:
        due_at = max(due_at, quiet)
    view.look_again(due_at)
    return view.now >= due_at


def have_paged(attempt: Attempt) -> Result:
    """Which one it is, and whether they are paged already; else `keep_paged` has them paged."""
    one = attempt.case.reminders[int(attempt.instance.partition("/")[0])]
    waits = one.escalate_to is not None and _is_called(attempt, one.escalate_to)
    return {"reminder": attempt.instance} | ({ALREADY: True} if waits else {})


def _is_called(attempt: Attempt, person: Person) -> bool:
    """Whether they were paged just now, or have not been seen since they were: twice would help nobody."""
    at = paging.last_paged(View(case=attempt.case, now=attempt.now, out=attempt.out), person)
    if at is None:
        return False
    with attempt.out.database.read() as tx:
        seen_at = acts.last_seen(tx, attempt.case.id, person)
    ackers = people.identified(attempt.case, attempt.case.alerts.ackers)
    has_answered = (seen_at is not None and seen_at > at) or person.key in {one.key for one in ackers}
    return not has_answered or attempt.now - at < _JUST_NOW


def keep_paged(tx: sa.Connection, case: Case, made: Result, *, now: datetime) -> None:
    """Have them paged in the name of whoever set the reminder, unless somebody has answered this instant."""
    number = int(made["reminder"].partition("/")[0])
    one = reminders.of_incident(tx, case.id)[number]
    if one.escalate_to is None or one.ended is not None or name_of(one) != made["reminder"]:
        return
    if ALREADY in made:
        _note(tx, case, made, text=_paged_already(one), now=now)
        return
    note = written("A reminder waits for your answer.")
    if not case.playbook.channel.private:
        note = written("A reminder waits for your answer: {text}", text=one.text)
    page = summons.page(tx, case.id, [one.escalate_to], now=now, by=one.by.name, note=note)
    acts.leave_trail(tx, _act(case, one, page, now=now))
    name = one.escalate_to.name
    text = written("Nobody answered reminder {number}: {name} is to be paged", number=number, name=name)
    _note(tx, case, made, text=text, now=now)


def _paged_already(one: Reminder) -> str:
    return written(
        "Nobody answered reminder {number}: {name} is paged already",
        number=one.number,
        name=one.escalate_to.name if one.escalate_to else "",
    )


def _note(tx: sa.Connection, case: Case, made: Result, *, text: str, now: datetime) -> None:
    entry = Entry(kind=EntryKind.PEOPLE, at=now, text=text, key=f"{PAGED}:{made['reminder']}")
    timeline.note(tx, case.id, [entry], now=now)


def _act(case: Case, one: Reminder, page: int, *, now: datetime) -> Act:
    """What the trail keeps, by which whoever set the reminder is told if the page fails."""
    request = f"{PAGED}:{case.id}:{name_of(one)}"
    return Act(
        request=request,
        ref=fingerprint(request)[:4].upper(),
        at=now,
        actor=one.by.key,
        verb="remind",
        via=RULE,
        incident=case.id,
        outcome="done",
        before=paging.step_of(page),
        after=one.escalate_to.name if one.escalate_to else None,
    )
