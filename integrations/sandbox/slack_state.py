"""What a Slack workspace holds: people, groups, channels, messages; and what everybody can see of it.

Only Slack's methods and the doors of `Slack` change it, always under the world's lock.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.clock import Clock
from integrations.sandbox.slack_rules import Refusal, Token

Message = dict[str, Any]


@dataclass(slots=True)
class Person:
    """A user of the workspace, our own bot included."""

    id: str
    name: str
    real_name: str
    email: str = ""
    deleted: bool = False
    is_bot: bool = False
    bot_id: str = ""
    tz: str = "Europe/Amsterdam"
    locale: str = "en-US"
    guest: bool = False
    updated: int = 0
    title: str = ""

    def as_json(self, team: str, *, email: bool = True) -> dict[str, Any]:
        """Give the user object; without `users:read.email` the address is left out."""
        profile = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "first_name": self.real_name.split(" ")[0],
            "last_name": self.real_name.partition(" ")[2],
            "title": self.title,
            "status_text": "",
            "status_emoji": "",
            "team": team,
        }
        if email and self.email:
            profile["email"] = self.email
        if self.bot_id:
            profile["bot_id"] = self.bot_id
        core = {"id": self.id, "team_id": team, "name": self.name, "deleted": self.deleted}
        if self.deleted:
            return {**core, "profile": profile, "is_bot": self.is_bot, "updated": self.updated}
        return {
            **core,
            "color": "9f69e7",
            "real_name": self.real_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": 0,
            "profile": profile,
            "is_admin": False,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.guest,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": self.updated,
            "is_email_confirmed": True,
        }


@dataclass(slots=True)
class Group:
    """A user group, such as @sre."""

    id: str
    handle: str
    name: str
    users: list[str]
    created: int = 0


@dataclass(slots=True)
class Told:
    """A topic or purpose: what it says, who said so and when (seconds)."""

    value: str = ""
    creator: str = ""
    last_set: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give it as the channel object carries it."""
        return {"value": self.value, "creator": self.creator, "last_set": self.last_set}


@dataclass(slots=True)
class Channel:
    """A conversation of any kind ("public", "private", "im", "mpim"); `messages` are keyed by ts."""

    id: str
    name: str
    creator: str
    created: int
    kind: str = "public"
    archived: bool = False
    members: list[str] = field(default_factory=list)
    topic: Told = field(default_factory=Told)
    purpose: Told = field(default_factory=Told)
    previous_names: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    pins: dict[str, dict[str, Any]] = field(default_factory=dict)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)
    ephemerals: list[Message] = field(default_factory=list)
    last_ts: int = 0

    def as_json(self, team: str, me: str) -> dict[str, Any]:
        """Give the channel object as the user `me` sees it."""
        if self.kind == "im":
            return self._direct(team, me)
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": self.kind == "public",
            "is_group": self.kind == "private",
            "is_im": False,
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "public",
            "created": self.created,
            "creator": self.creator,
            "is_archived": self.archived,
            "is_general": self.name == "general",
            "unlinked": 0,
            "is_shared": False,
            "is_ext_shared": False,
            "is_org_shared": False,
            "shared_team_ids": [team],
            "pending_shared": [],
            "pending_connected_team_ids": [],
            "is_pending_ext_shared": False,
            "is_member": me in self.members,
            "last_read": "0000000000.000000",
            "topic": self.topic.as_json(),
            "purpose": self.purpose.as_json(),
            "previous_names": list(self.previous_names),
            "context_team_id": team,
            "updated": self.created * 1000,
        }

    def _direct(self, team: str, me: str) -> dict[str, Any]:
        other = next((user for user in self.members if user != me), me)
        return {
            "id": self.id,
            "created": self.created,
            "is_im": True,
            "is_archived": False,
            "is_org_shared": False,
            "user": other,
            "is_user_deleted": False,
            "context_team_id": team,
            "priority": 0,
        }

    @property
    def event_kind(self) -> str:
        """What message events call this kind of channel."""
        return {"public": "channel", "private": "group"}.get(self.kind, self.kind)

    def replies(self, thread_ts: str) -> list[Message]:
        """Give a thread's answers in order, without the message it hangs on."""
        return [m for ts, m in self.messages.items() if m.get("thread_ts") == thread_ts and ts != thread_ts]


