"""What the tests of the Slack adapter share: a workspace over real HTTP, and servers that answer anything."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from integrations.sandbox.slack import Slack
from integrations.sandbox.world import Clock, Fault, Loopback, World
from integrations.slack.chat import SlackChat
from multivac.briefing import ChangeLine
from multivac.ports import Marker

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HELLO = ChangeLine(text="Ana leads now.")
MARKER = Marker(incident=42, kind="change line")
BOT = "U0MULTIVAC"
TOKEN = "xoxb-very-secret"


class Site:
    """A workspace, the adapter that speaks to it, and a hand-moved time for the adapter's memory."""

    def __init__(self) -> None:
        self.world = World(Clock(NOON))
        self.slack = Slack(self.world)
        self.loopback = Loopback(Starlette(routes=[Mount("/slack", routes=self.slack.routes())])).start()
        self.api_url = f"{self.loopback.url}/slack/api/"
        self.ticks = 0.0
        self.chat = self.another()

    def fresh(self) -> "Site":
        """The same server with an empty workspace; to start one takes longer than most tests."""
        self.world.reset()
        self.slack.reset()
        self.slack.token(value=TOKEN)
        self.close()
        self.ticks = 0.0
        self.chat = self.another()
        return self

    def another(self, token: str = TOKEN, *, timeout: float = 5.0) -> SlackChat:
        return SlackChat(token, api_url=self.api_url, timeout=timeout, time=lambda: self.ticks)

    def fail(self, method: str, kind: str, **more: Any) -> None:
        self.world.fail(Fault("slack", method, kind, **more))

    def close(self) -> None:
        self.chat.close()

    def stop(self) -> None:
        self.close()
        self.loopback.stop()

    def calls(self, method: str | None = None) -> list[dict[str, Any]]:
        return [call.request_body for call in self.world.calls("slack", method)]


def spoken(error: BaseException | None) -> str:
    """All that a log would show of an error, its causes included."""
    return "" if error is None else f"{error!r} {error} {spoken(error.__cause__)}"


@contextmanager
def answering(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Iterator[str]:
    """A server that gives every request this answer; gives its address."""

    class Same(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class says so
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Same) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/api/"
        finally:
            server.shutdown()
            thread.join()
