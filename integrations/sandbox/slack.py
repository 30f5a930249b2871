"""The Slack stand-in: one workspace with our app in it, over real HTTP.

`Slack` answers the Web API (tokens, scopes, limits, then the method's own rules in `slack_*`), sends
events out, and lets tests act as people (`slack_hands`).
"""

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Route

from integrations.sandbox import (
    slack_channels,
    slack_files,
    slack_marks,
    slack_messages,
    slack_people,
    slack_views,
)
from integrations.sandbox import slack_rules as rules
from integrations.sandbox.control import slow_route
from integrations.sandbox.deliveries import Deliveries
from integrations.sandbox.delivery_routes import delivery_routes
from integrations.sandbox.limits import Buckets
from integrations.sandbox.slack_events import Outbox
from integrations.sandbox.slack_fingers import Fingers
from integrations.sandbox.slack_hooks import Hooks
from integrations.sandbox.slack_rules import Ask, Refusal, Token
from integrations.sandbox.slack_sockets import Sockets
from integrations.sandbox.slack_state import Channel, Message, Workspace
from integrations.sandbox.world import Answer, Call, Fault, FaultWords, World

METHODS = {
    **slack_channels.METHODS,
    **slack_files.METHODS,
    **slack_marks.METHODS,
    **slack_messages.METHODS,
    **slack_people.METHODS,
    **slack_views.METHODS,
}
# Slack ignores a JSON body where the reference does not say that the method takes one.
FORM_ONLY = frozenset(
    {
        "chat.getPermalink",
        "conversations.info",
        "conversations.list",
        "conversations.members",
        "conversations.replies",
        "pins.list",
        "reactions.get",
        "usergroups.list",
        "usergroups.users.list",
        "users.conversations",
        "users.info",
        "users.list",
        "users.lookupByEmail",
    }
)


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as a test reads it: a copy, which does not change any more; members are user ids."""

    id: str
    name: str
    kind: str
    creator: str
    topic: str
    purpose: str
    archived: bool
    members: tuple[str, ...]
    messages: tuple[Message, ...]
    ephemerals: tuple[Message, ...]
    pins: tuple[str, ...]
    bookmarks: tuple[dict[str, Any], ...]

    def shows(self, text: str) -> bool:
        """Say whether somebody who opens the channel reads this text anywhere in it."""
        return any(text in _written(message) for message in self.messages)

    def by(self, user: str) -> list[Message]:
        """Give what a user wrote, without Slack's own lines."""
        return [m for m in self.messages if m["user"] == user and "subtype" not in m]


