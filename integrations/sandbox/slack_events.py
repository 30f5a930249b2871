"""What Slack sends to the app: events, slash commands and clicks, signed with its v0 scheme.

While the app has a Socket Mode connection, all of it travels there instead, unsigned (`slack_sockets`).
Events are tried again at once, after a minute and after five, as Slack's Events API documents; slash
commands and clicks are sent once, while the person waits.
"""

import hashlib
import hmac
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack
from urllib.parse import urlencode

import urllib3

from integrations.sandbox.clock import Clock
from integrations.sandbox.deliveries import Deliveries, Event, Parcel, Reply, Rules, Subscriber
from integrations.sandbox.slack_sockets import Sockets
from integrations.sandbox.slack_state import Channel, Workspace
from integrations.sandbox.world import World

PATIENCE = 3.0
RETRY_WAITS = (0.0, 60.0, 300.0)
_REASONS = {
    "timeout": "http_timeout",
    "tls": "ssl_error",
    "connection": "connection_failed",
    "status": "http_error",
}
_REMEMBERED = 500
# Of these interactions Slack reads what the app acknowledges them with.
_ANSWERED = frozenset({"block_suggestion", "view_submission"})
# Messages reach only an app that is in the channel; these are told wherever they happen.
_EVERYWHERE = frozenset({"channel_created", "channel_rename", "channel_archive", "channel_unarchive"})


