"""What statuses and roles are called, and the endings of sentences that many verbs say alike."""

from __future__ import annotations

from collections.abc import Callable

from multivac.incident import CX_LEAD, DEPUTY, LEAD, SCRIBE, IncidentId, Status
from multivac.tongue import mark, phrase, written

Say = Callable[[str], str]  # `phrase` or `written`

_STATUS = {
    Status.TRIAGE: mark("triage"),
    Status.ACTIVE: mark("active"),
    Status.MITIGATED: mark("mitigated"),
    Status.RESOLVED: mark("resolved"),
    Status.CLOSED: mark("closed"),
    Status.DISMISSED: mark("dismissed"),
}
_STATUS_TITLE = {
    Status.TRIAGE: mark("Triage"),
    Status.ACTIVE: mark("Active"),
    Status.MITIGATED: mark("Mitigated"),
    Status.RESOLVED: mark("Resolved"),
    Status.CLOSED: mark("Closed"),
    Status.DISMISSED: mark("Dismissed"),
}
_STANDS = {
    Status.TRIAGE: mark("INC-{number} is triage."),
    Status.ACTIVE: mark("INC-{number} is active."),
    Status.MITIGATED: mark("INC-{number} is mitigated."),
    Status.RESOLVED: mark("INC-{number} is resolved."),
    Status.CLOSED: mark("INC-{number} is closed."),
    Status.DISMISSED: mark("INC-{number} is dismissed."),
}
_ROLE = {LEAD: mark("lead"), DEPUTY: mark("deputy"), SCRIBE: mark("scribe"), CX_LEAD: mark("cx lead")}
_ROLE_TITLE = {LEAD: mark("Lead"), DEPUTY: mark("Deputy"), SCRIBE: mark("Scribe"), CX_LEAD: mark("Cx lead")}


def status_name(status: Status, say: Say = phrase) -> str:
    """The status within a sentence."""
    return say(_STATUS[status])


def status_title(status: Status) -> str:
    """The status by itself, such as a choice of a form."""
    return phrase(_STATUS_TITLE[status])


def stands(number: IncidentId, status: Status) -> str:
    """The sentence that says in which status the incident is."""
    return phrase(_STANDS[status], number=number)


def role_name(name: str, say: Say = phrase) -> str:
    """The role within a sentence; one that a playbook adds is called as the playbook has it."""
    return say(_ROLE[name]) if name in _ROLE else name


def role_title(name: str) -> str:
    """The role by itself, such as the label of a field."""
    return phrase(_ROLE_TITLE[name]) if name in _ROLE_TITLE else name.capitalize()


def reopen_first(number: IncidentId, status: Status) -> str:
    """What is told whoever asks something of an incident that is over."""
    return phrase("{stands} Reopen it first.", stands=stands(number, status))


def none_such(number: IncidentId) -> str:
    """What is told whoever names an incident that does not exist, or that they may not know of."""
    return phrase("There is no INC-{number}. `/incident list` shows what there is.", number=number)


def channel_link(channel_id: str | None) -> str:
    """A channel within a sentence, which a chat shows as a link."""
    return f"<#{channel_id}>"


def with_reason(what: str, why: str) -> str:
    """A line of the timeline with the words that somebody gave for it, if any."""
    return written("{what}: {why}", what=what, why=why) if why else what
