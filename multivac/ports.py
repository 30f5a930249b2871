"""The few verbs we ask of the outside world: chat, tracker, pager, alarm, clock.

Every verb raises `TryAgain` when the vendor cannot do it now, `GiveUp` when it never will, and on behalf
of an errand `Paced` when its rate limit says later; nothing else escapes an adapter. A verb makes as few
calls as it can and never retries by itself. An adapter calls `before_sending` right before the bytes of
each request leave.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from multivac.briefing import Home, Message
from multivac.budget import Errand, Rate
from multivac.incident import Alert, Person

_before_sending: ContextVar[Callable[[], None] | None] = ContextVar("before_sending", default=None)


def before_sending() -> None:
    """Whether what this thread is about to send may leave. Raises `TryAgain` if it may not."""
    check = _before_sending.get()
    if check is not None:
        check()


@contextmanager
def checking_before_sending(check: Callable[[], None]) -> Iterator[None]:
    """Have `check` called before each request of this thread, and of those that are given its context."""
    earlier = _before_sending.set(check)
    try:
        yield
    finally:
        _before_sending.reset(earlier)


class Clock(Protocol):
    """Where the time comes from: the wall, or a hand that moves it."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Marker:
    """What makes a message of ours findable after its answer was lost: incident and kind."""

    incident: int
    kind: str


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message is: channel id and the chat's own message id."""

    channel: str
    message: str


@dataclass(frozen=True, slots=True)
class Invited:
    """Who is in the channel now, and who could not be brought in and why (chat ids)."""

    joined: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatUser:
    """A person as the chat knows them; a guest belongs to another company."""

    id: str
    name: str
    active: bool = True
    email: str | None = None
    guest: bool = False
    language: str | None = None  # which we speak and they read; "" for another, None if the chat did not say
    zone: str | None = None  # such as Europe/Berlin


@dataclass(frozen=True, slots=True)
class Said:
    """A message that somebody wrote: in plain words, by whom, and where it can be read.

    `author` is the chat's id; of a bot only the name is known. An id in the text is written @U012ABC.
    """

    text: str
    author: str | None
    name: str
    link: str


class Pace(Protocol):
    """Says when a call to a vendor may be made, so that its rate limits are kept."""

    def ask(self, key: str, rate: Rate | None, errand: Errand | None) -> datetime | None:
        """None if this kind of call may be made now, else when to ask again; never for nobody's errand."""
        ...

    def shut(self, key: str, wait: timedelta) -> None:
        """Let no call of this kind be made for so long: the vendor asked for it."""
        ...


