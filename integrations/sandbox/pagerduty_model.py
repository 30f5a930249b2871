"""What a PagerDuty account holds: users, schedules, policies, services and incidents, and their references.

No rules of change here (`pagerduty_changes`) and no wire shapes beyond the reference every object has.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

API = "https://api.pagerduty.com"
WEB = "https://example.pagerduty.com"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WEEK = timedelta(days=7)
# A Monday, 09:00 UTC, from which weekly shifts are counted.
FIRST_HANDOFF = datetime(2024, 1, 1, 9, tzinfo=UTC)

Json = dict[str, Any]


def make_id(seed: str, prefix: str = "P", length: int = 7) -> str:
    """Give an id in PagerDuty's style that is always the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    digits = ""
    while len(digits) < length - len(prefix):
        number, rest = divmod(number, len(ALPHABET))
        digits += ALPHABET[rest]
    return prefix + digits


def stamp(moment: datetime | None) -> str | None:
    """Give an instant as PagerDuty writes it, to the second."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(kind: str, path: str, ident: str, summary: str | None) -> Json:  # noqa: PLR0917  # its four parts, in order
    """Give the reference PagerDuty uses for any object: id, type, self, html_url, summary."""
    return {
        "html_url": f"{WEB}/{path}/{ident}",
        "id": ident,
        "self": f"{API}/{path}/{ident}",
        "summary": summary,
        "type": f"{kind}_reference",
    }


@dataclass(slots=True)
class User:
    """A person with a login at PagerDuty."""

    id: str
    name: str
    email: str
    time_zone: str = "Etc/UTC"
    job_title: str | None = None

    def ref(self) -> Json:
        """Give the user's reference."""
        return reference("user", "users", self.id, self.name)


@dataclass(slots=True)
class Team:
    """A named group of services and policies."""

    id: str
    name: str

    def ref(self) -> Json:
        """Give the team's reference."""
        return reference("team", "teams", self.id, self.name)


@dataclass(slots=True)
class Schedule:
    """Who answers this week: the first of `users`; the shift ends where a weekly rotation would."""

    id: str
    name: str
    users: list[str]

    def ref(self) -> Json:
        """Give the schedule's reference."""
        return reference("schedule", "schedules", self.id, self.name)

    def shift(self, now: datetime) -> tuple[str, datetime, datetime] | None:
        """Give who is on call now, and from when to when; None for an empty schedule."""
        if not self.users:
            return None
        start = FIRST_HANDOFF + (now - FIRST_HANDOFF) // WEEK * WEEK
        return self.users[0], start, start + WEEK


@dataclass(slots=True)
class Rule:
    """One level of a policy: users and schedules told at the same time, as ("user" | "schedule", id)."""

    targets: list[tuple[str, str]]
    delay_minutes: int = 30


@dataclass(slots=True)
class Policy:
    """Who is told about an incident, and who next when nobody answers."""

    id: str
    name: str
    rules: list[Rule]
    team: str | None = None

    def ref(self) -> Json:
        """Give the policy's reference."""
        return reference("escalation_policy", "escalation_policies", self.id, self.name)


@dataclass(slots=True)
class Service:
    """Something monitored; `routing_key` is what the Events API knows it by."""

    id: str
    name: str
    policy: str
    routing_key: str
    created_at: datetime
    team: str | None = None
    custom_fields: dict[str, Any] = field(default_factory=dict)

    def ref(self) -> Json:
        """Give the service's reference."""
        return reference("service", "services", self.id, self.name)

    def integration_ref(self) -> Json:
        """Give the reference of the integration through which monitors report to this service."""
        ident = make_id(f"integration {self.id}")
        path = f"services/{self.id}/integrations"
        return reference("events_api_v2_inbound_integration", path, ident, "Events API v2")


@dataclass(slots=True)
class Priority:
    """One of the account's priorities, P1 the highest."""

    id: str
    name: str
    description: str

    def ref(self) -> Json:
        """Give the priority's reference; all priorities share one page."""
        return {
            **reference("priority", "priorities", self.id, self.name),
            "html_url": f"{WEB}/account/settings/incidents",
        }


