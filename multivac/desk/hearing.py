"""What people do by hand in the chat: they come and go, rename, archive, delete. Each has a rule.

A chat's front door calls `Desk.hear` with one piece of news before it acknowledges the event. The news
changes rows in one transaction, once however often it is told; the response does the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog

from multivac.incident import Entry, EntryKind, IncidentId
from multivac.jobs import Jobs, Put
from multivac.steps.base import Outside
from multivac.store import acts, incidents, members, timeline
from multivac.store import people as directory
from multivac.store import steps as progress
from multivac.tongue import mark, written

log = structlog.get_logger()

_SHUT = {  # by the chat's word for what was done: by nobody we know, and by somebody
    members.ARCHIVED: (mark("The channel was archived"), mark("The channel was archived by {name}")),
    "deleted": (mark("The channel was deleted"), mark("The channel was deleted by {name}")),
    "closed to the bot": (
        mark("The channel was closed to the bot"),
        mark("The channel was closed to the bot by {name}"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Where and when news was heard: of which channel, by which event; `at` is by the chat's clock."""

    number: IncidentId
    event: str
    at: datetime
    now: datetime

    def note(self, tx: sa.Connection, text: str, *, actor: str | None = None) -> None:
        """Write a line into the timeline."""
        entry = Entry(kind=EntryKind.NOTE, at=self.now, text=text, key=f"heard:{self.event}", actor=actor)
        timeline.note(tx, self.number, [entry], now=self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class InChannel(ABC):
    """News of a channel; a subclass for each kind, whose `keep` is the rule."""

    channel: str

    @property
    def about(self) -> str:
        """The same for all news of which only the latest counts, in whatever order it comes; else empty."""
        return ""

    def concerns(self, tx: sa.Connection, number: IncidentId, *, now: datetime) -> bool:
        """Whether it may change anything: most of what is written does not, and costs no write."""
        del tx, number, now
        return True

    @abstractmethod
    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Change the rows; says whether the response has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfMember(InChannel):
    """Somebody came or went."""

    who: str

    @property
    def about(self) -> str:
        """Whether this person is in the channel."""
        return f"{self.channel} {self.who}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Came(_OfMember):
    """Somebody is in the channel; `by_us` if our bot invited them."""

    by_us: bool = False

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Whoever comes may be on call, and is then told where things stand."""
        members.came(tx, told.number, self.who, at=told.now, invited=self.by_us)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Went(_OfMember):
    """Somebody has left the channel, or was removed from it."""

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Who left is not invited again, unless somebody asks for them."""
        members.went(tx, told.number, self.who, at=told.now)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoke(InChannel):
    """A person wrote in the channel."""

    who: str

    def concerns(self, tx: sa.Connection, number: IncidentId, *, now: datetime) -> bool:
        """The first time is news; of whoever leads each is, as a sign that they are there."""
        is_first = not members.was_seen(tx, number, self.who)
        return is_first or members.is_lead_unseen(tx, number, self.who, now=now)

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Who writes knows where things stand, and is told nothing unasked."""
        members.seen(tx, told.number, self.who, at=told.now)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reacted(InChannel):
    """A person put an emoji under a message, or took it away."""

    who: str

    def concerns(self, tx: sa.Connection, number: IncidentId, *, now: datetime) -> bool:
        """Of whoever leads it is a sign that they are there."""
        return members.is_lead_unseen(tx, number, self.who, now=now)

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Who leads is not passed over while they are there."""
        members.seen(tx, told.number, self.who, at=told.now)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed(InChannel):
    """The channel has another name."""

    name: str

    @property
    def about(self) -> str:
        """The channel's name."""
        return f"{self.channel} name"

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """It keeps the name that people gave it."""
        if members.renamed(tx, told.number, self.name):
            told.note(tx, written("The channel is called #{channel} now", channel=self.name))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfDoor(InChannel):
    """The channel was closed or opened."""

    @property
    def about(self) -> str:
        """Whether we can write in the channel."""
        return f"{self.channel} open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut(_OfDoor):
    """Nobody, or not we, can write in the channel any more. `how` is a word as above, `by` who did it."""

    how: str
    by: str | None = None

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """The steps of the channel wait, and whoever leads is told once."""
        by = _name(tx, self.by)
        how = f"{self.how} by {by}" if by else self.how
        if members.shut(tx, told.number, how=how, at=told.now):
            alone, by_somebody = _SHUT[self.how]
            told.note(tx, written(by_somebody, name=by) if by else written(alone), actor=by)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unarchived(_OfDoor):
    """A public channel is open again: nobody is in it but `by`, who did it, and we are not."""

    by: str | None = None

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """The steps of the channel wait until somebody brings us back."""
        by = _name(tx, self.by)
        members.unarchived(
            tx, told.number, how=f"{members.UNARCHIVED} by {by}" if by else members.UNARCHIVED, at=told.at
        )
        alone = written("The channel was unarchived, and is without the bot")
        named = written("The channel was unarchived by {name}, and is without the bot", name=by)
        told.note(tx, named if by else alone, actor=by)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(_OfDoor):
    """We can write in the channel, perhaps again; `brought` if we were not in it before."""

    brought: bool = False

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """The steps of the channel go on; whoever was in it before it was archived is invited again."""
        how = members.opened(tx, told.number)
        if how is not None:
            told.note(tx, written("The channel can be used again"))
        if self.brought and how is not None and how.startswith((members.ARCHIVED, members.UNARCHIVED)):
            members.all_out(tx, told.number, at=told.now)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfHeadline(InChannel):
    """Something happened to a message, which is news if it is the headline."""

    message: str

    def concerns(self, tx: sa.Connection, number: IncidentId, *, now: datetime) -> bool:
        """Whether it is the headline."""
        del now
        return members.is_posted_as(tx, number, "headline", message=self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpinned(_OfHeadline):
    """Somebody took the pin off a message."""

    by: str

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Whoever unpins the headline means it: it stays so."""
        by = _name(tx, self.by)
        somebody, named = mark("Somebody unpinned the headline"), mark("{name} unpinned the headline")
        told.note(tx, written(named, name=by) if by else written(somebody), actor=by)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted(_OfHeadline):
    """A message is gone."""

    def keep(self, tx: sa.Connection, told: Heard) -> bool:
        """Everybody looks for the headline: it is posted again, and pinned."""
        progress.undo(tx, told.number, ("headline", "pin"))
        told.note(tx, written("The headline was deleted, and is posted again"))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody's account in the chat is open or closed."""

    who: str
    active: bool


def _name(tx: sa.Connection, chat_id: str | None) -> str | None:
    known = directory.known_as(tx, "slack", chat_id) if chat_id else None
    return known.name if known is not None else None


News = InChannel | Account


class Hearing:
    """Keeps what people did by hand, and has the response follow."""

    def __init__(self, out: Outside, jobs: Jobs) -> None:
        self._out = out
        self._jobs = jobs

    def hear(self, event: str, news: News, *, at: datetime | None) -> None:
        """Keep one piece of news, of `at` by the chat's clock; `event` is the same in each redelivery.

        Raises what the database does.
        """
        puts = self._account(event, news) if isinstance(news, Account) else self._channel(event, news, at=at)
        for put in puts:
            self._jobs.begin(put)

    def note_lead(self, number: IncidentId, who: str) -> None:
        """Whoever asks something is there, which is kept of the lead."""
        now = self._out.clock.now()
        with self._out.database.read() as tx:
            is_unseen = members.is_lead_unseen(tx, number, who, now=now)
        if is_unseen:
            self._out.database.write(lambda tx: members.seen(tx, number, who, at=now), urgent=True)

    def _channel(self, event: str, news: InChannel, *, at: datetime | None) -> tuple[Put, ...]:
        now = self._out.clock.now()
        with self._out.database.read() as tx:
            number = acts.in_channel(tx, news.channel)
            is_news = number is not None and news.concerns(tx, number, now=now)
        if number is None or not is_news:
            return ()
        told = Heard(number=number, event=event, at=at or now, now=now)
        put = self._out.database.write(partial(self._keep, told=told, news=news), urgent=True)
        return () if put is None else (put,)

    def _keep(self, tx: sa.Connection, *, told: Heard, news: InChannel) -> Put | None:
        incidents.lock(tx, told.number)
        kind = type(news).__name__.lower()
        event = members.Event(id=told.event, kind=kind, at=told.at, about=news.about)
        if not members.heard(tx, event, now=told.now):
            return None
        log.info("heard in the channel", incident=told.number, what=kind)
        if not news.keep(tx, told):
            return None
        return self._jobs.put(tx, incidents.touch(tx, told.number), patient=True)

    def _account(self, event: str, news: Account) -> tuple[Put, ...]:
        # Slack tells of every changed picture and status; only open or closed is news, of whom we have met.
        with self._out.database.read() as tx:
            met = directory.met(tx, "slack", news.who)
        if all(active is news.active for active in met.values()):
            return ()
        keep = partial(self._keep_account, event=event, news=news, keys=tuple(met))
        return self._out.database.write(keep, urgent=True)

    def _keep_account(
        self, tx: sa.Connection, *, event: str, news: Account, keys: tuple[str, ...]
    ) -> tuple[Put, ...]:
        now = self._out.clock.now()
        if not members.heard(tx, members.Event(id=event, kind="account", at=now), now=now):
            return ()
        directory.set_active(tx, "slack", news.who, active=news.active, now=now)
        numbers = members.account_closed(tx, keys, news.who, at=None if news.active else now)
        return tuple(self._jobs.put(tx, incidents.touch(tx, number)) for number in numbers)
