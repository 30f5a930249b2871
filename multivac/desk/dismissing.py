"""Ending what is no incident of its own: dismissed, for one of a few reasons, or merged into another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form
from multivac.desk.already import same_status
from multivac.desk.asking import BadField, Change, Reply, Sitting, must_see
from multivac.desk.looking import may_see_row
from multivac.desk.names import none_such, reopen_first
from multivac.desk.standing import may_not, move
from multivac.errors import Refused
from multivac.incident import MAY_FOLLOW, Entry, EntryKind, IncidentId, Status, status_name
from multivac.playbook import restore
from multivac.store import acts, cases, endings, incidents, sayings, timeline
from multivac.store.acts import Row
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import mark, phrase, written
from multivac.verbs import number_of

_REASONS = {
    "duplicate": mark("a duplicate"),
    "false-positive": mark("a false alarm"),
    "superseded": mark("superseded by another"),
    "external": mark("not ours, but a provider's or a customer's own"),
    "cancelled": mark("cancelled, it is not needed any more"),
}
_MERGED = {
    "duplicate": mark("a duplicate of INC-{number}"),
    "superseded": mark("superseded by INC-{number}"),
}
_OFFERED = 25  # incidents to merge into


# --- dismissed ------------------------------------------------------------------------------------


def dismiss(sitting: Sitting) -> Reply:
    """It is no incident; without a reason, ask for one: nothing is dismissed by a slip of the finger."""
    if sitting.ask.fields:
        why, words = written(_REASONS[_picked(sitting, _REASONS)]), sitting.text("text")
        why = written("{reason} ({words})", reason=why, words=words) if words else why
        return move(sitting, Status.DISMISSED, said=why)
    if sitting.words.text:
        return move(sitting, Status.DISMISSED, said=sitting.words.text)
    case = sitting.case()
    if case.status is Status.DISMISSED:
        return Answer(lines=(same_status(case),))
    if Status.DISMISSED not in MAY_FOLLOW[case.status]:
        raise Refused(may_not(case, Status.DISMISSED))
    return Form(
        title=phrase("Dismiss INC-{number}", number=case.id),
        line=f"INC-{case.id} dismiss",
        send=phrase("Dismiss"),
        fields=(
            _reasons(
                phrase("Why is it no incident?"), {name: phrase(text) for name, text in _REASONS.items()}
            ),
            Field(
                name="text",
                label=phrase("Anything to add?"),
                kind=Asked.LINE,
                hint=phrase("It stands in the timeline."),
                longest=300,
            ),
        ),
    )


def _reasons(label: str, choices: Mapping[str, str]) -> Field:
    return Field(
        name="reason", label=label, kind=Asked.CHOICE, choices=tuple(choices.items()), optional=False
    )


def _picked(sitting: Sitting, reasons: Mapping[str, str]) -> str:
    reason = str(sitting.ask.fields.get("reason", ""))
    if reason not in reasons:
        raise BadField("reason", phrase("Pick a reason."))
    return reason


# --- merged ---------------------------------------------------------------------------------------


def merge(sitting: Sitting) -> Reply:
    """End it as a duplicate: its alerts go on in the other incident. Without the other, ask."""
    said, fields = sitting.words.text.partition(" ")[0], sitting.ask.fields
    if not said and not fields:
        return _merge_form(sitting)
    other = number_of(str(fields.get("other", "")) if fields else said)
    if other is None:
        raise Refused(phrase("Name the incident that goes on: `/incident merge INC-7`."))
    if other == sitting.incident:
        raise Refused(phrase("INC-{number} is this one. Name the incident that goes on.", number=other))
    why = _picked(sitting, _MERGED) if fields else "duplicate"

    def end(tx: sa.Connection, case: Case) -> Change:
        target = _target(tx, sitting, case, other=other)
        if case.status is not Status.TRIAGE:
            incidents.set_status(tx, case.id, Status.RESOLVED, now=sitting.now)
        after = Status.DISMISSED if case.status is Status.TRIAGE else Status.CLOSED
        incidents.set_status(tx, case.id, after, now=sitting.now)
        endings.merge(tx, case, target)
        _tell_the_other(tx, sitting, case, other=other)
        incidents.person_is_on_it(tx, other, now=sitting.now)
        incidents.touch_by(tx, other, sitting.now)
        named = f"INC-{other} #{target.channel_name}" if target.channel_id else f"INC-{other}"
        where = f"INC-{other} <#{target.channel_id}>" if target.channel_id else f"INC-{other}"
        return Change(
            said=phrase(
                "INC-{number} is over; {other} goes on with its alerts.", number=case.id, other=where
            ),
            kind=EntryKind.STATUS,
            entry=written("{name} merged it into {other}", name=sitting.person.name, other=named),
            before=case.status,
            after=after,
            why=written(_MERGED[why], number=other),
            more={"room": f"#{target.channel_name}", "room_id": target.channel_id}
            if target.channel_id
            else {},
        )

    return sitting.change(end)


def _tell_the_other(tx: sa.Connection, sitting: Sitting, case: Case, *, other: IncidentId) -> None:
    """Say in the incident that goes on what was merged into it."""
    name, now = sitting.person.name, sitting.now
    text = written(
        "{name} merged INC-{number} into this one: {title}", name=name, number=case.id, title=case.title
    )
    entry = Entry(kind=EntryKind.STATUS, at=now, text=text, key=f"merged in:{case.id}", actor=name)
    timeline.note(tx, other, [entry], now=now)
    more = {"what": f"merged INC-{case.id}", "before": "", "after": ""}
    sayings.add(tx, other, kind=SayingKind.CHANGE, text=text, by=name, at=now, more=more)


def _merge_form(sitting: Sitting) -> Form:
    case = sitting.case()
    _must_be_open(case)
    others = _open_others(sitting, case)
    if not others:
        told = phrase(
            "No other incident is open that it could be merged into. To end it: `/incident resolve`."
        )
        raise Refused(told)
    return Form(
        title=phrase("Merge INC-{number}", number=case.id),
        line=f"INC-{case.id} merge",
        send=phrase("Merge"),
        fields=(
            Field(
                name="other",
                label=phrase("Which incident goes on?"),
                kind=Asked.CHOICE,
                choices=tuple((f"INC-{row.number}", _called(row)) for row in others),
                hint=phrase("It gets the alerts of this one, which ends."),
                optional=False,
            ),
            _reasons(
                phrase("What is this one?"),
                {name: phrase(_REASONS[name]) for name in _MERGED},
            ),
        ),
    )


def _open_others(sitting: Sitting, case: Case) -> Sequence[Row]:
    """Those into which it may be merged, as private as it is; the worst first."""
    is_private = case.playbook.channel.private
    with sitting.house.out.database.read() as tx:
        rows = [row for row in acts.listed(tx) if row.number != case.id]
        rows = [row for row in rows if restore(row.policy).channel.private is is_private]
        return [row for row in rows if may_see_row(tx, sitting, row)][:_OFFERED]


def _called(row: Row) -> str:
    return f"INC-{row.number} {row.severity.upper()} {row.title}"


def _must_be_open(case: Case) -> None:
    if not case.status.is_open:
        told = phrase("INC-{number} is {status} already.", number=case.id, status=status_name(case.status))
        raise Refused(told)


def _target(tx: sa.Connection, sitting: Sitting, case: Case, *, other: IncidentId) -> Case:
    """The incident that goes on. Raises `Refused` if it is over, hidden, or not to be mixed with this one."""
    _must_be_open(case)
    if not acts.exists(tx, other):
        raise Refused(none_such(other))
    incidents.lock(tx, other)
    target = cases.load(tx, other)
    must_see(tx, replace(sitting, number=other), target)
    if not target.status.is_open:
        raise Refused(reopen_first(other, target.status))
    if target.playbook.channel.private != case.playbook.channel.private:
        raise Refused(
            phrase("One of the two is private: what is said in it must not be mixed with the other.")
        )
    if target.drill != case.drill:
        raise Refused(phrase("One of the two is a drill: what is real must not end up in it."))
    return target
