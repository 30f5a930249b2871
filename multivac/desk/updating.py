"""What people tell stakeholders, when they promise to tell more, and when they want to be left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting
from multivac.errors import Refused
from multivac.incident import MAY_FOLLOW, EntryKind, Severity, Status
from multivac.store import acts, cadence, incidents, sayings
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.values import say_duration
from multivac.verbs import span

_NEXT = (("15", "in 15 minutes"), ("30", "in 30 minutes"), ("60", "in an hour"), ("120", "in 2 hours"))
_NONE = "none"
_STANDS = (Status.ACTIVE, Status.MITIGATED)
_LONGEST = 3000
_LONGEST_SNOOZE, _LONGEST_QUIET = timedelta(hours=4), timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Update:
    """What an update says, and what it changes on the way."""

    text: str
    status: Status
    severity: Severity
    promised: datetime | None
    is_last: bool  # it promises no other


def update(sitting: Sitting) -> Reply:
    """Tell stakeholders what is known; without a word, ask."""
    said = sitting.text("text")
    if not said and not sitting.ask.fields:
        return _form(sitting.case())
    if not said:
        raise BadField("text", "Write in a sentence or two what users notice and what happens next.")

    def tell(tx: sa.Connection, case: Case) -> Change:
        if not case.status.is_open:
            raise Refused(f"INC-{case.id} is {case.status}. Reopen it first, or write a note.")
        told = _read(sitting, case, said[:_LONGEST])
        _apply(tx, sitting, case, told=told)
        return Change(
            said=f"Your update is on its way{_and_next(told, case)}.",
            kind=EntryKind.UPDATE,
            entry=f"Update by {sitting.person.name}{_changed(case, told)}: {told.text}",
            before=f"{case.severity} {case.status}",
            after=f"{told.severity} {told.status}",
        )

    return sitting.change(tell)


def _read(sitting: Sitting, case: Case, text: str) -> _Update:
    fields = sitting.ask.fields
    status = Status(str(fields.get("status") or case.status))
    chosen = str(fields.get("next", ""))
    promised = sitting.now + timedelta(minutes=int(chosen)) if chosen.isdigit() else None
    return _Update(
        text=text,
        status=status if status in MAY_FOLLOW[case.status] else case.status,
        severity=Severity(str(fields.get("severity") or case.severity)),
        promised=promised,
        is_last=chosen == _NONE,
    )


def _apply(tx: sa.Connection, sitting: Sitting, case: Case, *, told: _Update) -> None:
    now = sitting.now
    if told.severity is not case.severity:
        acts.settle_severity(tx, case.id, told.severity, by=sitting.person.key)
    if told.status is not case.status:
        incidents.set_status(tx, case.id, told.status, now=now)
    cadence.updated(tx, case.id, now=now, promised=told.promised)
    if told.is_last:
        cadence.no_more(tx, case.id)
    sayings.add(
        tx,
        case.id,
        kind=SayingKind.UPDATE,
        text=told.text,
        by=sitting.person.name,
        at=now,
        more={
            "status": told.status,
            "severity": told.severity,
            "was": case.severity,
            "next": None if (due := _due(case, told, now)) is None else due.isoformat(),
        },
    )


def _due(case: Case, told: _Update, now: datetime) -> datetime | None:
    """When the next update is due with this one."""
    every = case.playbook.update_every(told.severity)
    if told.is_last or (told.promised is None and every is None):
        return None
    return told.promised or now + (every or timedelta())


def _and_next(told: _Update, case: Case) -> str:
    every = case.playbook.update_every(told.severity)
    if told.promised is not None:
        return f"; the next one is promised for {told.promised.astimezone(UTC):%H:%M} UTC"
    if told.is_last or every is None:
        return "; no other is promised"
    return f"; the next one is due in {say_duration(every)}"


def _changed(case: Case, told: _Update) -> str:
    changes = []
    if told.severity is not case.severity:
        changes.append(f"{case.severity.upper()} → {told.severity.upper()}")
    if told.status is not case.status:
        changes.append(told.status)
    return f" ({', '.join(changes)})" if changes else ""


def _form(case: Case) -> Form:
    may_be = [case.status, *(one for one in _STANDS if one in MAY_FOLLOW[case.status])]
    every = case.playbook.update_every(case.severity)
    usual = f"as usual, every {say_duration(every)}" if every else "not promised"
    last = case.updates[-1].text if case.updates else ""
    return Form(
        title=f"Update on INC-{case.id}",
        line=f"INC-{case.id} update",
        send="Send",
        fields=(
            Field(
                name="text",
                label="What do we know?",
                kind=Asked.PROSE,
                hint="What users notice, what we do, what happens next.",
                optional=False,
                filled=(last,),
            ),
            Field(
                name="status",
                label="Where does it stand?",
                kind=Asked.CHOICE,
                choices=tuple((one.value, one.capitalize()) for one in dict.fromkeys(may_be)),
                filled=(case.status.value,),
            ),
            Field(
                name="severity",
                label="How bad is it?",
                kind=Asked.CHOICE,
                choices=tuple((one.value, one.upper()) for one in Severity),
                filled=(case.severity.value,),
            ),
            Field(
                name="next",
                label="When is the next update?",
                kind=Asked.CHOICE,
                choices=(("", usual), *_NEXT, (_NONE, "none: do not ask any more")),
                filled=("",),
            ),
        ),
    )


def snooze(sitting: Sitting) -> Reply:
    """Put off the question for the next update, or stop it."""
    said = sitting.words.text.lower() or "15m"
    if said in {"stop", "off"}:
        return sitting.change(lambda tx, case: _stop(tx, sitting, case))
    for_how_long = _span(said, most=_LONGEST_SNOOZE, example="snooze 15m")

    def put_off(tx: sa.Connection, case: Case) -> Change:
        until = sitting.now + for_how_long
        cadence.snooze(tx, case.id, until=until)
        told = f"{until.astimezone(UTC):%H:%M} UTC"
        return Change(
            said=f"I ask again at {told}.",
            kind=EntryKind.NOTE,
            entry=f"{sitting.person.name} put off the update to {told}",
            after=until.isoformat(),
        )

    return sitting.change(put_off)


def _stop(tx: sa.Connection, sitting: Sitting, case: Case) -> Change:
    cadence.no_more(tx, case.id)
    return Change(
        said="I do not ask for updates any more, until somebody writes one.",
        kind=EntryKind.NOTE,
        entry=f"{sitting.person.name} wants no more reminders of updates",
        after="off",
    )


def quiet(sitting: Sitting) -> Reply:
    """Say nothing in the channel that can wait, for everybody, for so long."""
    said = sitting.words.text.lower() or "30m"
    is_off = said in {"off", "stop", "0"}
    lasts = timedelta() if is_off else _span(said, most=_LONGEST_QUIET, example="quiet 30m")

    def hush(tx: sa.Connection, case: Case) -> Change:
        until = None if is_off else sitting.now + lasts
        cadence.quiet(tx, case.id, until=until)
        told = "" if until is None else f" until {until.astimezone(UTC):%H:%M} UTC"
        return Change(
            said=f"Reminders and new checklists wait{told}." if told else "I speak again as usual.",
            kind=EntryKind.NOTE,
            entry=f"{sitting.person.name} asked for quiet{told}"
            if told
            else f"{sitting.person.name} ended the quiet",
            after=until.isoformat() if until else "off",
        )

    return sitting.change(hush)


def _span(said: str, *, most: timedelta, example: str) -> timedelta:
    lasts = span(said.removeprefix("for ").replace(" ", ""))
    if lasts is None or not timedelta() < lasts <= most:
        raise Refused(f"Say for how long, {say_duration(most)} at most: `/incident {example}`.")
    return lasts
