"""While it goes on: what failed is tried again now, and the question whether it is over is taken back."""

from __future__ import annotations

import sqlalchemy as sa

from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.names import reopen_first, with_reason
from multivac.errors import Refused
from multivac.incident import EntryKind
from multivac.steps.gaps import missing
from multivac.store import incidents
from multivac.store import steps as progress
from multivac.store.cases import Case
from multivac.tongue import phrase, written


def retry(sitting: Sitting) -> Reply:
    """Have whatever failed tried again now, also what was given up."""

    def have_tried(tx: sa.Connection, case: Case) -> Change:
        names = sorted(progress.try_now(tx, case.id))
        if not names:
            raise Refused(
                phrase("Nothing of INC-{number} has failed: there is nothing to try again.", number=case.id)
            )
        what = "; ".join(dict.fromkeys(map(missing, names)))
        return Change(
            said=phrase("I try again now. Not done yet: {what}.", what=what), after=", ".join(names)
        )

    return sitting.change(have_tried)


def go_on(sitting: Sitting) -> Reply:
    """It is not over, although its alerts are: whoever was asked whether it is, is asked no more."""

    def take_back(tx: sa.Connection, case: Case) -> Change:
        if not case.status.is_open:
            raise Refused(reopen_first(case.id, case.status))
        if case.resolution_at is None or case.resolution_withdrawn:
            raise Refused(phrase("INC-{number} goes on: PagerDuty proposes no end.", number=case.id))
        incidents.withdraw_resolution(tx, case.id)
        entry = written("{name} says that it goes on", name=sitting.person.name)
        return Change(
            said=phrase("INC-{number} goes on.", number=case.id),
            kind=EntryKind.NOTE,
            entry=with_reason(entry, sitting.words.text),
            after="goes on",
        )

    return sitting.change(take_back)
