"""What people tell stakeholders, when they promise to tell more, and when they want to be left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form, clock_time
from multivac.desk.asking import (
    BadField,
    Change,
    OnlyLead,
    Reply,
    Sitting,
    as_of,
    must_be_current,
    must_lower,
    tell_of,
)
from multivac.desk.names import stands
from multivac.desk.offering import BY_SIGN, offer_update
from multivac.desk.standing import settled
from multivac.errors import Refused
from multivac.incident import MAY_FOLLOW, EntryKind, IncidentId, Severity, Status, status_name, status_title
from multivac.steps.base import View
from multivac.steps.updates import reached
from multivac.store import acts, cadence, incidents, sayings
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.store.updates import Place
from multivac.tongue import lasting, listed, mark, phrase, written
from multivac.verbs import span

_NEXT = (
    ("15", mark("in 15 minutes")),
    ("30", mark("in 30 minutes")),
    ("60", mark("in an hour")),
    ("120", mark("in 2 hours")),
)
_NONE = "none"
_SEEN = "seen"  # brought back by the form that shows an update before it is sent
_STANDS = (Status.ACTIVE, Status.MITIGATED)
_LONGEST = 3000
_LONGEST_SNOOZE, _LONGEST_QUIET = timedelta(hours=4), timedelta(hours=12)
_LONGEST_PROMISE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an update says, where it is read, and what it changes on the way."""

    text: str
    status: Status
    severity: Severity
    promised: datetime | None
    is_last: bool  # it promises no other
    to: tuple[Place, ...] = tuple(Place)

    @property
    def is_kept_here(self) -> bool:
        """Whether stakeholders do not read it, so that they are still owed what was promised them."""
        return Place.ANNOUNCEMENT not in self.to


def update(sitting: Sitting) -> Reply:
    """Tell stakeholders what is known; without a word, ask."""
    said = sitting.text("text")
    if sitting.ask.via == BY_SIGN:
        return offer_update(sitting)
    if not said and not sitting.ask.fields:
        return _form(sitting)
    if not said:
        raise BadField("text", phrase("Write in a sentence or two what users notice and what happens next."))

    text = said[:_LONGEST]
    if sitting.ask.fields and _SEEN not in sitting.ask.fields and (shown := _preview(sitting, text)):
        return shown

    def tell(tx: sa.Connection, case: Case) -> Change:
        new = _checked(tx, sitting, case, text=text)
        lowers = new.severity.rank > case.severity.rank
        _apply(tx, sitting, case, told=new)
        return Change(
            said=_on_its_way(new, case),
            kind=EntryKind.UPDATE,
            entry=_entry(new, case, by=sitting.person.name),
            before=f"{case.severity} {case.status}",
            after=f"{new.severity} {new.status}",
            by_lead=lowers,
        )

    return sitting.change(tell)


def _checked(tx: sa.Connection, sitting: Sitting, case: Case, *, text: str) -> Draft:
    """The update, if it may be told as it is. Raises `Refused`."""
    if not case.status.is_open:
        told = stands(case.id, case.status)
        raise Refused(phrase("{stands} Reopen it first, or write a note.", stands=told))
    new = _read(sitting, case, text)
    if new.severity.rank > case.severity.rank:
        _must_lower(tx, sitting, case)
    return new


def _preview(sitting: Sitting, text: str) -> Form | None:
    """What leaves the channel, and for where, to be sent once more; None if nothing does."""
    case, out = sitting.case(), sitting.house.out
    must_be_current(sitting.ask, case)
    with out.database.read() as tx:
        new = _checked(tx, sitting, case, text=text)
    places = [where for place, where in _reached(sitting, case).items() if place in new.to]
    if not places:
        return None
    chosen = {name: one for name, one in sitting.ask.fields.items() if name != "text"}
    form = before_sending(case.id, new, places=places, due=_due(case, new, sitting.now))
    return replace(form, as_of=sitting.ask.as_of, kept=(*chosen.items(), (_SEEN, "yes")))


def _reached(sitting: Sitting, case: Case) -> Mapping[Place, str]:
    return reached(View(case=case, now=sitting.now, out=sitting.house.out))


def before_sending(number: IncidentId, told: Draft, *, places: Sequence[str], due: datetime | None) -> Form:
    """An update as it leaves the channel and for where, with what it says of the incident and promises."""
    stands_at = phrase(
        "With it INC-{number} is {severity} and {status}.",
        number=number,
        severity=told.severity.upper(),
        status=status_name(told.status),
    )
    promise = phrase("No next update is promised.")
    if due is not None:
        promise = phrase("The next update is promised for {time}.", time=clock_time(due))
    text = Field(
        name="text",
        label=phrase("This is what people read"),
        kind=Asked.PROSE,
        filled=(told.text,),
        optional=False,
    )
    return Form(
        title=phrase("Send this update?"),
        line=f"INC-{number} update",
        send=phrase("Send"),
        fields=(text,),
        intro=(phrase("It goes to {places}.", places=listed(places)), stands_at, promise),
        over=True,
    )


