"""How people end an incident: resolved with what fixed it and what follows, as a duplicate, archived."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting, as_of, must_see
from multivac.desk.names import none_such, reopen_first, stands
from multivac.desk.standing import move
from multivac.errors import Refused
from multivac.incident import EntryKind, IncidentId, Status, status_name
from multivac.store import acts, cases, endings, incidents, sayings
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase, written
from multivac.verbs import number_of

_MOST_FOLLOW_UPS = 20
_LONGEST_FOLLOW_UP = 200


def resolve(sitting: Sitting) -> Reply:
    """It is over; without a word of what fixed it, ask."""
    said = sitting.text("fixed")
    if not said and not sitting.ask.fields:
        return _form(sitting.case())
    if not said:
        raise BadField("fixed", phrase("Write in a few words what fixed it, or that nobody knows."))
    follow_ups = _follow_ups(sitting)

    def also(tx: sa.Connection, case: Case) -> None:
        for text in follow_ups:
            sayings.add(
                tx, case.id, kind=SayingKind.FOLLOW_UP, text=text, by=sitting.person.name, at=sitting.now
            )

    return move(sitting, Status.RESOLVED, said=said, also=also)


def _follow_ups(sitting: Sitting) -> list[str]:
    typed = str(sitting.ask.fields.get("follow_ups", "")).splitlines()
    lines = [" ".join(line.lstrip(" -*•").split())[:_LONGEST_FOLLOW_UP] for line in typed]
    found = [line for line in lines if line]
    if len(found) > _MOST_FOLLOW_UPS:
        raise BadField("follow_ups", phrase("Write {most} lines at most.", most=_MOST_FOLLOW_UPS))
    return found


def _form(case: Case) -> Form:
    return Form(
        title=phrase("Resolve INC-{number}", number=case.id),
        line=f"INC-{case.id} resolve",
        send=phrase("Resolve"),
        as_of=as_of(case, "status", "impact"),
        fields=(
            Field(name="fixed", label=phrase("What fixed it?"), kind=Asked.PROSE, optional=False),
            Field(
                name="impact",
                label=phrase("What did users notice?"),
                kind=Asked.PROSE,
                filled=(case.impact,),
            ),
            Field(
                name="follow_ups",
                label=phrase("What is left to do?"),
                kind=Asked.PROSE,
                hint=phrase("One thing a line; each becomes an issue in Jira."),
            ),
        ),
    )


def merge(sitting: Sitting) -> Reply:
    """End it as a duplicate: its alerts go on in the other incident."""
    other = number_of(sitting.words.text)
    if other is None:
        raise Refused(phrase("Name the incident that goes on: `/incident merge INC-7`."))
    if other == sitting.incident:
        raise Refused(phrase("INC-{number} is this one. Name the incident that goes on.", number=other))

    def end(tx: sa.Connection, case: Case) -> Change:
        target = _target(tx, sitting, case, other=other)
        if case.status is not Status.TRIAGE:
            incidents.set_status(tx, case.id, Status.RESOLVED, now=sitting.now)
        after = Status.DISMISSED if case.status is Status.TRIAGE else Status.CLOSED
        incidents.set_status(tx, case.id, after, now=sitting.now)
        endings.merge(tx, case, target)
        incidents.person_is_on_it(tx, other, now=sitting.now)
        incidents.touch_by(tx, other, sitting.now)
        where = f"INC-{other} <#{target.channel_id}>" if target.channel_id else f"INC-{other}"
        return Change(
            said=phrase(
                "INC-{number} is over; {other} goes on with its alerts.", number=case.id, other=where
            ),
            kind=EntryKind.STATUS,
            entry=written("{name} merged it into {other}", name=sitting.person.name, other=where),
            before=case.status,
            after=after,
            why=written("a duplicate of INC-{number}", number=other),
        )

    return sitting.change(end)


def _target(tx: sa.Connection, sitting: Sitting, case: Case, *, other: IncidentId) -> Case:
    """The incident that goes on. Raises `Refused` if it is over, hidden, or not to be mixed with this one."""
    if not case.status.is_open:
        told = phrase("INC-{number} is {status} already.", number=case.id, status=status_name(case.status))
        raise Refused(told)
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


def archive(sitting: Sitting) -> Reply:
    """Have the channel archived now instead of later."""

    def put_away(tx: sa.Connection, case: Case) -> Change:
        if case.status.is_open or case.status is Status.RESOLVED:
            raise Refused(phrase("{stands} Close it first.", stands=stands(case.id, case.status)))
        endings.ask_to_archive(tx, case.id, now=sitting.now)
        return Change(
            said=phrase("The channel is being archived. `reopen` brings it back."),
            kind=EntryKind.NOTE,
            entry=written("{name} had the channel archived", name=sitting.person.name),
        )

    return sitting.change(put_away)