@dataclass(slots=True)
class Alert:
    """What a monitor reported; one incident holds one or more."""

    id: str
    key: str
    summary: str
    severity: str
    created_at: datetime
    details: Any
    status: str = "triggered"
    resolved_at: datetime | None = None


@dataclass(slots=True)
class Note:
    """Text a person left on an incident."""

    id: str
    text: str
    user: str
    created_at: datetime


@dataclass(slots=True)
class Responder:
    """A person asked to help, and whether they come: pending, accepted or declined."""

    user: str
    requester: str
    message: str
    requested_at: datetime
    state: str = "pending"


@dataclass(slots=True)
class Incident:
    """One incident with everything a person sees on its page."""

    id: str
    number: int
    title: str
    service: str
    policy: str
    key: str
    created_at: datetime
    updated_at: datetime
    changed_by: Json
    urgency: str = "high"
    status: str = "triggered"
    priority: str | None = None
    level: int = 1
    assignees: list[tuple[str, datetime]] = field(default_factory=list)
    acks: list[tuple[str, datetime]] = field(default_factory=list)
    resolved_at: datetime | None = None
    reopened_at: datetime | None = None
    status_at: datetime | None = None
    bridge_url: str | None = None
    bridge_number: str | None = None
    type_name: str = "incident_default"
    details: str | None = None
    merged_into: "Incident | None" = None
    custom_fields: dict[str, Any] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    updates: list[Note] = field(default_factory=list)
    responders: list[Responder] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether it is still triggered or acknowledged."""
        return self.status != "resolved"

    def ref(self) -> Json:
        """Give the incident's reference."""
        return reference("incident", "incidents", self.id, self.title)

    def resolve_reason(self) -> Json | None:
        """Give why it was resolved; PagerDuty knows one reason, that it was merged into another."""
        if self.merged_into is None:
            return None
        return {"type": "merge_resolve_reason", "incident": self.merged_into.ref()}

    def bridge(self) -> Json | None:
        """Give the conference bridge, None when there is none."""
        if self.bridge_url is None and self.bridge_number is None:
            return None
        return {"conference_url": self.bridge_url, "conference_number": self.bridge_number}


Named = TypeVar("Named", Service, Policy, Schedule, Priority)


@dataclass(slots=True)
class Account:
    """All of it, by id, with the look-ups everybody needs."""

    users: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    priorities: dict[str, Priority] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    abilities: list[str] = field(default_factory=list)
    numbers: int = 0

    def user(self, who: str) -> User:
        """Find a user by id, e-mail address, name or first name; KeyError when there is none."""
        wanted = who.casefold()
        for user in self.users.values():
            names = (user.id.casefold(), user.email.casefold(), user.name.casefold())
            if wanted in names or wanted == user.name.casefold().split()[0]:
                return user
        raise KeyError(who)

    def service(self, which: str) -> Service:
        """Find a service by id or name; KeyError when there is none."""
        return _by_name(self.services, which)

    def policy(self, which: str) -> Policy:
        """Find an escalation policy by id or name; KeyError when there is none."""
        return _by_name(self.policies, which)

    def schedule(self, which: str) -> Schedule:
        """Find a schedule by id or name; KeyError when there is none."""
        return _by_name(self.schedules, which)

    def priority(self, which: str) -> Priority:
        """Find a priority by id or name; KeyError when there is none."""
        return _by_name(self.priorities, which)

    def on_call(self, policy: Policy, level: int, now: datetime) -> list[str]:
        """Give the ids of the users on one level (from 1) of a policy, each once."""
        users: list[str] = []
        for kind, ident in policy.rules[level - 1].targets:
            shift = self.schedules[ident].shift(now) if kind == "schedule" else None
            user = ident if kind == "user" else shift and shift[0]
            if user and user not in users:
                users.append(user)
        return users

    def open_with_key(self, service: Service, key: str) -> Incident | None:
        """Find the open incident which has this key on this service."""
        found = (i for i in self.incidents.values() if i.key == key and i.service == service.id and i.open)
        return next(found, None)


def _by_name(table: dict[str, Named], which: str) -> Named:
    if which in table:
        return table[which]
    for each in table.values():
        if each.name.casefold() == which.casefold():
            return each
    raise KeyError(which)
