"""What people say about an incident: its impact, its title, and facts for the timeline."""

from __future__ import annotations

import sqlalchemy as sa

from multivac.briefing import Asked, Field, Form
from multivac.desk.asking import BadField, Change, Reply, Sitting, as_of
from multivac.desk.capturing import capture
from multivac.desk.moments import past, shown
from multivac.errors import Refused
from multivac.incident import EntryKind
from multivac.store import acts, sayings
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import phrase, written

_LONGEST_TITLE = 200


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
        title=phrase("Impact of INC-{number}", number=case.id),
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
    if sitting.words.message is not None:
        return capture(sitting, sitting.words.message, "note")
    said = sitting.text("text")
    if not said and not sitting.ask.fields:
        return _note_form(sitting)
    if not said:
        raise BadField("text", phrase("Write what happened."))
    at = sitting.moment("at")
    if sitting.words.at:
        at = past(sitting, sitting.words.at, since=sitting.case().declared_at)

    def change(tx: sa.Connection, case: Case) -> Change:
        by = sitting.person.name
        sayings.add(tx, case.id, kind=SayingKind.NOTE, text=said, by=by, at=sitting.now)
        told = phrase("It is in the timeline.")
        if at is not None:
            told = phrase("It is in the timeline, at {time}.", time=shown(at, sitting.now))
        return Change(said=told, kind=EntryKind.NOTE, entry=f"{by}: {said}", at=at)

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