class Slack(Fingers):
    """One workspace; empty except for our bot until `seed`. Safe to call from any thread."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._buckets = Buckets(world.clock)
        self._requests = itertools.count(1)
        self.space = Workspace(world.clock)
        self.outbox = Outbox(world, self.space)
        self.hooks = Hooks(world, self.space)
        self._join_up()
        self.connect = self.outbox.connect
        world.teach("slack", _fault_words())

    @property
    def deliveries(self) -> Deliveries:
        """The events on their way to the app; see `Deliveries`."""
        return self.outbox.deliveries

    @property
    def sockets(self) -> Sockets:
        """The app's Socket Mode connections."""
        return self.outbox.sockets

    def token(self, scopes: Iterable[str] | None = None, *, user: str = "", value: str = "") -> str:
        """Issue a token for our bot, or for a person; without `scopes` it may do everything."""
        with self.world.lock:
            who = self._who(user).id if user else self.space.bot.id
            value = value or f"{'xoxp' if user else 'xoxb'}-{self.space.new_id('T').lower()}"
            granted = rules.ALL_SCOPES if scopes is None else frozenset(scopes)
            self.space.tokens[value] = Token(value, who, granted)
            return value

    def app_token(self, value: str = "xapp-sandbox") -> str:
        """Issue an app-level token, which opens Socket Mode connections and nothing else."""
        self.space.tokens[value] = Token(value, self.space.bot.id, frozenset({"connections:write"}))
        return value

    def revoke(self, token: str) -> None:
        """Take a token's rights away."""
        self.space.tokens[token].revoked = True

    def channel(self, name_or_id: str) -> ChannelView:
        """Give a copy of a channel; LookupError if there is none."""
        with self.world.lock:
            return _view(self._where(name_or_id))

    def direct(self, user: str) -> ChannelView:
        """Give a copy of the direct messages between our bot and somebody."""
        with self.world.lock:
            pair = {self.space.bot.id, self._who(user).id}
            for channel in self.space.channels.values():
                if channel.kind == "im" and set(channel.members) == pair:
                    return _view(channel)
        raise LookupError(f"no direct messages with {user!r}")

    def routes(self) -> list[BaseRoute]:
        """Give the Web API and the response URLs, to be mounted under /slack."""
        method = self.world.endpoint("slack", lambda call: call.path_params["method"], self._answer)
        hook = self.world.endpoint("slack", "response_url", self.hooks.answer)
        upload = self.world.endpoint(
            "slack", "upload_url", lambda call: slack_files.receive(self.space, call)
        )
        return [
            Route("/api/{method}", method, methods=["GET", "POST"]),
            Route("/hooks/{hook}", hook, methods=["POST"]),
            Route("/upload/{file}", upload, methods=["POST"]),
            *self.sockets.routes(),
        ]

    def control_routes(self) -> list[BaseRoute]:
        """Give the doors as JSON endpoints, to be mounted under /_sandbox/slack."""
        doors: list[tuple[str, Callable[..., Any]]] = [
            ("person", self.add_person),
            ("group", self.add_group),
            ("channel", self.add_channel),
            ("direct", self.open_direct),
            ("change_person", self.change_person),
            ("deactivate", self.deactivate),
            ("change_group", self.change_group),
            ("remove_group", self.remove_group),
            ("say", self.person_says),
            ("edit", self.person_edits),
            ("delete", self.person_deletes),
            ("react", self.person_reacts),
            ("pin", self.person_pins),
            ("join", self.person_joins),
            ("leave", self.person_leaves),
            ("rename", self.person_renames),
            ("archive", self.person_archives),
            ("command", self.commands),
            ("click", self.clicks),
            ("press", self.presses),
            ("submit", self.submits),
            ("close", self.closes),
            ("suggest", self.suggests),
            ("shortcut", self.shortcuts),
            ("home", self.opens_home),
            ("connect", self.outbox.connect),
            ("challenge", self.outbox.challenge),
            ("check_ssl", self.outbox.check_ssl),
            ("rate_limited", self.outbox.rate_limited),
            ("drop", self.sockets.drop),
            ("refresh", self.sockets.refresh),
            ("token", self.token),
            ("revoke", self.revoke),
            ("trigger", self.trigger),
        ]
        return [*(_door(name, act) for name, act in doors), *delivery_routes(self.deliveries)]

    def state(self) -> dict[str, Any]:
        """Give all that people see, as JSON."""
        with self.world.lock:
            space = self.space
            shown = {
                "people": [person.as_json(space.team_id) for person in space.people.values()],
                "groups": [{"id": g.id, "handle": g.handle, "users": g.users} for g in space.groups.values()],
                "channels": [_state(channel) for channel in space.channels.values()],
                "views": [{"user": space.viewers[view["id"]], **view} for view in space.views.values()],
                "homes": space.homes,
                "slash_commands": self.outbox.declared.get("slash_commands", []),
                "shortcuts": self.outbox.declared.get("shortcuts", []),
                "sockets": self.sockets.connected,
            }
            return copy.deepcopy(shown)

    def reset(self) -> None:
        """Empty the workspace; tokens, addresses and events under way go too."""
        with self.world.lock:
            self.space = Workspace(self.world.clock)
            self.outbox.reset(self.space)
            self.hooks.reset(self.space)
            self._join_up()
            self._buckets.clear()
            self.world.touch()

    def _join_up(self) -> None:
        self.space.emit = self.outbox.emit
        self.space.link = self.sockets.address
        self.space.upload_url = lambda file: f"{self.world.url}/slack/upload/{file}"

    def _answer(self, call: Call) -> Answer:
        """Answer one Web API call: token, limits, scopes, then the method."""
        headers = {"x-slack-req-id": f"sandbox-{next(self._requests)}"}
        try:
            token = self._token(call)
            headers["x-oauth-scopes"] = ",".join(sorted(token.scopes))
            ask = Ask(call.method, token, _arguments(call))
            if self.world.limits_on and (wait := self._limited(ask)):
                headers["retry-after"] = str(math.ceil(wait))
                return Answer(429, {"ok": False, "error": "ratelimited"}, headers)
            self._check_scopes(ask)
            return Answer(200, {"ok": True, **METHODS[call.method](self.space, ask)}, headers)
        except Refusal as refusal:
            return Answer(200, {"ok": False, "error": refusal.error, **refusal.more}, headers)

    def _token(self, call: Call) -> Token:
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            value = str(call.fields.get("token", ""))
        if not value:
            raise Refusal("not_authed")
        token = self.space.tokens.get(value.strip())
        if token is None:
            raise Refusal("invalid_auth")
        if token.revoked:
            raise Refusal("token_revoked")
        if self.space.people[token.user].deleted:
            raise Refusal("account_inactive")
        if token.is_app_level != (call.method == "apps.connections.open"):
            raise Refusal("not_allowed_token_type")
        return token

    def _limited(self, ask: Ask) -> float:
        """Give the seconds to wait, 0 where the call may go on."""
        if ask.method != "chat.postMessage":
            per_minute = rules.TIERS[rules.TIER_OF[ask.method]]
            return self._buckets.take(ask.method, per_second=per_minute / 60, burst=per_minute)
        channel = slack_messages.destination_id(self.space, ask.text("channel"))
        per_channel = {"per_second": rules.POSTS_PER_SECOND, "burst": rules.POSTS_BURST}
        wait = self._buckets.take((ask.method, channel), **per_channel)
        per_minute = rules.POSTS_PER_MINUTE
        return wait or self._buckets.take(ask.method, per_second=per_minute / 60, burst=per_minute)

    def _check_scopes(self, ask: Ask) -> None:
        granted = ask.token.scopes
        if ask.method in rules.SCOPE_OF:
            wanted: list[tuple[str, ...]] = [(rules.SCOPE_OF[ask.method],)]
        else:
            by_kind = rules.SCOPES_BY_KIND.get(ask.method, {})
            wanted = [by_kind[kind] for kind in self._kinds(ask)] if by_kind else []
        missing = [names[0] for names in wanted if granted.isdisjoint(names)]
        if missing:
            needed, provided = ",".join(missing), ",".join(sorted(granted))
            raise Refusal("missing_scope", needed=needed, provided=provided)

    def _kinds(self, ask: Ask) -> Iterable[str]:
        match ask.method:
            case "conversations.create":
                return ["private" if ask.flag("is_private") else "public"]
            case "conversations.open":
                return ["mpim" if len(ask.names("users")) > 1 else "im"]
            case "conversations.list" | "users.conversations":
                return sorted(slack_channels.kinds_asked(ask))
        channel = self.space.channels.get(ask.text("channel"))
        return [channel.kind if channel else "public"]


