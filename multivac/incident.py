"""What an incident is: alerts, severity, status, people, tasks, and what may follow what. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from multivac.tongue import mark, phrase

IncidentId = NewType("IncidentId", int)


class Severity(StrEnum):
    """How bad it is for users: sev1 is the worst."""

    SEV1 = "sev1"
    SEV2 = "sev2"
    SEV3 = "sev3"
    SEV4 = "sev4"
    SEV5 = "sev5"

    @property
    def rank(self) -> int:
        """1 for the worst, 5 for the mildest."""
        return int(self.value[3:])


class Status(StrEnum):
    """Where an incident stands."""

    TRIAGE = "triage"
    ACTIVE = "active"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"

    @property
    def is_open(self) -> bool:
        """Whether people are still responding."""
        return self in OPEN


OPEN = frozenset({Status.TRIAGE, Status.ACTIVE, Status.MITIGATED})

Say = Callable[[str], str]  # `phrase` or `written`
_STATUS_NAMES = {
    Status.TRIAGE: mark("triage"),
    Status.ACTIVE: mark("active"),
    Status.MITIGATED: mark("mitigated"),
    Status.RESOLVED: mark("resolved"),
    Status.CLOSED: mark("closed"),
    Status.DISMISSED: mark("dismissed"),
}

_STATUS_TITLES = {
    Status.TRIAGE: mark("Triage"),
    Status.ACTIVE: mark("Active"),
    Status.MITIGATED: mark("Mitigated"),
    Status.RESOLVED: mark("Resolved"),
    Status.CLOSED: mark("Closed"),
    Status.DISMISSED: mark("Dismissed"),
}


def status_name(status: Status, say: Say = phrase) -> str:
    """What a status is called within a sentence, in the language in which `say` speaks."""
    return say(_STATUS_NAMES[status])


def status_title(status: Status) -> str:
    """As `status_name`, where it stands alone."""
    return phrase(_STATUS_TITLES[status])


MAY_FOLLOW: dict[Status, frozenset[Status]] = {
    Status.TRIAGE: frozenset({Status.ACTIVE, Status.MITIGATED, Status.RESOLVED, Status.DISMISSED}),
    Status.ACTIVE: frozenset({Status.MITIGATED, Status.RESOLVED}),
    Status.MITIGATED: frozenset({Status.ACTIVE, Status.RESOLVED}),
    Status.RESOLVED: frozenset({Status.TRIAGE, Status.ACTIVE, Status.CLOSED}),
    Status.CLOSED: frozenset({Status.TRIAGE, Status.ACTIVE}),
    Status.DISMISSED: frozenset({Status.TRIAGE}),
}


def reopened_to(ended: Status, severity_by: str | None) -> Status:
    """Where what has ended so goes on: in triage, unless a person had settled how bad it is."""
    return Status.TRIAGE if ended is Status.DISMISSED or severity_by is None else Status.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human, with as many identities as we know. `key` is stable: e-mail, else vendor:id."""

    name: str
    email: str | None = None
    pagerduty: str | None = None
    slack: str | None = None
    jira: str | None = None

    @property
    def key(self) -> str:
        """The e-mail in lower case where known, else the vendor's id, else the name."""
        if self.email:
            return self.email.lower()
        return next(
            (
                f"{vendor}:{known}"
                for vendor in ("pagerduty", "slack", "jira")
                if (known := getattr(self, vendor))
            ),
            f"name:{self.name}",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group of the chat by its id; `name` is what people call it by, such as @sre."""

    name: str
    id: str

    @property
    def key(self) -> str:
        """What no person's key is like."""
        return f"group:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The conference people talk in."""

    url: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prioritised:
    """Who gave an alert its priority and when; by nobody with an id where automation did."""

    by: Person
    priority: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a pager says of one alert. None means: it did not say."""

    title: str | None = None
    number: int | None = None
    url: str | None = None
    status: str | None = None  # triggered, acknowledged or resolved
    urgency: str | None = None  # high or low
    priority: str | None = None  # the pager's own name for it, such as P1
    incident_type: str | None = None
    service_id: str | None = None
    service_name: str | None = None
    policy_id: str | None = None  # the escalation policy
    dedup_key: str | None = None  # the same for all that a monitor says of one problem
    merged_into: str | None = None  # the key of the alert that people merged it into
    assignees: tuple[Person, ...] | None = None
    responders: tuple[Person, ...] | None = None  # added one by one, so they only ever grow
    bridge: Bridge | None = None
    acknowledged_by: Person | None = None
    acknowledged_at: datetime | None = None
    resolved_by: str | None = None  # the name of whoever ended it last
    opened_at: datetime | None = None
    prioritised: Prioritised | None = None


class AlertKind(StrEnum):
    """What happened to an alert, in our words; the vendor's own name is kept beside it."""

    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ESCALATED = "escalated"
    DELEGATED = "delegated"
    REASSIGNED = "reassigned"
    RESPONDER_ADDED = "responder added"
    RESPONDER_REPLIED = "responder replied"
    ANNOTATED = "annotated"
    STATUS_UPDATE = "status update published"
    PRIORITY_UPDATED = "priority updated"
    SERVICE_UPDATED = "service updated"
    BRIDGE_UPDATED = "conference bridge updated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    TYPE_CHANGED = "incident type changed"
    NOTED = "noted"  # goes to the timeline, nothing else
    FOUND_OPEN = "found open"  # not an event: the sweep met it in the pager's list


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing a pager told us about one alert.

    `key` names the alert at its source and is None for events about no incident (a ping, a
    service). `event_id` is the same in every redelivery. `text` is one line for the timeline,
    unescaped words from outside.
    """

    source: str
    key: str | None
    kind: AlertKind
    vendor_kind: str
    event_id: str
    webhook_id: str | None = None
    occurred_at: datetime
    actor: Person | None = None
    subject: Person | None = None  # the responder who was added or replied
    text: str = ""
    message: str = ""  # what the actor told stakeholders with it
    facts: Facts = field(default_factory=Facts)


class EntryKind(StrEnum):
    """What sort of fact a timeline entry records."""

    ALERT = "alert"
    DECLARED = "declared"
    STATUS = "status"
    SEVERITY = "severity"
    LEAD = "lead"
    ROLE = "role"
    PEOPLE = "people"
    NOTE = "note"
    UPDATE = "update"
    CHECKLIST = "checklist"
    GAP = "gap"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact of the timeline. `key` makes it unique in its incident: told twice, kept once.

    `link` leads to the message that it was taken from.
    """

    kind: EntryKind
    at: datetime
    text: str
    key: str
    actor: str | None = None
    link: str | None = None


class TaskState(StrEnum):
    """What became of a task."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


def marker_of(number: IncidentId, declared_at: datetime) -> str:
    """What our own notes carry: numbers repeat after a restored database, this does not."""
    return f"[INC-{number} {int(declared_at.timestamp()):x}]"


def is_marked(text: str) -> bool:
    """Whether it begins as what we write ourselves, for whichever incident."""
    return _MARK.match(text) is not None


def page_key(number: IncidentId, declared_at: datetime) -> str:
    """By which an alert is known as ours that we raised to page people for an incident declared by hand."""
    return f"{_OUR_PAGES}{number}-{int(declared_at.timestamp()):x}"


def paged_for(key: str | None) -> IncidentId | None:
    """The incident that such a key names; None for every other key."""
    found = _PAGE_KEY.fullmatch(key or "")
    return IncidentId(int(found[1])) if found else None


_OUR_PAGES = "multivac-inc-"
_MARK = re.compile(r"\[INC-\d{1,9} [0-9a-f]{1,12}\]", re.ASCII)
_PAGE_KEY = re.compile(rf"{_OUR_PAGES}(\d{{1,9}})-[0-9a-f]{{1,12}}", re.ASCII)
_BY_ITSELF = "dismissed by itself:"


def dismissal_key(ended_at: datetime) -> str:
    """The key of the entry that says that an incident dismissed itself when its alerts had ended then."""
    return f"{_BY_ITSELF}{ended_at.isoformat()}"


def dismissed_itself(entry: Entry | None) -> bool:
    """Whether this entry, the last about an incident's status, says that nobody else dismissed it."""
    return entry is not None and entry.key.startswith(_BY_ITSELF)


def was_handled(acted_at: datetime | None, ended_at: datetime) -> bool:
    """Whether a person did something before the alerts ended: then they did not end by themselves."""
    return acted_at is not None and acted_at <= ended_at


LEAD = "lead"
CX_LEAD = "cx lead"
DEPUTY = "deputy"
SCRIBE = "scribe"

_ROLE_NAMES = {
    LEAD: mark("lead"),
    CX_LEAD: mark("customer-experience lead"),
    DEPUTY: mark("deputy"),
    SCRIBE: mark("scribe"),
}


def role_name(role: str, say: Say = phrase) -> str:
    """What a role is called within a sentence; one that a playbook adds is called as the playbook has it."""
    return say(_ROLE_NAMES[role]) if role in _ROLE_NAMES else role


def role_spellings(role: str) -> frozenset[str]:
    """What people may type for it, in small letters: as playbooks have it, in English, in their language."""
    english = _ROLE_NAMES.get(role, role)
    return frozenset(one.lower() for one in (role, english, role_name(role)))