class Chat(Protocol):
    """A workspace where people talk."""

    def on_behalf(self, errand: Errand) -> Chat:
        """The same workspace, whose every call waits for its turn: the worst incident's first."""
        ...

    def open_channel(self, name: str, *, private: bool) -> str:
        """Make a channel and return its id. Raises `NameTaken` if the name is in use."""
        ...

    def find_channel(self, name: str, *, since: datetime) -> str | None:
        """The id of a channel of that name that we ourselves made after `since`."""
        ...

    def set_topic(self, channel: str, text: str) -> None:
        """Show `text` at the top of the channel."""
        ...

    def set_purpose(self, channel: str, text: str) -> None:
        """Say what the channel is for."""
        ...

    def invite(self, channel: str, people: Sequence[str]) -> Invited:
        """Bring people (chat ids) in with one notification; a bad one never stops the rest."""
        ...

    def find_person(self, email: str) -> ChatUser | None:
        """Who has this e-mail; None when nobody has."""
        ...

    def person(self, chat_id: str) -> ChatUser | None:
        """Who has this chat id; None when nobody has."""
        ...

    def channel_name(self, channel: str) -> str | None:
        """What the public channel with this id is called; None of any other: its name may be a secret."""
        ...

    def group_handle(self, group: str) -> str | None:
        """What people call a user group by, by its chat id; None if there is none."""
        ...

    def group_members(self, handle: str) -> tuple[str, ...]:
        """The chat ids of a user group, named by handle or id. Raises `GiveUp` if unknown."""
        ...

    def post(self, channel: str, message: Message, marker: Marker) -> Posted:
        """Say something new. `channel` is an id or a #name."""
        ...

    def whisper(self, channel: str, person: str, message: Message) -> bool:
        """Show something to one person in a channel; False if they are not there. It cannot be read back."""
        ...

    def show_home(self, person: str, page: Home) -> None:
        """Show this on the page of ours that is this person's alone; nobody is notified."""
        ...

    def reply(self, to: Posted, message: Message, marker: Marker, *, loud: bool) -> Posted:
        """Say something in the thread of a message of ours; `loud` shows it in the channel as well."""
        ...

    def find_reply(self, to: Posted, marker: Marker) -> Posted | None:
        """Our own reply with this marker in the thread of a message."""
        ...

    def edit(self, posted: Posted, message: Message, marker: Marker) -> None:
        """Redraw a message of ours; nobody is notified."""
        ...

    def find_message(self, channel: str, marker: Marker, *, since: datetime) -> Posted | None:
        """Our own message with this marker, if it was posted after `since`."""
        ...

    def pin(self, posted: Posted) -> None:
        """Pin a message; pinned already is fine."""
        ...

    def bookmark(self, channel: str, label: str, url: str, *, look_first: bool) -> None:
        """Add a link to the channel's bar; with `look_first`, only if it is not there yet."""
        ...

    def read(self, posted: Posted) -> Said | None:
        """What anybody wrote there, in a thread or not; None if it is gone."""
        ...

    def react(self, posted: Posted, emoji: str, *, off: bool = False) -> None:
        """Put an emoji of ours under a message, or take it back; there already, or gone, is fine."""
        ...

    def people_spoke(self, channel: str, *, since: datetime | None = None, at_least: int = 1) -> bool:
        """Whether humans have written so many messages in the channel, ever or since then."""
        ...

    def archive(self, channel: str) -> None:
        """Put the channel away: it can be read, but not written in. Archived already is fine."""
        ...

    def unarchive(self, channel: str) -> None:
        """Take the channel out again; not archived is fine."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDraft:
    """What a new ticket says. `label` is how it is found again."""

    title: str
    paragraphs: tuple[str, ...]
    links: tuple[tuple[str, str], ...]  # label, address
    label: str
    severity: str
    component: str | None = None
    is_follow_up: bool = False  # work after the incident, not the incident itself
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket that exists; `left_out` names fields the tracker refused, with its reason.

    `id` stays when it is moved to another project, which gives it another key. `title` is as the tracker
    has it; either is empty where it did not say.
    """

    key: str
    url: str
    id: str = ""
    title: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)


class Standing(StrEnum):
    """Where a ticket is to stand, by the category of its status, whatever the project calls that."""

    BEGUN = "begun"  # worked on; what people have begun or done already stays where it is
    BACK = "back"  # not done any more
    DONE = "done"


class Tracker(Protocol):
    """Where the work is written down and its owner named."""

    def on_behalf(self, errand: Errand) -> Tracker:
        """The same tracker, whose every call waits for its turn: the worst incident's first."""
        ...

    def account(self) -> str:
        """The tracker's id of our own account, asked for once."""
        ...

    def open_ticket(self, draft: TicketDraft) -> Ticket:
        """Write the ticket, without the optional fields that the project refuses."""
        ...

    def find_tickets(self, label: str, *, known: str | None = None) -> tuple[Ticket, ...]:
        """The tickets with this label, and the known one, the oldest first. The search may lag behind."""
        ...

    def ticket(self, key: str) -> Ticket:
        """The ticket with this key. Raises `GiveUp` if there is none, or we may not see it."""
        ...

    def label(self, ticket: str, label: str) -> None:
        """Give the ticket a label; there already is fine."""
        ...

    def find_account(self, person: Person) -> str | None:
        """The tracker's own id of this very person; None rather than a guess."""
        ...

    def assign(self, ticket: str, account: str | None) -> None:
        """Make this account the assignee, or nobody. Raises `GiveUp` if it cannot be assigned."""
        ...

    def comment(self, ticket: str, paragraphs: Sequence[str], *, marker: str, look_first: bool) -> None:
        """Comment on a ticket, the marker last; with `look_first`, only if no comment carries it."""
        ...

    def uncomment(self, ticket: str, *, marker: str) -> None:
        """Take away our comments that carry the marker; gone already is fine."""
        ...

    def move(self, ticket: str, standing: Standing, *, never: Collection[str] = ()) -> None:
        """Bring a ticket to where it stands so, into no status of these names; standing so is fine.

        Raises `GiveUp` if there is no way there.
        """
        ...

    def reword(self, ticket: str, draft: TicketDraft, *, whole: bool) -> None:
        """Give the ticket the title of the draft, and if `whole` its description too."""
        ...

    def link(self, ticket: str, other: str, *, look_first: bool, duplicates: bool = False) -> None:
        """Relate two tickets, or call one the other's duplicate; with `look_first`, unless they are."""
        ...

    def prioritise(self, ticket: str, priority: str) -> None:
        """Give the ticket this priority, by its name. Raises `GiveUp` if it cannot have it."""
        ...

    def role_members(self, role: str) -> tuple[Person, ...]:
        """The people of a project role. Raises `GiveUp` if there is no such role."""
        ...

    def group_members(self, group: str) -> tuple[Person, ...]:
        """The people of a group. Raises `GiveUp` if there is no such group."""
        ...

    def component_lead(self, component: str) -> Person | None:
        """Who leads a component of the project; None if nobody does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """Somebody who answers now: at which level, for which policy or schedule, until when."""

    person: Person
    level: int
    policy: str | None = None
    schedule: str | None = None
    until: datetime | None = None
    policy_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Who is to be called to an alert, and what they are told; the marker makes it findable afterwards.

    `policies` (ids) are asked only where neither the people nor the service (name or id) can be.
    """

    people: tuple[Person, ...] = ()
    service: str = ""
    policies: tuple[str, ...] = ()
    message: str
    marker: str


