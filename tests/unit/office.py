"""A seeded Slack workspace, served, for the tests of the stand-in; and an app that Slack tells things to."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.routing import Mount

from integrations.sandbox.seed import fill_slack
from integrations.sandbox.slack import Slack
from integrations.sandbox.world import Clock, Loopback, World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


class Office:
    """A seeded workspace, served; `web` is the bot's client."""

    def __init__(self) -> None:
        self.world = World(Clock(frozen=NOON))
        self.slack = Slack(self.world)
        control = Mount("/_sandbox/slack", routes=self.slack.control_routes())
        app = Starlette(routes=[Mount("/slack", routes=self.slack.routes()), control])
        self.loopback = Loopback(app).start()
        self.world.url = self.loopback.url
        self.web = WebClient()

    def start_afresh(self) -> None:
        self.world.reset()
        self.slack.reset()
        self.world.clock.freeze(NOON)
        self.world.limits_on = False
        fill_slack(self.slack)
        self.web = self.client("xoxb-sandbox")

    def client(self, token: str) -> WebClient:
        return WebClient(token, base_url=f"{self.loopback.url}/slack/api/", retry_handlers=[])

    def user(self, name: str) -> str:
        return next(p.id for p in self.slack.space.people.values() if name in (p.real_name, p.name))

    def open(self, name: str = "inc-1", **more: Any) -> str:
        return str(self.web.conversations_create(name=name, **more)["channel"]["id"])

    def open_to(self, user: str, name: str = "inc-1") -> str:
        """A channel of the app's with somebody in it."""
        channel = self.open(name)
        self.web.conversations_invite(channel=channel, users=self.user(user))
        return channel

    def post(self, channel: str, text: str = "hello", **more: Any) -> str:
        return str(self.web.chat_postMessage(channel=channel, text=text, **more)["ts"])


def refused(act: Callable[..., Any], *given: Any, **named: Any) -> dict[str, Any]:
    """The answer with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as caught:
        act(*given, **named)
    data: dict[str, Any] = caught.value.response.data
    return data


def why(act: Callable[..., Any], *given: Any, **named: Any) -> str:
    """The name of the error with which Slack refuses a call."""
    return str(refused(act, *given, **named)["error"])


def modal(**more: Any) -> dict[str, Any]:
    title, submit = ({"type": "plain_text", "text": text} for text in ("Declare", "Send"))
    return {"type": "modal", "title": title, "submit": submit, "blocks": [SECTION], **more}


class _AsTheOffice(SlackClock):
    """The time of the office, for who checks a signature."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def now(self) -> float:
        return self._office.world.clock.ticks()


def genuine(office: Office, headers: dict[str, str], body: bytes) -> bool:
    verifier = SignatureVerifier(SECRET, _AsTheOffice(office))
    stamp, signature = headers["x-slack-request-timestamp"], headers["x-slack-signature"]
    return verifier.is_valid(body, stamp, signature)


class App:
    """The application under test: it keeps what Slack sends and answers as told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.echoes = False
        app = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, extra, said = app.answers.pop(0) if app.answers else (200, {}, b"")
                if app.echoes:
                    said = json.dumps({"challenge": json.loads(body)["challenge"]}).encode()
                app.heard.append((self.path, headers, body))
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for path, _, body in self.heard if path == "/events"]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
