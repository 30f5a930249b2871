"""A tiny Slack app for the page's tests: it keeps what Slack sends, and answers as a test tells it."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from slack_sdk import WebClient

from integrations.sandbox.seed import BOT_TOKEN
from integrations.sandbox.server import Sandbox

Body = dict[str, Any]
COMMANDS = [{"command": "/incident", "description": "Run an incident", "usage_hint": "new | list | help"}]
SHORTCUTS = [
    {"type": "message", "name": "Add to timeline", "callback_id": "timeline"},
    {"type": "global", "name": "Declare an incident", "callback_id": "declare"},
]


class TinyApp:
    """Connected to a sandbox: `answer` gives the body of each answer, `web` calls Slack."""

    def __init__(self, world: Sandbox) -> None:
        self.world = world
        self.web = WebClient(BOT_TOKEN, base_url=f"{world.url}/slack/api/", retry_handlers=[])
        self.heard: list[Body] = []
        self.status = 200
        self.answer: Callable[[Body], Body | None] = lambda _: None
        app = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = app.hear(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.send_response(app.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Ear)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_port}"
        world.slack.connect(
            signing_secret="secret",
            events=f"{url}/events",
            commands=f"{url}/c",
            interactions=f"{url}/i",
            shortcuts=SHORTCUTS,
            slash_commands=COMMANDS,
        )

    def hear(self, path: str, body: str) -> bytes:
        if path == "/events":
            given = json.loads(body)["event"]
        else:
            form = dict(parse_qsl(body, keep_blank_values=True))
            given = json.loads(form["payload"]) if "payload" in form else form
        self.heard.append(given)
        said = self.answer(given)
        return b"" if said is None else json.dumps(said).encode()

    def last(self, kind: str) -> Body:
        """What came last of this type ("command": a slash command); waits for it."""

        def found() -> list[Body]:
            return [each for each in self.heard if each.get("type", "command") == kind]

        assert self.world.world.wait_for(lambda: bool(found())), f"no {kind} came"
        return found()[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def words(text: str) -> Body:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str = "") -> Body:
    return {"text": words(text), "value": value or text.lower()}


def button(text: str, action_id: str, **more: Any) -> Body:
    return {"type": "button", "text": words(text), "action_id": action_id, "value": "1", **more}


def section(text: str, **more: Any) -> Body:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def asked(label: str, element: Body, **more: Any) -> Body:
    """An input block; block and action are called as the label, in small letters."""
    name = label.lower()
    return {
        "type": "input",
        "block_id": name,
        "label": words(label),
        "element": {"action_id": name, **element},
        **more,
    }


def modal(title: str, *blocks: Body, **more: Any) -> Body:
    return {"type": "modal", "title": words(title), "submit": words("Send"), "blocks": list(blocks), **more}