class Pager(Protocol):
    """What woke people, and who is on call."""

    def on_behalf(self, errand: Errand) -> Pager:
        """The same pager, whose every call waits for its turn: the worst incident's first."""
        ...

    def on_call_of_policies(self, policies: Collection[str]) -> tuple[OnCall, ...]:
        """Who answers now for these escalation policies (ids), by level."""
        ...

    def on_call_of_schedules(self, schedules: Collection[str]) -> tuple[OnCall, ...]:
        """Who answers now for these schedules (ids or names). Raises `GiveUp` naming an unknown one."""
        ...

    def on_call_everywhere(self) -> tuple[OnCall, ...]:
        """Who answers now for every escalation policy there is, by level."""
        ...

    def policies_of_service(self, name: str) -> Mapping[str, str]:
        """The escalation policies (ids) of the services whose name has this in it, and their services."""
        ...

    def person(self, number: str) -> Person | None:
        """Who has this id at the pager; None if nobody has."""
        ...

    def people_called(self, name: str) -> tuple[Person, ...]:
        """Everybody whose name or e-mail has this in it; of very many the first."""
        ...

    def open_alerts(self) -> Iterator[Alert]:
        """Every alert that is not resolved, as `FOUND_OPEN`."""
        ...

    def resolve(self, alert: str) -> None:
        """End the alert; ended already is fine."""
        ...

    def acknowledge(self, alert: str, who: Person, *, look_first: bool) -> Person | None:
        """Say that they are on the alert, in their name if the pager can; gives whose name it shows for it.

        None if it calls nobody any more, whether somebody is on it or it has ended. With `look_first` what
        is found acknowledged is taken for an earlier try of ours.
        """
        ...

    def publish(self, alert: str, text: str) -> None:
        """Tell those who follow the alert at the pager how it stands. It cannot be read back."""
        ...

    def note(self, alert: str, text: str, *, marker: str, look_first: bool) -> None:
        """Write a note on the alert; with `look_first`, only if none carries the marker."""
        ...

    def prioritise(self, alert: str, priorities: Collection[str]) -> None:
        """Give the alert the first of these priorities that the pager has. Raises `GiveUp` if it has none."""
        ...

    def raise_alert(
        self, title: str, page: Page, *, key: str, look_first: bool
    ) -> tuple[str, tuple[str, ...]]:
        """Raise an alert of our own that calls these people; gives the alert, and their names.

        There is one for each `key`: if it is open already, people are called to that one. With
        `look_first` it may have been raised for this very page. Raises `GiveUp` as `page` does.
        """
        ...

    def page(self, alert: str, page: Page, *, look_first: bool) -> tuple[str, ...]:
        """Call people to the alert, and give their names; with `look_first`, only if none has the marker.

        Raises `GiveUp` if the pager knows nobody of them.
        """
        ...


class Alarm(Protocol):
    """What wakes those who run Multivac when they cannot be told in the chat."""

    def trigger(self, key: str, what: str, do: str) -> None:
        """Wake them; a second time for the same key wakes nobody."""
        ...

    def resolve(self, key: str) -> None:
        """Let it be over; it may be already."""
        ...
