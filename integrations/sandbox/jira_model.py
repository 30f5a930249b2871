"""What a Jira site holds: people, projects, issues; and the look-ups everybody needs.

One model serves Cloud and Data Center; `jira_shapes` and `jira_gate` know what differs on the wire.
"""

import copy
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Json = dict[str, Any]
Flavour = Literal["cloud", "datacenter"]
# Text as it came: wiki text, or an Atlassian document.
Text = str | Json
CLOUD_BASE = "https://example.atlassian.net"


def account_id(email: str) -> str:
    """Give an Atlassian account id that is always the same for the same address."""
    return "712020:" + hashlib.sha256(email.encode()).hexdigest()[:24]


def stamp(moment: datetime) -> str:
    """Give an instant as Jira writes it, with milliseconds and a numeric offset."""
    whole = moment.astimezone(UTC)
    return whole.strftime("%Y-%m-%dT%H:%M:%S.") + f"{whole.microsecond // 1000:03}+0000"


@dataclass(slots=True)
class Person:
    """An account: Cloud knows it by `account_id`, Data Center by `name`."""

    account_id: str
    name: str
    display: str
    email: str
    email_visible: bool = True
    assignable: bool = True
    active: bool = True


@dataclass(slots=True, frozen=True)
class Named:
    """An issue type, priority, resolution or the like: an id and a name."""

    id: str
    name: str


@dataclass(slots=True, frozen=True)
class Status:
    """A workflow status with its category: "new", "indeterminate" or "done"."""

    id: str
    name: str
    category: str


@dataclass(slots=True, frozen=True)
class Transition:
    """A way into a status, from every other; its name is not the status's name."""

    id: str
    name: str
    to: Status


TO_DO = Status("10000", "To Do", "new")
IN_PROGRESS = Status("10001", "In Progress", "indeterminate")
DONE = Status("10002", "Done", "done")
TRANSITIONS = (
    Transition("11", "Back to the queue", TO_DO),
    Transition("21", "Start work", IN_PROGRESS),
    Transition("31", "Resolve", DONE),
)
PRIORITIES = tuple(
    Named(str(number), name)
    for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), start=1)
)
RESOLUTIONS = (Named("10000", "Done"), Named("10001", "Won't Do"), Named("10002", "Duplicate"))


@dataclass(slots=True, frozen=True)
class CustomField:
    """A custom field: `kind` is "select", "number", "textarea", "text" or "datetime"."""

    id: str
    name: str
    kind: str
    options: tuple[str, ...] = ()


@dataclass(slots=True)
class Component:
    """A part of a project, with the person who leads it."""

    id: str
    name: str
    lead: str | None
    description: str = ""


@dataclass(slots=True)
class Role:
    """A project role: people by account id, groups by name."""

    id: str
    name: str
    people: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Project:
    """A project with what may be created in it."""

    id: str
    key: str
    name: str
    lead: str
    issue_types: list[Named]
    components: list[Component] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    last_number: int = 0


@dataclass(slots=True)
class Comment:
    """One comment."""

    id: str
    author: str
    body: Text
    created: datetime


@dataclass(slots=True)
class Issue:
    """One issue; people are account ids. `versions` is what the search index saw, oldest first."""

    id: str
    key: str
    project: str
    issue_type: Named
    summary: str
    reporter: str
    created: datetime
    updated: datetime
    status: Status = TO_DO
    description: Text | None = None
    environment: Text | None = None
    assignee: str | None = None
    priority: Named = PRIORITIES[2]
    resolution: Named | None = None
    resolved: datetime | None = None
    labels: list[str] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    duedate: str | None = None
    parent: str | None = None
    custom: dict[str, Any] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    remote_links: list[Json] = field(default_factory=list)
    links: list[tuple[str, str, str]] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    versions: list[tuple[datetime, "Issue"]] = field(default_factory=list)

    def snapshot(self) -> "Issue":
        """Give a copy that later changes do not touch, without the index."""
        versions, self.versions = self.versions, []
        copied = copy.deepcopy(self)
        self.versions = versions
        return copied

    def as_indexed(self, before: datetime) -> "Issue | None":
        """Give the issue as a search index that has read everything until `before` knows it."""
        seen = [version for at, version in self.versions if at <= before]
        return seen[-1] if seen else None


@dataclass(slots=True)
class Site:
    """All of it, with the look-ups."""

    flavour: Flavour = "cloud"
    base: str = CLOUD_BASE
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    custom_fields: dict[str, CustomField] = field(default_factory=dict)
    issues: dict[str, Issue] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    ids: int = 10_000

    @property
    def cloud(self) -> bool:
        """Whether it is Jira Cloud rather than Data Center."""
        return self.flavour == "cloud"

    def next_id(self) -> str:
        """Give an id nothing else has."""
        self.ids += 1
        return str(self.ids)

    def person(self, who: str) -> Person:
        """Find a person by account id, name, e-mail, full or first name; KeyError when there is none."""
        wanted = who.casefold()
        for person in self.people.values():
            names = (person.account_id, person.name, person.email, person.display, person.display.split()[0])
            if wanted in (name.casefold() for name in names):
                return person
        raise KeyError(who)

    def issue(self, key_or_id: str) -> Issue:
        """Find an issue by key or id; KeyError when there is none."""
        for issue in self.issues.values():
            if key_or_id.upper() in (issue.key, issue.id):
                return issue
        raise KeyError(key_or_id)

    def project(self, key_or_id: str) -> Project:
        """Find a project by key or id; KeyError when there is none."""
        for project in self.projects.values():
            if key_or_id.upper() in (project.key, project.id):
                return project
        raise KeyError(key_or_id)
