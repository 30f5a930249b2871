"""Slack as the people of the stories see it: channels, what is said in them, and who is there."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

    def person(self, who: str) -> str:
        """The whole name of somebody who is named by their first name."""
        return _full_name(self.standin, who)

    def says(self, channel: str, who: str, text: str) -> None:
        """Let a person write."""
        self.standin.person_says(self.channel(channel).name, _full_name(self.standin, who), text)

    def direct(self, who: str) -> list[str]:
        """What we wrote to a person directly, in order."""
        found = [one for one in self.standin.space.channels.values() if one.kind == "im"]
        bot = self.standin.space.bot.id
        pair = {self.id_of(who), bot}
        messages = [each for one in found if set(one.members) == pair for each in one.messages.values()]
        return [text_of(message) for message in messages if message["user"] == bot]

    def whispers(self, channel: str, who: str) -> list[str]:
        """What only this person was shown in a channel, in order."""
        shown = self.standin.channel(self.channel(channel).id).ephemerals
        return [text_of(one) for one in shown if one["to"] == self.id_of(who)]

    def id_of(self, who: str) -> str:
        """Somebody's id, by the first name."""
        return next(one.id for one in self.standin.space.people.values() if one.real_name.split()[0] == who)

    def tells_later(self, happens: Callable[[], None]) -> Callable[[], None]:
        """Let something happen of which Slack does not tell yet; gives what makes it tell."""
        deliveries = self.standin.deliveries
        deliveries.hold()
        happens()
        held, deliveries._held = deliveries._held, None

        def tell() -> None:
            deliveries._held = held
            deliveries.release()

        return tell

    # --- what people ask --------------------------------------------------------------------------

    def asks(self, who: str, line: str, *, channel: str = "general") -> str:
        """Let a person type `/incident` and the line, in a channel; gives what only they are then told."""
        name = channel if channel == "general" else self.channel(channel).name
        with self._told(who, name) as told:
            self.standin.commands(name, _full_name(self.standin, who), line)
        return told.text

    def writes_to_us(self, who: str, text: str) -> str:
        """Let a person write to Multivac directly; gives what they are answered."""
        place, before = self.standin.open_direct(self.id_of(who)), len(self.direct(who))
        self.standin.person_says(place, _full_name(self.standin, who), text)
        self.wait_for(lambda: len(self.direct(who)) > before, "an answer")
        return "\n".join(self.direct(who)[before:])

    def calls_us(self, who: str, text: str, *, channel: str, thread: str = "") -> str:
        """Let a person mention Multivac, in a thread perhaps; gives what only they are then told."""
        name = self.channel(channel).name
        with self._told(who, name) as told:
            self.standin.person_says(name, _full_name(self.standin, who), text, thread_ts=thread)
        return told.text

    def chooses(self, who: str, shortcut: str, *, channel: str, ts: str) -> str:
        """Let a person choose an entry of a message's menu; gives what only they are then told."""
        place = self.channel(channel)
        with self._told(who, place.name) as told:
            self.standin.shortcuts(_full_name(self.standin, who), shortcut, channel=place.id, ts=ts)
        return told.text

    def presses(self, who: str, label: str, *, channel: str, kind: str = "") -> str:
        """Let a person press the newest button or menu entry of this label; gives what only they are told."""
        return self.clicks(who, self.sees(label, channel=channel, kind=kind), channel=channel)

    def sees(self, label: str, *, channel: str, kind: str = "") -> dict[str, Any]:
        """The newest button or menu entry of this label, which may be pressed when it is there no more."""
        room = self.channel(channel)
        shown = [*room.ours(kind), *(() if kind else self.standin.channel(room.id).ephemerals)]
        message, block, action, chosen = next(
            (message, block, element, {} if one is element else {"selected_option": one})
            for message in reversed(shown)
            for block in message.get("blocks", ())
            for element in block.get("elements", ())
            if element.get("type") in {"button", "overflow"}
            for one in (element, *element.get("options", ()))
            if one.get("text", {}).get("text") == label
        )
        where = {"ts": message["ts"], "action_id": action["action_id"], "block_id": block["block_id"]}
        return where | chosen

    def clicks(self, who: str, seen: dict[str, Any], *, channel: str) -> str:
        """Let a person press what they saw; gives what only they are told."""
        room = self.channel(channel)
        with self._told(who, room.name) as told:
            self.standin.clicks(room.id, _full_name(self.standin, who), **seen)
        return told.text

    def presses_in_direct(self, who: str, label: str) -> None:
        """Let a person press a button of what we wrote to them directly."""
        place = self.standin.direct(self.id_of(who))
        message, action = next(
            (message, element)
            for message in reversed(place.messages)
            for block in message.get("blocks", ())
            for element in block.get("elements", ())
            if element.get("type") == "button" and element["text"]["text"] == label
        )
        before, views = len(place.ephemerals), set(self.standin.space.views)
        self.standin.clicks(
            place.id, _full_name(self.standin, who), ts=message["ts"], action_id=action["action_id"]
        )

        def is_answered() -> bool:
            is_told = len(self.standin.direct(self.id_of(who)).ephemerals) > before
            return is_told or set(self.standin.space.views) != views

        self.wait_for(is_answered, "an answer in the talk")

    def presses_on_page(self, who: str, label: str) -> str:
        """Let a person press a button of our own page, or of a window; gives what a window then shows."""
        me, views = self.id_of(who), self.standin.space.views
        mine = [view for view in views.values() if self.standin.space.viewers[view["id"]] == me]
        shown = mine or [self.standin.space.homes[me]]
        view, block, action = next(
            (view, block, element)
            for view in shown
            for block in view["blocks"]
            for element in block.get("elements", ())
            if element.get("type") == "button" and element["text"]["text"] == label
        )
        before = {one["hash"] for one in views.values()}
        self.standin.presses(me, view["id"], action_id=action["action_id"], block_id=block["block_id"])
        self.wait_for(lambda: {one["hash"] for one in views.values()} - before != set(), "a window")
        return text_of(next(reversed(views.values())))

    def sends(self, who: str, **fields: str | list[str]) -> dict[str, str]:
        """Let a person fill the form that is open and send it; gives the faults told at its fields."""
        self.wait_for(lambda: bool(self.standin.space.views), "a form")
        view = next(reversed(self.standin.space.views.values()))
        values = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                state = _filled(block["element"], fields.get(block["block_id"]))
                values[block["block_id"]] = {block["element"]["action_id"]: state}
        knock = self.standin.submits(_full_name(self.standin, who), view["id"], values)
        assert knock.status == 200, knock
        return dict(knock.body.get("errors", {})) if isinstance(knock.body, dict) else {}

    def opens_home(self, who: str) -> str:
        """Let a person open Multivac's own page; gives what stands there."""
        me = next(one.id for one in self.standin.space.people.values() if one.real_name.split()[0] == who)
        self.standin.opens_home(me)
        self.wait_for(lambda: me in self.standin.space.homes, "the page")
        return _written(self.standin.space.homes[me]["blocks"])

    def form(self) -> dict[str, Any]:
        """The form that is open."""
        self.wait_for(lambda: bool(self.standin.space.views), "a form")
        return dict(next(reversed(self.standin.space.views.values())))

    @contextmanager
    def _told(self, who: str, channel: str) -> Iterator["Told"]:
        """What one person is told, once whatever they did was answered."""
        me = next(one.id for one in self.standin.space.people.values() if one.real_name.split()[0] == who)
        before = self.standin.channel(channel).ephemerals
        views = set(self.standin.space.views)
        told = Told()
        yield told

        def fresh() -> list[Message]:
            return [one for one in self._whispered(channel) if one["to"] == me and one not in before]

        def answered() -> bool:
            is_less = len(self._whispered(channel)) < len(before)
            return is_less or bool(fresh()) or set(self.standin.space.views) != views

        self.wait_for(answered, "an answer")
        told.text = "\n".join(text_of(one) for one in fresh())

    def _whispered(self, channel: str) -> list[Message]:
        """What anybody is shown in a channel; not a copy, which takes long to make."""
        with self.standin.world.lock:
            return list(self.standin._where(channel).ephemerals)

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until it holds: people are answered on threads of the daemon's own."""
        end = time.monotonic() + 9
        while not holds():
            assert time.monotonic() < end, f"{what} did not come"
            time.sleep(0.005)

    def _names(self) -> list[str]:
        return [channel.name for channel in self.standin.space.channels.values() if channel.name]

    def _people(self) -> dict[str, str]:
        return {one.id: one.real_name.split()[0] for one in self.standin.space.people.values()}


def text_of(message: Message) -> str:
    """What a reader of the message sees: the text of its blocks, else its own."""
    return _written(message.get("blocks") or message.get("text") or "")


@dataclass
class Told:
    """What somebody was told who did something."""

    text: str = ""


def _filled(element: dict[str, Any], value: str | list[str] | None) -> dict[str, Any]:
    """The state of a form's field as Slack sends it: what was written, else what stood in it."""
    kind, options = element["type"], element.get("options", [])
    if kind == "plain_text_input":
        return {"type": kind, "value": element.get("initial_value") if value is None else value}
    if kind == "checkboxes":
        chosen = [one for one in options if one["value"] in (value or ())]
        return {
            "type": kind,
            "selected_options": element.get("initial_options", []) if value is None else chosen,
        }
    if kind == "users_select":
        return {"type": kind, "selected_user": value or element.get("initial_user")}
    if kind == "datepicker":
        return {"type": kind, "selected_date": value or element.get("initial_date")}
    if kind == "datetimepicker":
        at = element.get("initial_date_time") if value is None else int(str(value))
        return {"type": kind, "selected_date_time": at}
    chosen = [one for one in options if one["value"] == value]
    return {"type": kind, "selected_option": chosen[0] if chosen else element.get("initial_option")}


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