def _must_lower(tx: sa.Connection, sitting: Sitting, case: Case) -> None:
    """Raise `BadField` if only others may say that it is less bad: what was typed stays in the form."""
    try:
        must_lower(tx, sitting, case)
    except OnlyLead as no:
        shown = "text" if _SEEN in sitting.ask.fields else "severity"  # the preview has no field for it
        raise BadField(shown, no.reason) from no


def _read(sitting: Sitting, case: Case, text: str) -> Draft:
    fields = sitting.ask.fields
    severity = Severity(str(fields.get("severity") or case.severity))
    chosen = _next(sitting)
    return Draft(
        text=text,
        status=_status(str(fields.get("status", "")), case, severity),
        severity=severity,
        promised=sitting.now + timedelta(minutes=int(chosen)) if chosen.isdecimal() else None,
        is_last=chosen == _NONE,
        to=_places(sitting, case),
    )


def _next(sitting: Sitting) -> str:
    """In how many minutes the next update is promised, or that none is; "" as usual. Raises `Refused`."""
    if "next" in sitting.ask.fields:
        return str(sitting.ask.fields["next"])
    said = sitting.choice("next").lower()
    if said in {"", _NONE}:
        return said
    lasts = span(said)
    if lasts is None or not timedelta(minutes=1) <= lasts <= _LONGEST_PROMISE:
        told = phrase(
            "“{said}” does not say when the next update comes. Write `next:15m`, {most} at most, "
            "or `next:none`.",
            said=said,
            most=lasting(_LONGEST_PROMISE),
        )
        raise Refused(told)
    return str(lasts // timedelta(minutes=1))


def _places(sitting: Sitting, case: Case) -> tuple[Place, ...]:
    """Where it is read: everywhere but where somebody has taken the tick away."""
    ticked, offered = sitting.ask.fields.get("places"), _reached(sitting, case)
    if ticked is None:
        return tuple(Place)
    return tuple(place for place in Place if place in ticked or place not in offered)


def _status(chosen: str, case: Case, severity: Severity) -> Status:
    """Where it stands with the update: to settle the severity ends triage, and no update ends it."""
    goes = next((one for one in _STANDS if one == chosen and one in MAY_FOLLOW[case.status]), case.status)
    is_settled = goes is Status.TRIAGE and severity is not case.severity
    return Status.ACTIVE if is_settled else goes


def _apply(tx: sa.Connection, sitting: Sitting, case: Case, *, told: Draft) -> None:
    now, was = sitting.now, case.severity
    if told.severity is not was:
        acts.settle_severity(tx, case.id, told.severity, by=sitting.person.key)
        if told.is_kept_here:
            _tell_severity(tx, sitting, case, told=told)
            was = told.severity
    if told.status is not case.status:
        incidents.set_status(tx, case.id, told.status, now=now)
    if told.promised is not None or not told.is_kept_here:
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
            "was": was,
            "next": None if (due := _due(case, told, now)) is None else due.isoformat(),
            "to": list(told.to),
        },
    )


def _tell_severity(tx: sa.Connection, sitting: Sitting, case: Case, *, told: Draft) -> None:
    """What an update changes that stakeholders do not read, they are told as if it had been said alone."""
    by = sitting.person.name
    entry = settled(case, told.severity, by=by)
    change = Change(said="", kind=EntryKind.SEVERITY, entry=entry, before=case.severity, after=told.severity)
    tell_of(tx, case.id, change, by=by, at=sitting.now)


def _due(case: Case, told: Draft, now: datetime) -> datetime | None:
    """When the next update is due with this one."""
    every = None if told.is_kept_here else case.playbook.update_every(told.severity)
    if told.is_last or (told.promised is None and every is None):
        return None
    return told.promised or now + (every or timedelta())


def _on_its_way(told: Draft, case: Case) -> str:
    every = case.playbook.update_every(told.severity)
    if told.promised is not None:
        return phrase(
            "Your update is on its way; the next one is promised for {time}.", time=clock_time(told.promised)
        )
    is_owed = not told.is_last and (every is not None or case.cadence.next_at is not None)
    if told.is_kept_here and is_owed:
        return phrase("Your update is on its way. It is not announced, so one is still owed to stakeholders.")
    if told.is_last or every is None:
        return phrase("Your update is on its way; no other is promised.")
    return phrase("Your update is on its way; the next one is due in {span}.", span=lasting(every))


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M}"