def _arguments(call: Call) -> dict[str, Any]:
    """Read a call's arguments as Slack does: forms always, JSON only where the method takes it."""
    if call.method not in METHODS:
        raise Refusal("unknown_method", req_method=call.method)
    if "json" in call.headers.get("content-type", ""):
        if isinstance(call.form_or_json, str):
            raise Refusal("invalid_json")
        if not isinstance(call.form_or_json, dict):
            raise Refusal("json_not_object")
        if call.method in FORM_ONLY:
            return {name: values[0] for name, values in call.query.items()}
    return call.fields


def _fault_words() -> FaultWords:
    def rate_limit(fault: Fault) -> Answer:
        wait = {} if fault.retry_after is None else {"retry-after": str(math.ceil(fault.retry_after))}
        return Answer(fault.status or 429, {"ok": False, "error": fault.error or "ratelimited"}, wait)

    def server_error(fault: Fault) -> Answer:
        status = fault.status or 500
        usual = "service_unavailable" if status == 503 else "internal_error"
        wait = {} if fault.retry_after is None else {"retry-after": str(math.ceil(fault.retry_after))}
        return Answer(status, {"ok": False, "error": fault.error or usual}, wait)

    def refuse(fault: Fault) -> Answer:
        return Answer(fault.status or 200, {"ok": False, "error": fault.error or "fatal_error"})

    return FaultWords(refuse, rate_limit, server_error)


def _view(channel: Channel) -> ChannelView:
    kept = copy.deepcopy(channel)
    return ChannelView(
        id=kept.id,
        name=kept.name,
        kind=kept.kind,
        creator=kept.creator,
        topic=kept.topic.value,
        purpose=kept.purpose.value,
        archived=kept.archived,
        members=tuple(kept.members),
        messages=tuple(kept.messages.values()),
        ephemerals=tuple(kept.ephemerals),
        pins=tuple(kept.pins),
        bookmarks=tuple(kept.bookmarks),
    )


def _state(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "created": channel.created,
        "archived": channel.archived,
        "topic": channel.topic.value,
        "purpose": channel.purpose.value,
        "members": channel.members,
        "messages": list(channel.messages.values()),
        "ephemerals": channel.ephemerals,
        "pins": list(channel.pins),
        "bookmarks": channel.bookmarks,
    }


def _written(part: Any) -> str:
    """Give all texts of a message, its blocks and attachments, one a line."""
    if isinstance(part, dict):
        own = part["text"] if isinstance(part.get("text"), str) else ""
        rest = (_written(value) for name, value in part.items() if name != "metadata")
        return "\n".join([own, *(text for text in rest if text)])
    return "\n".join(filter(None, map(_written, part))) if isinstance(part, list) else ""


def _door(name: str, act: Callable[..., Any]) -> Route:
    def through(body: dict[str, Any]) -> dict[str, Any]:
        try:
            outcome = act(**body)
        except Refusal as refusal:
            raise ValueError(f"Slack says {refusal.error}") from refusal
        if isinstance(outcome, str):
            return {"id": outcome}
        status, said = getattr(outcome, "status", None), getattr(outcome, "body", outcome)
        return {"status": status, "body": said}

    # Off the event loop: the app under test calls back while it answers a command.
    return slow_route(f"/{name}", through)
