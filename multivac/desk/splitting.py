"""An alert that joined wrongly becomes an incident of its own, as if it had never joined."""

from __future__ import annotations

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.names import reopen_first
from multivac.errors import Refused
from multivac.incident import Entry, EntryKind, IncidentId, Severity
from multivac.playbook import Playbook, choose
from multivac.store import acts, incidents, splits, timeline
from multivac.store.cases import Case
from multivac.store.incidents import Touched
from multivac.store.summary import AlertRow
from multivac.store.traits import may_share
from multivac.tongue import phrase, written

_LONGEST_TITLE = 1000
_LONGEST_CHOICE = 60
_MOST = 50  # that a form lists


def split(sitting: Sitting) -> Reply:
    """Take one alert out; without a number, ask which."""
    named = sitting.text("alert").lstrip("#")
    if not named:
        return _form(sitting)

    def take_out(tx: sa.Connection, case: Case) -> Change:
        if not case.status.is_open:
            raise Refused(reopen_first(case.id, case.status))
        row = _meant(case, named)
        new = _declare(tx, sitting, row, playbook=_playbook(sitting, case, row))
        if not splits.move(tx, case, row, to=new, now=sitting.now):
            raise Refused(phrase("That alert has ended, or is another incident's by now."))
        after = splits.settle(tx, case, now=sitting.now)
        _note(tx, sitting, case, row=row, new=new)
        return _change(sitting, case, row=row, new=new, after=after)

    return sitting.change(take_out)


def _change(sitting: Sitting, case: Case, *, row: AlertRow, new: Touched, after: Severity) -> Change:
    gaps = {"name": sitting.person.name, "title": row.facts.title or row.key, "number": new.number}
    if after is case.severity:
        return Change(
            said=phrase("The alert is INC-{number} now. Its channel opens.", number=new.number),
            kind=EntryKind.ALERT,
            entry=written("{name} split off the alert {title} into INC-{number}", **gaps),
            after=f"INC-{new.number}",
        )
    before, now = case.severity.upper(), after.upper()
    return Change(
        said=phrase(
            "The alert is INC-{number} now. Its channel opens; this one is {severity} without it.",
            number=new.number,
            severity=now,
        ),
        kind=EntryKind.SEVERITY,
        entry=written(
            "Severity {before} → {after}: {name} split off the alert {title} into INC-{number}",
            before=before,
            after=now,
            **gaps,
        ),
        before=case.severity,
        after=after,
    )


def _meant(case: Case, named: str) -> AlertRow:
    can = splits.separable(case)
    found = next((one for one in can if named in {one.key, str(one.facts.number)}), None)
    if found is not None:
        return found
    if not can and all(one.facts.status == "resolved" for one in case.alerts.rows):
        raise Refused(phrase("INC-{number} has no open alert that could be split off.", number=case.id))
    if not can:
        told = phrase(
            "All open alerts of INC-{number} are of one problem: none can be split off.", number=case.id
        )
        raise Refused(told)
    told = phrase("No open alert here has the number {said}. `/incident split` shows which have.", said=named)
    raise Refused(told)


def _form(sitting: Sitting) -> Form:
    case = sitting.case()
    can = splits.separable(case)
    if not can:
        _meant(case, "")
    return split_form(case.id, tuple((one.key, _named(one)) for one in can[:_MOST]))


def split_form(incident: IncidentId, choices: tuple[tuple[str, str], ...]) -> Form:
    """Which alert becomes an incident of its own."""
    field = Field(
        name="alert", label=phrase("Which alert?"), kind=Asked.CHOICE, choices=choices, optional=False
    )
    return Form(
        title=phrase("Split an alert off"),
        line=f"INC-{incident} split",
        send=phrase("Split"),
        intro=(phrase("It becomes an incident of its own, with a channel and people of its own."),),
        fields=(field,),
    )


def _named(row: AlertRow) -> str:
    title = row.facts.title or row.key
    number = f"#{row.facts.number} " if row.facts.number else ""
    whole = f"{number}{title}"
    return whole if len(whole) <= _LONGEST_CHOICE else f"{whole[: _LONGEST_CHOICE - 1]}…"


def _playbook(sitting: Sitting, case: Case, row: AlertRow) -> Playbook:
    """The one that the alert would have got by itself; never one that tells what is private."""
    its = choose(sitting.house.playbooks(), row.facts)
    return its if its is not None and not its.ignore and may_share(its, case.playbook) else case.playbook


def _declare(tx: sa.Connection, sitting: Sitting, row: AlertRow, *, playbook: Playbook) -> Touched:
    facts, now = row.facts, sitting.now
    title = (facts.title or written("Untitled alert"))[:_LONGEST_TITLE]
    return incidents.declare(
        tx,
        title=title,
        severity=playbook.severity_of(facts),
        playbook=playbook.model_copy(update={"open_after": playbook.open_after * 0}),
        service=facts.service_id or facts.service_name,
        now=now,
        name_channel=lambda number: playbook.channel_name(
            number=number, title=title, service=facts.service_name, opened_at=now
        ),
    )


def _note(tx: sa.Connection, sitting: Sitting, case: Case, *, row: AlertRow, new: Touched) -> None:
    """What the new incident's timeline and trail begin with."""
    now = sitting.now
    text = written("Split off from INC-{number} by {name}", number=case.id, name=sitting.person.name)
    entry = Entry(kind=EntryKind.DECLARED, at=now, text=text, key="declared", actor=sitting.person.name)
    timeline.note(tx, new.number, [entry], now=now)
    moved = acts.Moved(
        key=f"{row.source}:{row.key}:{now}",
        verb="declare",
        before=f"INC-{case.id}",
        after=new.severity,
        actor=sitting.person.key,
        via=sitting.ask.via,
    )
    acts.leave_trail_of(tx, new.number, moved, at=now)
    acts.by_hand(tx, new.number, sitting.person, drill=False)
    incidents.person_is_on_it(tx, new.number, now=now)
