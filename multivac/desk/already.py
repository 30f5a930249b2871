"""What was done before: whoever asks for it again is told who did it and when, which is a success."""

from __future__ import annotations

from datetime import datetime, timedelta

from multivac.briefing import clock_time
from multivac.incident import Severity, Status
from multivac.store.cases import Case
from multivac.store.sayings import Saying, SayingKind
from multivac.tongue import mark, phrase

_AT_ONCE = timedelta(seconds=5)  # what is changed in one transaction is noted within this
_STATUS = {
    Status.TRIAGE: mark("INC-{number} is in triage again already."),
    Status.ACTIVE: mark("INC-{number} is active already."),
    Status.MITIGATED: mark("INC-{number} is mitigated already."),
    Status.RESOLVED: mark("INC-{number} is resolved already."),
    Status.CLOSED: mark("INC-{number} is closed already."),
    Status.DISMISSED: mark("INC-{number} is dismissed already."),
}


def same_status(case: Case) -> str:
    """What is told whoever says of the incident what it is already."""
    near = [one for one in case.sayings if one.by and abs(one.at - case.status_at) < _AT_ONCE and _moves(one)]
    told = phrase(_STATUS[case.status], number=case.id)
    return _by(told, near[-1].by, near[-1].at) if near else told


def _moves(said: Saying) -> bool:
    """Whether it may have changed the status: to settle the severity ends triage."""
    return said.kind is SayingKind.UPDATE or said.more.get("what") in {"status", "severity"}


def same_severity(case: Case, severity: Severity) -> str | None:
    """The same of a severity; None unless a person has settled it, and triage is over."""
    if case.severity is not severity or case.severity_by is None or case.status is Status.TRIAGE:
        return None
    told = phrase("INC-{number} is {severity} already.", number=case.id, severity=severity.upper())
    last = next(filter(_settles, reversed(case.sayings)), None)
    if last is not None:
        return _by(told, last.by, last.at) if last.by else told
    declared = case.declared_by
    is_theirs = declared is not None and declared.key == case.severity_by
    return _by(told, declared.name, case.declared_at) if declared is not None and is_theirs else told


def _settles(said: Saying) -> bool:
    if said.kind is SayingKind.UPDATE:
        return bool(said.more["was"] != said.more["severity"])
    return said.kind is SayingKind.CHANGE and said.more.get("what") == "severity"


def _by(told: str, name: str, at: datetime) -> str:
    return phrase("{already} {name} said so at {time}.", already=told, name=name, time=clock_time(at))
