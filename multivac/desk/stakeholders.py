"""Stakeholders ask to be told of an incident directly, and to be told no more."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from multivac.briefing import Answer
from multivac.desk.asking import Change, DoneBefore, Reply, Sitting, must_see
from multivac.desk.names import stands
from multivac.errors import Refused
from multivac.steps.stakeholders import to_begin, to_stop
from multivac.store import acts, cases, incidents, stakeholders
from multivac.store.cases import Case
from multivac.tongue import phrase

_ONE_CLICK = timedelta(seconds=10)  # whoever presses twice within it means it once


def subscribe(sitting: Sitting) -> Reply:
    """Have them told from now on; who presses the button again is told no more."""
    return sitting.house.out.database.write(lambda tx: _begin(tx, sitting), urgent=True)


def _begin(tx: sa.Connection, sitting: Sitting) -> Answer:
    case = _locked(tx, sitting)
    if case.playbook.channel.private:
        told = phrase("INC-{number} is private: nothing of it is told outside its channel.", number=case.id)
        raise Refused(told)
    if not case.status.is_open:
        raise Refused(phrase("{stands} Nothing more is told of it.", stands=stands(case.id, case.status)))
    since = stakeholders.told(case).get(sitting.ask.by)
    if since is None:
        _leave_trail(tx, sitting, "told")
        stakeholders.begin(tx, case.id, sitting.ask.by, at=sitting.now)
        told = phrase(
            "You are told directly of each update of INC-{number}, and when it is over.", number=case.id
        )
        return Answer(lines=(told,), presses=(to_stop(case.id),))
    if sitting.ask.via == "button" and sitting.now - since.at >= _ONE_CLICK:
        return _ended(tx, sitting, case)
    told = phrase("You are told of INC-{number} directly already.", number=case.id)
    return Answer(lines=(told,), presses=(to_stop(case.id),))


def unsubscribe(sitting: Sitting) -> Reply:
    """Have them told no more; that they never were is fine."""
    return sitting.house.out.database.write(lambda tx: _end(tx, sitting), urgent=True)


def _end(tx: sa.Connection, sitting: Sitting) -> Answer:
    return _ended(tx, sitting, _locked(tx, sitting))


def _ended(tx: sa.Connection, sitting: Sitting, case: Case) -> Answer:
    if sitting.ask.by in stakeholders.told(case):
        _leave_trail(tx, sitting, "not told")
        stakeholders.end(tx, case.id, sitting.ask.by, at=sitting.now)
    told = phrase("You are told of INC-{number} directly no more.", number=case.id)
    return Answer(lines=(told,), presses=(to_begin(case.id),) if case.status.is_open else ())


def _locked(tx: sa.Connection, sitting: Sitting) -> Case:
    """The incident, which nobody else moves meanwhile. Raises `Refused` for whoever may not see it."""
    incidents.lock(tx, sitting.incident)
    case = cases.load(tx, sitting.incident)
    must_see(tx, sitting, case)
    return case


def _leave_trail(tx: sa.Connection, sitting: Sitting, after: str) -> None:
    """Nothing else is done: whoever only reads is not at work on it, and there is no news yet."""
    if not acts.leave_trail(tx, sitting.act("done", Change(said="", after=after))):
        raise DoneBefore
