"""What a check has to ask the vendors, as Protocols; app.py hands over adapters that fit them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from multivac.incident import Person
from multivac.ports import ChatUser


class Identity(Protocol):
    """Whom a chat token acts for, where, and with which scopes."""

    @property
    def team(self) -> str:
        """The workspace."""

    @property
    def scopes(self) -> frozenset[str]:
        """What the token may do, in the chat's own words."""


class Room(Protocol):
    """A channel as the bot sees it."""

    @property
    def private(self) -> bool:
        """Whether only members see it."""

    @property
    def archived(self) -> bool:
        """Whether nobody may write there any more."""

    @property
    def joined(self) -> bool:
        """Whether the bot is a member."""


class ChatDoctor(Protocol):
    """What is asked of Slack."""

    def whoami(self) -> Identity:
        """Whom the token acts for. Raises `GiveUp` for a bad token."""
        ...

    def room(self, channel: str) -> Room | None:
        """A channel by id or #name, whether the bot is in it or not; None if it sees none."""
        ...

    def group_members(self, handle: str) -> tuple[str, ...]:
        """The chat ids of a user group. Raises `GiveUp` if unknown."""
        ...

    def find_person(self, email: str) -> ChatUser | None:
        """Who has this e-mail."""
        ...

    def person(self, number: str) -> ChatUser | None:
        """Who has this id."""
        ...

    def open_socket(self, app_token: str) -> None:
        """Try an app-level token. Raises `GiveUp` if it is refused."""
        ...


class TrackerDoctor(Protocol):
    """What is asked of Jira."""

    def whoami(self) -> str:
        """The name of the user whose token it is. Raises `GiveUp` for a bad one."""
        ...

    def project_exists(self) -> bool:
        """Whether the configured project exists and may be seen."""
        ...

    def issue_type_exists(self) -> bool:
        """Whether the project has the configured type of issue."""
        ...

    def may(self, permission: str) -> bool:
        """Whether we hold a permission in the project, by Jira's key for it."""
        ...

    def required_fields(self) -> tuple[str, ...]:
        """The names of required fields that Multivac does not fill."""
        ...

    def role_members(self, role: str) -> tuple[Person, ...]:
        """The people of a project role. Raises `GiveUp` if there is no such role."""
        ...

    def group_members(self, group: str) -> tuple[Person, ...]:
        """The people of a group. Raises `GiveUp` if there is no such group."""
        ...

    def component_lead(self, component: str) -> Person | None:
        """Who leads a component. Raises `GiveUp` if there is no such component."""
        ...

    def find_account(self, person: Person) -> str | None:
        """The account of this very person; None rather than a guess."""
        ...


class Hook(Protocol):
    """A webhook subscription of the account."""

    @property
    def url(self) -> str:
        """Where it delivers."""

    @property
    def active(self) -> bool:
        """Whether it is switched on."""

    @property
    def events(self) -> tuple[str, ...]:
        """The types of events it delivers."""


class Rota(Protocol):
    """An escalation policy, and everybody whom it may ever call."""

    @property
    def id(self) -> str:
        """The pager's id of it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def used(self) -> bool:
        """Whether any service has it."""

    @property
    def schedules(self) -> frozenset[str]:
        """The ids and the names of its schedules."""

    @property
    def people(self) -> frozenset[str]:
        """The pager's ids of its people, those of its schedules included."""


class PagerDoctor(Protocol):
    """What is asked of PagerDuty."""

    def whoami(self) -> str:
        """Whose token it is, in words. Raises `GiveUp` if it is nobody's."""
        ...

    def users(self) -> Iterator[Person]:
        """Every user of the account."""
        ...

    def services(self) -> Iterator[tuple[str, str]]:
        """Every service: id and name."""
        ...

    def rotas(self) -> tuple[Rota, ...]:
        """Every escalation policy."""
        ...

    def schedule_exists(self, name: str) -> bool:
        """Whether there is a schedule with this name or id."""
        ...

    def schedule_is_used(self, name: str) -> bool:
        """Whether an escalation policy uses this schedule."""
        ...

    def webhook_subscriptions(self) -> Iterator[Hook]:
        """Every webhook subscription that the token may see."""
        ...

    def wanted_events(self) -> frozenset[str]:
        """The types of events that change a response."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctors:
    """Those who ask the vendors that are on."""

    chat: ChatDoctor | None
    tracker: TrackerDoctor | None
    pager: PagerDoctor | None