@dataclass(slots=True)
class Trigger:
    """A trigger id: when it was issued, for whose action, perhaps in which view, and whether it is spent."""

    issued: float
    user: str = ""
    view: str = ""
    used: bool = False


@dataclass(slots=True)
class Upload:
    """A file that the app has announced, and once it has come its bytes."""

    name: str
    length: int
    content: bytes | None = None


class Workspace:
    """One Slack workspace with our app installed; see the module."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.team_id, self.domain, self.app_id = "T0SANDBOX", "sandbox", "A0MULTIVAC"
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.channels: dict[str, Channel] = {}
        self.names: dict[str, str] = {}
        self.tokens: dict[str, Token] = {}
        self.triggers: dict[str, Trigger] = {}
        self.views: dict[str, dict[str, Any]] = {}
        # Whose each open view is; nobody's ("") where the trigger came from nobody.
        self.viewers: dict[str, str] = {}
        self.homes: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, Upload] = {}
        self.upload_url: Callable[[str], str] = lambda file: file
        self.emit: Callable[[Channel | None, dict[str, Any]], None] = lambda _channel, _event: None
        self.link: Callable[[], str] = str
        self._numbers = itertools.count(1)
        self.bot = self.add_person(
            "multivac", "Multivac", email="", person_id="U0MULTIVAC", bot_id="B0MULTIVAC"
        )

    def seconds(self) -> int:
        """Give the present as whole seconds, as most of Slack's objects want it."""
        return int(self.clock.now().timestamp())

    def new_id(self, letter: str) -> str:
        """Give an id that looks like Slack's."""
        return f"{letter}0{next(self._numbers):08X}"

    def add_person(
        self, name: str, real_name: str, *, email: str, person_id: str = "", bot_id: str = ""
    ) -> Person:
        """Take a person (or a bot) into the workspace."""
        person = Person(person_id or self.new_id("U"), name, real_name, email)
        person.is_bot, person.bot_id, person.updated = bool(bot_id), bot_id, self.seconds()
        self.people[person.id] = person
        return person

    def add_channel(self, name: str, creator: str, kind: str = "public") -> Channel:
        """Open a channel with nobody but its creator in it; the name must be free."""
        letter = {"im": "D", "mpim": "G"}.get(kind, "C")
        channel = Channel(self.new_id(letter), name, creator, self.seconds(), kind)
        channel.members.append(creator)
        self.channels[channel.id] = channel
        if name:
            self.names[name] = channel.id
        return channel

    def channel_for(self, me: str, channel_id: str) -> Channel:
        """Give a channel the user may know of, or refuse: private ones do not exist for others."""
        channel = self.channels.get(channel_id)
        if channel is None or (channel.kind != "public" and me not in channel.members):
            raise Refusal("channel_not_found")
        return channel

    def person(self, user_id: str) -> Person:
        """Give a person, or refuse."""
        if user_id not in self.people:
            raise Refusal("user_not_found")
        return self.people[user_id]

    def post(self, channel: Channel, message: Message) -> Message:
        """Put a message into a channel under a ts of its own and tell the app about it."""
        ts = self.new_ts(channel)
        stored: Message = {"type": "message", **message, "ts": ts, "team": self.team_id}
        channel.messages[ts] = stored
        self.tell(channel, stored)
        return stored

    def system(self, channel: Channel, subtype: str, *, user: str, text: str, **more: Any) -> Message:
        """Put one of Slack's own lines ("has joined the channel") into the history."""
        return self.post(channel, {"subtype": subtype, "user": user, "text": text, **more})

    def tell(self, channel: Channel, message: Message) -> None:
        """Emit a message event for what was written."""
        place = {"channel": channel.id, "channel_type": channel.event_kind, "event_ts": message["ts"]}
        self.emit(channel, {**message, **place})

    def new_ts(self, channel: Channel) -> str:
        """Give a ts later than every other in the channel, to the microsecond."""
        now = self.clock.now()
        channel.last_ts = max(int(now.timestamp()) * 1_000_000 + now.microsecond, channel.last_ts + 1)
        return f"{channel.last_ts // 1_000_000}.{channel.last_ts % 1_000_000:06d}"

    def permalink(self, channel: Channel, ts: str) -> str:
        """Give a message's address."""
        return f"https://{self.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"

    def of_member(self, user: str) -> Iterator[Channel]:
        """Go through the conversations a user is in."""
        return (channel for channel in self.channels.values() if user in channel.members)
