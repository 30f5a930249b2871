"""What statuses and roles are called, and the endings of sentences that many verbs say alike."""

from __future__ import annotations

from multivac.incident import CX_LEAD, DEPUTY, LEAD, SCRIBE, IncidentId, Status
from multivac.tongue import mark, phrase, written

_STANDS = {
    Status.TRIAGE: mark("INC-{number} is in triage."),
    Status.ACTIVE: mark("INC-{number} is active."),
    Status.MITIGATED: mark("INC-{number} is mitigated."),
    Status.RESOLVED: mark("INC-{number} is resolved."),
    Status.CLOSED: mark("INC-{number} is closed."),
    Status.DISMISSED: mark("INC-{number} is dismissed."),
}
_ROLE_TITLE = {
    LEAD: mark("Lead"),
    DEPUTY: mark("Deputy"),
    SCRIBE: mark("Scribe"),
    CX_LEAD: mark("Customer-experience lead"),
}


def stands(number: IncidentId, status: Status) -> str:
    """The sentence that says in which status the incident is."""
    return phrase(_STANDS[status], number=number)


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