def _entry(told: Draft, case: Case, *, by: str) -> str:
    changes = []
    if told.severity is not case.severity:
        changes.append(f"{case.severity.upper()} → {told.severity.upper()}")
    if told.status is not case.status:
        changes.append(status_name(told.status, written))
    if told.is_kept_here:
        changes.append(written("not announced"))
    if not changes:
        return written("Update by {name}: {text}", name=by, text=told.text)
    return written(
        "Update by {name} ({changes}): {text}", name=by, changes=", ".join(changes), text=told.text
    )


def _form(sitting: Sitting) -> Form:
    case = sitting.case()
    places = _reached(sitting, case)
    may_be = [case.status, *(one for one in _STANDS if one in MAY_FOLLOW[case.status])]
    every = case.playbook.update_every(case.severity)
    usual = phrase("as usual, every {span}", span=lasting(every)) if every else phrase("not promised")
    spans = tuple((value, phrase(label)) for value, label in _NEXT)
    chosen = _next(sitting)
    last = case.updates[-1].text if case.updates else ""
    return Form(
        title=phrase("Update on INC-{number}", number=case.id),
        line=f"INC-{case.id} update",
        as_of=as_of(case, "severity", "status"),
        send=phrase("Preview") if places else phrase("Send"),
        fields=(
            Field(
                name="text",
                label=phrase("What do we know?"),
                kind=Asked.PROSE,
                hint=phrase("What users notice, what we do, what happens next."),
                optional=False,
                filled=(last,),
            ),
            Field(
                name="status",
                label=phrase("Where does it stand?"),
                kind=Asked.CHOICE,
                choices=tuple((one.value, status_title(one)) for one in dict.fromkeys(may_be)),
                filled=(case.status.value,),
            ),
            Field(
                name="severity",
                label=phrase("How bad is it?"),
                kind=Asked.CHOICE,
                choices=tuple((one.value, one.upper()) for one in Severity),
                filled=(case.severity.value,),
            ),
            Field(
                name="next",
                label=phrase("When is the next update?"),
                kind=Asked.CHOICE,
                choices=(("", usual), *spans, (_NONE, phrase("none: do not ask any more"))),
                filled=(chosen if chosen in {_NONE, *dict(_NEXT)} else "",),
            ),
            *_ask_where(places),
        ),
    )


def _ask_where(places: Mapping[Place, str]) -> Iterator[Field]:
    """Who reads it besides those in the channel: everybody whom it can reach, unless a tick is taken away."""
    if places:
        yield Field(
            name="places",
            label=phrase("Who else is to read it?"),
            kind=Asked.TICKS,
            choices=tuple((place.value, where) for place, where in places.items()),
            filled=tuple(place.value for place in places),
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
        time, name = _time(until), sitting.person.name
        return Change(
            said=phrase("I ask again at {time}.", time=clock_time(until)),
            kind=EntryKind.NOTE,
            entry=written("{name} put off the update to {time} UTC", name=name, time=time),
            after=until.isoformat(),
        )

    return sitting.change(put_off)


def _stop(tx: sa.Connection, sitting: Sitting, case: Case) -> Change:
    cadence.no_more(tx, case.id)
    return Change(
        said=phrase("I do not ask for updates any more, until somebody writes one."),
        kind=EntryKind.NOTE,
        entry=written("{name} wants no more reminders of updates", name=sitting.person.name),
        after="off",
    )


def quiet(sitting: Sitting) -> Reply:
    """Say nothing in the channel that can wait, for everybody, for so long."""
    said = sitting.words.text.lower() or "30m"
    is_off = said in {"off", "stop", "0"}
    lasts = timedelta() if is_off else _span(said, most=_LONGEST_QUIET, example="quiet 30m")

    def hush(tx: sa.Connection, case: Case) -> Change:
        until, name = None if is_off else sitting.now + lasts, sitting.person.name
        cadence.quiet(tx, case.id, until=until)
        if until is None:
            entry = written("{name} ended the quiet", name=name)
            return Change(
                said=phrase("Reminders and checklists come again as usual."),
                kind=EntryKind.NOTE,
                entry=entry,
                after="off",
            )
        time = _time(until)
        return Change(
            said=phrase("Reminders and new checklists wait until {time}.", time=clock_time(until)),
            kind=EntryKind.NOTE,
            entry=written("{name} asked for quiet until {time} UTC", name=name, time=time),
            after=until.isoformat(),
        )

    return sitting.change(hush)


def _span(said: str, *, most: timedelta, example: str) -> timedelta:
    lasts = span(said.removeprefix("for ").replace(" ", ""))
    if lasts is None or not timedelta() < lasts <= most:
        told = phrase(
            "Say for how long, {most} at most: `/incident {line}`.", most=lasting(most), line=example
        )
        raise Refused(told)
    return lasts
