"""What people say about an incident: its impact, its title, and facts for the timeline."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting, as_of
from multivac.desk.capturing import capture
from multivac.errors import Refused
from multivac.incident import EntryKind
from multivac.store import acts
from multivac.store.cases import Case
from multivac.tongue import phrase, written

_LONGEST_TITLE = 200
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def impact(sitting: Sitting) -> Reply:
    """Say what users notice; without a word, ask."""
    said = sitting.text("impact")
    if not said and not sitting.ask.fields:
        return _impact_form(sitting.case())

    if not said:
        raise BadField("impact", phrase("Write what users notice."))

    def change(tx: sa.Connection, case: Case) -> Change:
        acts.set_impact(tx, case.id, said)
        return Change(
            said=phrase("The headline says so now."),
            kind=EntryKind.NOTE,
            entry=written("Impact, says {name}: {impact}", name=sitting.person.name, impact=said),
            before=case.impact,
            after=said,
        )

    return sitting.change(change)


def _impact_form(case: Case) -> Form:
    label = phrase("What do users notice?")
    asked = Field(name="impact", label=label, kind=Asked.PROSE, filled=(case.impact,), optional=False)
    return Form(
        title=phrase("Impact"),
        line=f"INC-{case.id} impact",
        send=phrase("Save"),
        fields=(asked,),
        as_of=as_of(case, "impact"),
    )


def rename(sitting: Sitting) -> Reply:
    """Give it a better title; the channel keeps its name."""
    title = " ".join(sitting.words.text.split())[:_LONGEST_TITLE]
    if not title:
        raise Refused(phrase("Write the title: `/incident rename Card payments fail`."))

    def change(tx: sa.Connection, case: Case) -> Change:
        acts.set_title(tx, case.id, title)
        return Change(
            said=phrase("INC-{number} is called “{title}” now.", number=case.id, title=title),
            kind=EntryKind.NOTE,
            entry=written("{name} renamed it: {title}", name=sitting.person.name, title=title),
            before=case.title,
            after=title,
        )

    return sitting.change(change)


def note(sitting: Sitting) -> Reply:
    """Write a fact into the timeline, with its own time if one is given."""
    if sitting.words.message:
        return capture(sitting, "note")
    said = sitting.text("text")
    if not said and not sitting.ask.fields:
        return _note_form(sitting)
    if not said:
        raise BadField("text", phrase("Write what happened."))
    at = sitting.moment("at") or _at(sitting)

    def change(tx: sa.Connection, case: Case) -> Change:
        del tx, case
        return Change(
            said=phrase("It is in the timeline."),
            kind=EntryKind.NOTE,
            entry=f"{sitting.person.name}: {said}",
            at=at,
        )

    return sitting.change(change)


def _note_form(sitting: Sitting) -> Form:
    return Form(
        title=phrase("Add to the timeline"),
        line=f"INC-{sitting.incident} note",
        send=phrase("Add"),
        fields=(
            Field(name="text", label=phrase("What happened?"), kind=Asked.PROSE, optional=False),
            Field(name="at", label=phrase("When?"), kind=Asked.MOMENT, hint=phrase("Left empty: now.")),
        ),
    )


def _at(sitting: Sitting) -> datetime | None:
    """The newest moment at which the clock showed this time, in UTC."""
    if sitting.words.at is None:
        return None
    then = time_of_day(sitting.words.at, sitting.now)
    return then if then <= sitting.now else then - timedelta(days=1)


def time_of_day(said: str, now: datetime) -> datetime:
    """The moment of this day, in UTC, at which the clock shows it. Raises `Refused`."""
    read = _TIME.fullmatch(said)
    if read is None:
        raise Refused(phrase("“{said}” is no time. Write it as 14:05, in UTC.", said=said))
    return now.replace(hour=int(read[1]), minute=int(read[2]), second=0, microsecond=0)
