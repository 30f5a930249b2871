"""Socket Mode: the connections that the app opens to Slack, and the envelopes that travel on them.

An envelope goes to one of the connections, in turn, and is taken once its id comes back within three
seconds. `Outbox` decides what travels here, and sends again what was not taken.
"""

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.sandbox.world import World

PATIENCE = 3.0
MOST_LINKS = 10
TICKET_LIFE = 30.0
# What Slack says when it is about to close a connection, and when it closes one.
WARNING, REFRESH, TOO_MANY = "warning", "refresh_requested", "too_many_websockets"


@dataclass(slots=True, eq=False)
class Link:
    """One open connection, with the envelopes on it that nobody has acknowledged."""

    socket: WebSocket
    loop: asyncio.AbstractEventLoop
    waiting: dict[str, Future[Any]] = field(default_factory=dict)


class Sockets:
    """The app's connections; `opened` is called when there is a first one. Safe to call from any thread."""

    def __init__(self, world: World, app_id: str, opened: Callable[[], None]) -> None:
        self._world = world
        self._app_id = app_id
        self._opened = opened
        self._lock = threading.Lock()
        self._tickets: dict[str, float] = {}
        self._links: list[Link] = []
        self.envelopes: list[dict[str, Any]] = []

    @property
    def connected(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def address(self) -> str:
        """Give an address that opens one connection, as `apps.connections.open` does."""
        ticket = str(uuid.uuid4())
        with self._lock:
            self._tickets[ticket] = time.monotonic()
        # Slack's addresses begin with wss; on loopback nobody listens in.
        root = self._world.url.replace("http", "ws", 1) or "ws://127.0.0.1"
        return f"{root}/slack/link/?ticket={ticket}&app_id={self._app_id}"

    def routes(self) -> list[BaseRoute]:
        """Give the route that the addresses lead to, below /slack."""
        return [WebSocketRoute("/link/", self._serve)]

    def deliver(
        self, kind: str, payload: Any, *, takes_answer: bool = False, **more: Any
    ) -> tuple[bool, Any]:
        """Send an envelope and wait until it is taken: whether it was, and the answer it was taken with."""
        link = self._turn()
        if link is None:
            return False, None
        taken: Future[Any] = Future()
        envelope = {"envelope_id": str(uuid.uuid4()), "payload": payload, "type": kind}
        envelope |= {"accepts_response_payload": takes_answer, **more}
        link.waiting[envelope["envelope_id"]] = taken
        self.envelopes.append(envelope)
        try:
            self._soon(link, envelope)
            answer = taken.result(PATIENCE)
        except (TimeoutError, CancelledError):
            return False, None
        finally:
            link.waiting.pop(envelope["envelope_id"], None)
        return True, answer if takes_answer else None

    def drop(self) -> int:
        """Cut all connections without a word, as a network does; gives how many there were."""
        return self._close_all("")

    def refresh(self, reason: str = REFRESH) -> int:
        """Tell all connections to be renewed; after all but a "warning" Slack closes them."""
        return self._close_all(reason)

    def reset(self) -> None:
        """Forget tickets and envelopes, and cut all connections."""
        with self._lock:
            self._tickets.clear()
            self.envelopes.clear()
        self.drop()

    def _turn(self) -> Link | None:
        """Give the connection whose turn it is."""
        with self._lock:
            if not self._links:
                return None
            link = self._links.pop(0)
            self._links.append(link)
            return link

    def _close_all(self, reason: str) -> int:
        with self._lock:
            links = list(self._links)
            if reason != WARNING:
                self._links.clear()
        for link in links:
            if reason:
                self._soon(link, self._farewell(reason))
            if reason != WARNING:
                self._soon(link, None)
        self._world.touch()
        return len(links)

    def _farewell(self, reason: str) -> dict[str, Any]:
        return {
            "type": "disconnect",
            "reason": reason,
            "num_connections": self.connected,
            "debug_info": {"host": "applink-sandbox"},
            "connection_info": {"app_id": self._app_id},
        }

    def _soon(self, link: Link, message: dict[str, Any] | None) -> None:
        """Let the server's loop send a message, or close the connection where there is none."""
        sending = _close(link) if message is None else _send(link, message)
        try:
            asyncio.run_coroutine_threadsafe(sending, link.loop)
        except RuntimeError:  # the server has stopped
            sending.close()
            _give_up(link)

    async def _serve(self, socket: WebSocket) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            if not self._admits(socket.query_params.get("ticket", "")):
                await socket.close()
                return
            await socket.accept()
            link = Link(socket, asyncio.get_running_loop())
            if self.connected >= MOST_LINKS:
                await _send(link, self._farewell(TOO_MANY))
                await _close(link)
                return
            await self._listen(link)

    async def _listen(self, link: Link) -> None:
        with self._lock:
            self._links.append(link)
        self._opened()
        # Nothing overtakes it: whoever delivers does so through this loop, which has not waited since.
        await _send(link, self._hello())
        self._world.touch()
        try:
            async for text in link.socket.iter_text():
                said = json.loads(text)
                taken = link.waiting.get(said.get("envelope_id", ""))
                if taken is not None and not taken.done():
                    taken.set_result(said.get("payload"))
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._links.remove(link)
            _give_up(link)
            self._world.touch()

    def _admits(self, ticket: str) -> bool:
        """Take a ticket: it is good for one connection, and not for long."""
        with self._lock:
            issued = self._tickets.pop(ticket, None)
        return issued is not None and time.monotonic() - issued <= TICKET_LIFE

    def _hello(self) -> dict[str, Any]:
        about = {"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060}
        return {
            "type": "hello",
            "num_connections": self.connected,
            "debug_info": about,
            "connection_info": {"app_id": self._app_id},
        }


async def _send(link: Link, message: dict[str, Any]) -> None:
    try:
        await link.socket.send_text(json.dumps(message))
    except (WebSocketDisconnect, RuntimeError, OSError):
        _give_up(link)


async def _close(link: Link) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        await link.socket.close()
    _give_up(link)


def _give_up(link: Link) -> None:
    """Nobody will acknowledge what is still on this connection."""
    for taken in list(link.waiting.values()):
        taken.cancel()