class Declared(TypedDict, total=False):
    """What the app's manifest declares besides addresses.

    `types` are the events it subscribes to (none: all), `options` the address for the options of external
    selects, `shortcuts` its entries in Slack's menus: `type` "message" or "global", `name`, `callback_id`;
    `slash_commands` are offered to people who type: `command`, `description`, `usage_hint`.
    """

    types: Iterable[str]
    options: str
    shortcuts: list[dict[str, str]]
    slash_commands: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Knock:
    """What the app answered to a person's action: a status (None: nothing came) and the body."""

    status: int | None
    body: Any


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Give Slack's v0 signature of a body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class Outbox:
    """Everything on its way from the stand-in to the app; silent until `connect`."""

    def __init__(self, world: World, space: Workspace) -> None:
        self._clock: Clock = world.clock
        self._touch = world.touch
        self._space = space
        self._numbers = itertools.count(1)
        self._http = urllib3.PoolManager(num_pools=4, maxsize=16, retries=False)
        self.sockets = Sockets(world, space.app_id, self._on_socket)
        self.deliveries = Deliveries(world.clock, _rules(world.clock, self._carry), world.touch)
        self.secret = ""
        self.commands = ""
        self.interactions = ""
        self.declared: Declared = {}
        self.sent = deque[dict[str, Any]](
            maxlen=_REMEMBERED
        )  # the commands, clicks, shortcuts and forms of late

    def connect(
        self,
        *,
        signing_secret: str = "",
        events: str = "",
        commands: str = "",
        interactions: str = "",
        **declared: Unpack[Declared],
    ) -> None:
        """Send events, slash commands and interactions to these addresses; see `Declared`."""
        self.secret, self.commands, self.interactions = signing_secret, commands, interactions
        self.declared = declared
        if events or self.sockets.connected:
            self._subscribe(events)
        self._touch()

    def reset(self, space: Workspace) -> None:
        """Forget the addresses and what is under way; `space` is the workspace from now on."""
        self._space = space
        self.deliveries.reset()
        self.sockets.reset()
        self.secret = self.commands = self.interactions = ""
        self.declared = {}
        self.sent.clear()

    def emit(self, channel: Channel | None, event: dict[str, Any]) -> None:
        """Tell the app about an event, if Slack would: it hears only of channels its bot is in."""
        bot = self._space.bot.id
        here = channel is None or event["type"] in _EVERYWHERE or bot in channel.members
        if not here or not self.deliveries.subscribers:
            return
        self._send(event)
        is_mention = event["type"] == "message" and "subtype" not in event and f"<@{bot}>" in event["text"]
        if is_mention and event["user"] != bot and event["channel_type"] != "im":
            self._send({**event, "type": "app_mention"})

    def challenge(self) -> bool:
        """Ask the event address to prove itself, as Slack does when it is entered; True if it did."""
        challenge = f"challenge-{next(self._numbers)}"
        body = json.dumps({"token": "sandbox", "challenge": challenge, "type": "url_verification"}).encode()
        subscriber = self.deliveries.subscribers["app"]
        answer = self._post(subscriber.url, body, "application/json")
        said = answer.body.get("challenge") if isinstance(answer.body, dict) else answer.body
        return answer.status == 200 and said == challenge

    def check_ssl(self) -> Knock:
        """Ask the command address whether it is there, as Slack does now and then."""
        body = urlencode({"token": "sandbox", "ssl_check": "1"}).encode()
        return self._post(self.commands, body, "application/x-www-form-urlencoded")

    def rate_limited(self) -> None:
        """Tell the app that it gets no more events this minute."""
        minute = self._space.seconds() // 60 * 60
        about = {"token": "sandbox", "type": "app_rate_limited", "team_id": self._space.team_id}
        body = json.dumps({**about, "minute_rate_limited": minute, "api_app_id": self._space.app_id}).encode()
        event_id = f"Ev{next(self._numbers):010d}"
        self.deliveries.send(Event(event_id, "app_rate_limited", event_id, body))

    def command(self, form: dict[str, str]) -> Knock:
        """Send a slash command and wait for the app's answer, at most three seconds."""
        self.sent.append(form)
        if self.sockets.connected:
            return _knock(*self.sockets.deliver("slash_commands", form, takes_answer=True))
        return self._post(self.commands, urlencode(form).encode(), "application/x-www-form-urlencoded")

    def interaction(self, payload: dict[str, Any]) -> Knock:
        """Send a click or a submitted modal and wait for the app's answer, at most three seconds."""
        self.sent.append(payload)
        return self._interact(self.interactions, payload)

    def options(self, payload: dict[str, Any]) -> Knock:
        """Ask for the options of an external select: at an address of its own, or where clicks go."""
        return self._interact(self.declared.get("options") or self.interactions, payload)

    def _interact(self, url: str, payload: dict[str, Any]) -> Knock:
        if self.sockets.connected:
            answered = payload["type"] in _ANSWERED
            return _knock(*self.sockets.deliver("interactive", payload, takes_answer=answered))
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return self._post(url, body, "application/x-www-form-urlencoded")

    def _on_socket(self) -> None:
        """Take an app that connects by itself for one that wants events, unless it wants them already."""
        if "app" not in self.deliveries.subscribers:
            self._subscribe("")

    def _subscribe(self, url: str) -> None:
        types = frozenset(self.declared.get("types", ()))
        self.deliveries.subscribe(Subscriber("app", url, [self.secret], types))

    def _carry(self, parcel: Parcel) -> Reply | None:
        """Take an event to the app by socket; None where it goes over HTTP."""
        if parcel.subscriber.url and not self.sockets.connected:
            return None
        again: dict[str, Any] = {
            "retry_attempt": parcel.attempts,
            "retry_reason": "timeout" if parcel.attempts else "",
        }
        taken, _ = self.sockets.deliver("events_api", json.loads(parcel.event.body), **again)
        return Reply(200) if taken else Reply(why="timeout")

    def _send(self, event: dict[str, Any]) -> None:
        event_id = f"Ev{next(self._numbers):010d}"
        envelope = {
            "token": "sandbox",
            "team_id": self._space.team_id,
            "api_app_id": self._space.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": self._space.seconds(),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self._space.team_id,
                    "user_id": self._space.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{event_id}",
        }
        body = json.dumps(envelope).encode()
        # The event is its own lane: Slack does not hold later events back while it retries one.
        self.deliveries.send(Event(event_id, str(event["type"]), event_id, body))

    def _post(self, url: str, body: bytes, content_type: str) -> Knock:
        if not url:
            raise LookupError("no address: connect the app first")
        headers = {"Content-Type": content_type, **_signed(self._clock, self.secret, body)}
        try:
            answer = self._http.request("POST", url, body=body, headers=headers, timeout=PATIENCE)
        except urllib3.exceptions.HTTPError:
            return Knock(None, "")
        try:
            return Knock(answer.status, json.loads(answer.data))
        except ValueError:
            return Knock(answer.status, answer.data.decode(errors="replace"))


def _knock(taken: bool, answer: Any) -> Knock:  # noqa: FBT001 - the two come as one pair
    return Knock(200, "" if answer is None else answer) if taken else Knock(None, "")


def _rules(clock: Clock, carry: Callable[[Parcel], Reply | None]) -> Rules:
    def headers(parcel: Parcel) -> dict[str, str]:
        signed = _signed(clock, parcel.subscriber.secrets[0], parcel.event.body)
        if not parcel.attempts:
            return signed
        reason = _REASONS.get(parcel.last.why, "unknown_error")
        return {**signed, "X-Slack-Retry-Num": str(parcel.attempts), "X-Slack-Retry-Reason": reason}

    return Rules(
        headers=headers,
        tries_again=_tries_again,
        waits=RETRY_WAITS,
        gives_up_after=3600.0,
        time_limit=PATIENCE,
        carry=carry,
    )


def _tries_again(reply: Reply) -> bool:
    return reply.headers.get("x-slack-no-retry") != "1"


def _signed(clock: Clock, secret: str, body: bytes) -> dict[str, str]:
    timestamp = str(int(clock.now().timestamp()))
    return {
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(secret, timestamp, body),
    }
