"""Slack as the people of the stories see it: channels, what is said in them, and who is there."""

import re
from collections.abc import Iterator
from typing import Any

from integrations.sandbox.slack import ChannelView
from integrations.sandbox.slack import Slack as StandIn

Message = dict[str, Any]


class Room:
    """One channel as it stands: a copy, which does not change any more."""

    def __init__(self, view: ChannelView, names: dict[str, str], bot: str) -> None:
        self._names = names
        self._bot = bot
        self.id = view.id
        self.name = view.name
        self.topic = view.topic
        self.purpose = view.purpose
        self.is_private = view.kind == "private"
        self.members = {names[user] for user in view.members if user != bot}
        self.messages: tuple[Message, ...] = view.messages
        self.bookmarks = {each["title"]: each["link"] for each in view.bookmarks}
        self._pins = view.pins

    @property
    def headline(self) -> str:
        """The text of the one headline."""
        (text,) = self.said("headline")
        return text

    @property
    def pinned(self) -> list[str]:
        """The texts of what is pinned."""
        return [text_of(message) for message in self.messages if message["ts"] in self._pins]

    def said(self, kind: str = "") -> list[str]:
        """The texts of our messages of this kind ("checklist" is every one of them), in order."""
        return [text_of(message) for message in self.ours(kind)]

    def ours(self, kind: str = "") -> list[Message]:
        """Our messages of this kind, in order."""
        return [each for each in self.messages if each["user"] == self._bot and _is(kind, each)]

    def kinds(self) -> list[str]:
        """What sorts of messages of ours there are, in the order of their posting."""
        return [_kind(message) for message in self.messages if _kind(message)]

    def shows(self, text: str) -> bool:
        """Whether somebody who opens the channel reads this text anywhere in it."""
        return any(text in text_of(message) for message in self.messages)

    @property
    def mentions(self) -> list[str]:
        """Whom our messages mention in their blocks, each time they do."""
        told = "\n".join(_written({**message, "text": ""}) for message in self.ours())
        return [self._names[user] for user in re.findall(r"<@(U\w+)>", told)]

    @property
    def broadcasts(self) -> list[str]:
        """Every ping of a whole channel or group that any of our messages holds."""
        raw = "\n".join(f"{message.get('text')}\n{text_of(message)}" for message in self.ours())
        return re.findall(r"<!(?:channel|here|everyone|subteam\b[^>]*)[^>]*>", raw)


class Slack:
    """The workspace; `people` are named by their first names."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin

    def channel(self, name: str) -> Room:
        """The channel of this name, or the incident's whose name begins so: "inc-1"."""
        names = self._names()
        found = [name] if name in names else [one for one in names if one.startswith(f"{name}-")]
        assert len(found) == 1, f"{len(found)} channels are called {name}: {found}, of {names}"
        return Room(self.standin.channel(found[0]), self._people(), self.standin.space.bot.id)

    def incident_channels(self) -> list[str]:
        """The names of the channels that we opened."""
        bot = self.standin.space.bot.id
        return [one.name for one in self.standin.space.channels.values() if one.creator == bot and one.name]

    def says(self, channel: str, who: str, text: str) -> None:
        """Let a person write."""
        self.standin.person_says(self.channel(channel).name, _full_name(self.standin, who), text)

    def _names(self) -> list[str]:
        return [channel.name for channel in self.standin.space.channels.values() if channel.name]

    def _people(self) -> dict[str, str]:
        return {one.id: one.real_name.split()[0] for one in self.standin.space.people.values()}


def text_of(message: Message) -> str:
    """What a reader of the message sees: the text of its blocks, else its own."""
    return _written(message.get("blocks") or message.get("text") or "")


def _full_name(standin: StandIn, first: str) -> str:
    return next(one.real_name for one in standin.space.people.values() if one.real_name.split()[0] == first)


def _kind(message: Message) -> str:
    return str(message.get("metadata", {}).get("event_payload", {}).get("kind", ""))


def _is(kind: str, message: Message) -> bool:
    return not kind or _kind(message) == kind or _kind(message).startswith(f"{kind}/")


def _written(part: Any) -> str:
    return "\n".join(_texts(part))


def _texts(part: Any) -> Iterator[str]:
    match part:
        case str():
            yield part
        case list():
            for each in part:
                yield from _texts(each)
        case dict():
            for name in ("text", "fields", "elements", "accessory", "blocks"):
                if name in part:
                    yield from _texts(part[name])
