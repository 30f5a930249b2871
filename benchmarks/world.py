"""The sandbox as a process of its own, and the alerts that are open in it.

What it delivers about new alerts is caught here, so that the real bodies can be sent at the instant
we choose; everything else it delivers to the daemon itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.wire import Wire

ROOT = Path(__file__).resolve().parent.parent
SLOW = {"slack": 0.15, "jira": 0.25, "pagerduty": 0.15}
AT_ONCE = {"slack": 0.0, "jira": 0.0, "pagerduty": 0.0}

SLACK_TOKEN = "xoxb-sandbox"
JIRA_USER, JIRA_TOKEN = "multivac@example.com", "sandbox-jira-token"
PAGERDUTY_TOKEN = "sandbox-pagerduty-token"
FROM = "ana@example.com"
JSON = {"Content-Type": "application/json"}
HEADERS: Mapping[str, Mapping[str, str]] = {
    "slack": {
        "Authorization": f"Bearer {SLACK_TOKEN}",
        "Content-Type": "application/x-www-form-urlencoded",
    },
    "jira": {"Authorization": "Basic " + base64.b64encode(f"{JIRA_USER}:{JIRA_TOKEN}".encode()).decode()}
    | JSON,
    "pagerduty": {"Authorization": f"Token token={PAGERDUTY_TOKEN}", "From": FROM} | JSON,
}


@dataclass(frozen=True, slots=True)
class Alert:
    """A real webhook body of an incident that is open in the sandbox, not yet sent."""

    token: str  # a word in its title that no other has
    id: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An incident that PagerDuty is to have; without a key it gets one of its own."""

    token: str
    title: str
    service: str
    priority: str
    key: str | None = None


class Catcher:
    """Takes the sandbox's webhooks about new alerts."""

    def __init__(self) -> None:
        self.caught: dict[str, bytes] = {}
        caught = self.caught

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = json.loads(body)["event"]
                if event["event_type"] == "incident.triggered":
                    caught[event["data"]["id"]] = body
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(slots=True)
class World:
    """A running sandbox."""

    url: str
    control: Wire
    catcher: Catcher
    heard: int = 0  # exchanges read so far

    async def set_delays(self, delays: Mapping[str, float], *, connecting: float = 0.0) -> None:
        """Let each vendor take that many seconds for each call, and for each new connection."""
        await self.control.post("/_sandbox/delays", **delays, connect=connecting)

    async def open_alerts(self, tokens: list[str], services: list[str], priorities: list[str]) -> list[Alert]:
        """Incidents that PagerDuty has and nobody was told of yet."""
        return await self.open(
            [
                Opening(token=token, title=f"{token} is slow to answer", service=service, priority=priority)
                for token, service, priority in zip(tokens, services, priorities, strict=True)
            ]
        )

    async def open(self, openings: Sequence[Opening]) -> list[Alert]:
        """The same for alerts of any title and key."""
        known = {one["name"] for one in (await self.control.get("/_sandbox/pagerduty/state"))["services"]}
        for name in dict.fromkeys(one.service for one in openings):
            if name not in known:
                await self.control.post("/_sandbox/pagerduty/create_service", name=name)
        made: list[tuple[str, str]] = []
        for one in openings:
            about = {"title": one.title, "service": one.service, "priority": one.priority, "key": one.key}
            answer = await self.control.post("/_sandbox/pagerduty/trigger", **about)
            made.append((one.token, answer["id"]))
        await until(lambda: all(one in self.catcher.caught for _, one in made), 60)
        return [Alert(token, one, self.catcher.caught.pop(one)) for token, one in made]

    async def resolve(self, alerts: Sequence[Alert]) -> None:
        """End them in PagerDuty. Ours dismiss themselves, so that the next of a service does not join."""
        for alert in alerts:
            await self.control.post("/_sandbox/pagerduty/resolve", incident=alert.id)
        await self.quiet()

    async def exchanges(self) -> list[dict[str, Any]]:
        """What was said since this was last asked."""
        heard = await self.control.get(f"/_sandbox/exchanges?since={self.heard}")
        self.heard = heard["next"]
        return list(heard["exchanges"])

    async def quiet(self, *, for_seconds: float = 0.75, at_most: float = 60.0) -> list[dict[str, Any]]:
        """What is said until nobody says anything for a while."""
        said: list[dict[str, Any]] = []
        last = ends = time.monotonic()
        while time.monotonic() < min(last + for_seconds, ends + at_most):
            await asyncio.sleep(0.25)
            if more := await self.exchanges():
                said += more
                last = time.monotonic()
        return said


@asynccontextmanager
async def running_world() -> AsyncIterator[World]:
    """A sandbox with the example company, without delays."""
    process = _start_sandbox()
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        catcher = Catcher()
        control = Wire(url)
        await control.post(
            "/_sandbox/pagerduty/subscribe", url=catcher.url, secret="any", events=["incident.triggered"]
        )
        yield World(url, control, catcher)
        catcher.close()
        control.close()
    finally:
        process.terminate()
        process.wait(10)


def _start_sandbox() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "integrations.sandbox", "--port", "0"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def until(true: Callable[[], bool], seconds: float) -> None:
    """Wait until `true()` holds. Raises TimeoutError if it never does."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - another thread or process makes it true
            await asyncio.sleep(0.02)
