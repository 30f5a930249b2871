"""The ASGI side of a stand-in: reads a request, waits, lets faults happen, answers, records.

It speaks ASGI itself rather than through request and response objects: benchmarks send tens of
thousands of calls, and what the sandbox costs is measured as if it were ours.
"""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import uvicorn

from integrations.sandbox.exchange import JSON_TYPE, Answer, Call, Exchange, Fault, Handler

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from integrations.sandbox.world import World

LARGEST_BODY = 4_000_000
LONGEST_SILENCE = 60.0
# With these the vendor's handler never runs; with the others it does.
FAULTS_INSTEAD = frozenset({"refuse", "rate_limit", "server_error", "malformed", "html", "reset", "timeout"})
PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

Sent = tuple[int, dict[str, str], bytes]


class Endpoint:
    """One ASGI application in front of one handler; see `World.endpoint`."""

    def __init__(
        self, world: "World", *, vendor: str, method_of: str | Callable[[Call], str], handler: Handler
    ) -> None:
        self._world = world
        self._vendor = vendor
        self._method_of = method_of
        self._handler = handler

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request, or cut the connection where a fault says so."""
        # Whoever stops the server cancels what waits; there is nobody left to answer, nor to complain to.
        with contextlib.suppress(asyncio.CancelledError):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        started = time.monotonic()
        transport = _transport(receive)
        raw = await _body(receive)
        call = self._call(scope, raw or b"")
        fault = self._world.fault_for(call)
        kind = "" if fault is None else fault.kind
        await self._wait(transport, fault)
        if self._world.is_cut(call, happened=False):
            await _cut(transport, receive, hard=True)
            return
        answer = Answer(413) if raw is None else await self._outcome(call, fault, receive)
        if self._world.is_cut(call, happened=True) or kind in {"reset", "timeout", "lose_answer"}:
            self._record(scope, call, started, fault=fault)
            await _cut(transport, receive, hard=kind == "reset")
            return
        sent: Sent = (answer.status, _headers(answer), answer.encoded())
        # Recorded before it is sent: a client that has the answer finds its exchange in the list.
        self._record(scope, call, started, fault=fault, sent=sent)
        await _reply(send, sent)

    async def _wait(self, transport: Any, fault: Fault | None) -> None:
        """Be as slow as the vendor is told to be, on a new connection and by the fault."""
        pause = self._world.delays.get(self._vendor, 0.0)
        pause += self._world.connect_delay if self._world.is_new(transport) else 0.0
        pause += fault.seconds if fault is not None and fault.kind == "slow" else 0.0
        if pause > 0:
            await asyncio.sleep(pause)
        if fault is not None and fault.kind == "hold":
            await self._world.gate()

    def _call(self, scope: "Scope", raw: bytes) -> Call:
        query = scope["query_string"]
        call = Call(
            vendor=self._vendor,
            verb=scope["method"],
            path=scope["path"],
            path_params=scope.get("path_params", {}),
            query=parse_qs(query.decode(), keep_blank_values=True) if query else {},
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            raw=raw,
        )
        call.method = self._method_of if isinstance(self._method_of, str) else self._method_of(call)
        return call

    async def _outcome(self, call: Call, fault: Fault | None, receive: "Receive") -> Answer:
        if fault is not None and fault.kind == "timeout":
            await _silence(receive)
        if fault is not None and fault.kind in FAULTS_INSTEAD:
            return self._disturbed(fault)
        with self._world.lock:
            answer = self._handler(call)
            self._world.touch()
            # Encoded under the lock: the body may be the stand-in's own state, which changes later.
            return Answer(answer.status, answer.encoded(), {"content-type": _type(answer), **answer.headers})

    def _disturbed(self, fault: Fault) -> Answer:
        """Give what the client gets where the fault happens instead of the effect."""
        words = self._world.words_of(self._vendor)
        match fault.kind:
            case "refuse":
                return words.refuse(fault)
            case "rate_limit":
                return words.rate_limit(fault)
            case "server_error":
                return words.server_error(fault)
            case "malformed":
                return Answer(200, b'{"ok": tr', {"content-type": JSON_TYPE})
            case "html":
                return Answer(fault.status or 502, PROXY_PAGE, {"content-type": "text/html"})
        return Answer(0)

    def _record(
        self,
        scope: "Scope",
        call: Call,
        started: float,
        *,
        fault: Fault | None,
        sent: Sent = (0, {}, b""),
    ) -> None:
        client = scope.get("client") or ("", 0)
        status, headers, payload = sent
        self._world.record(
            Exchange(
                vendor=call.vendor,
                method=call.method,
                path=call.path,
                query=call.query,
                request_headers=call.headers,
                request_body=call.form_or_json,
                status=status,
                response_headers=headers,
                started=started,
                ended=time.monotonic(),
                connection=f"{client[0]}:{client[1]}",
                fault=fault.kind if fault else None,
                raw_response=payload,
            )
        )


class Loopback:
    """An ASGI application served by uvicorn on 127.0.0.1 in a daemon thread of this process."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    def start(self, port: int = 0) -> "Loopback":
        """Listen, and return once requests are answered; port 0 lets the system choose."""
        # asyncio switches Nagle's algorithm off only where the protocol is named; with it, an answer
        # in two writes takes 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        self._server = uvicorn.Server(_settings(self._app))
        self._thread = threading.Thread(target=self._run, args=(listener,), name="sandbox", daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.001)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return self

    def stop(self) -> None:
        """Stop listening and cut what is still open."""
        server, self._server = self._server, None
        if server is None or self._thread is None or self._loop is None:
            return
        server.should_exit = server.force_exit = True
        self._loop.call_soon_threadsafe(_cut_all, server)
        self._thread.join(timeout=5)

    def _run(self, listener: socket.socket) -> None:
        asyncio.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        if self._server is not None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[listener])

    def wait(self) -> None:
        """Block until the server's thread ends."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=1)


def _settings(app: "ASGIApp") -> uvicorn.Config:
    # No logging of its own: the application under test may run uvicorn in this process too, and its
    # loggers are global. The default keep-alive of five seconds would cut idle clients inside a test.
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        lifespan="off",
        ws="websockets-sansio",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


def _cut_all(server: uvicorn.Server) -> None:
    for connection in list(server.server_state.connections):
        connection.transport.abort()


def _transport(receive: "Receive") -> Any:
    """Find the TCP transport: `receive` is a method of uvicorn's cycle, and ASGI has no name for it."""
    return getattr(getattr(receive, "__self__", None), "transport", None)


async def _body(receive: "Receive") -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _silence(receive: "Receive") -> None:
    """Say nothing until the client has left, or for a minute."""
    try:
        async with asyncio.timeout(LONGEST_SILENCE):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return


async def _cut(transport: Any, receive: "Receive", *, hard: bool) -> None:
    """Close the connection without an answer; `hard` makes it a TCP reset instead of an end."""
    if transport is None:
        return
    if hard and (connection := transport.get_extra_info("socket")) is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    # Until the server has noticed, it would answer 500 by itself for an application that returned.
    while (await receive())["type"] != "http.disconnect":
        pass


def _type(answer: Answer) -> str:
    if isinstance(answer.body, str):
        return "text/plain; charset=utf-8"
    return JSON_TYPE


def _headers(answer: Answer) -> dict[str, str]:
    headers = {"content-type": _type(answer)}
    headers.update({name.lower(): value for name, value in answer.headers.items()})
    return headers


async def _reply(send: "Send", sent: Sent) -> None:
    status, headers, payload = sent
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    if status != 204:
        lines.append((b"content-length", str(len(payload)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": b"" if status == 204 else payload})
