"""The routes: webhooks in, health and metrics out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from multivac.telemetry import Telemetry
from multivac.web.guard import LARGEST_BODY, Body, NoRoom, Room, TooLarge

_FRONT_DOOR_THREADS = 16  # each door's own, so that neither a page nor a flood of alerts keeps Slack waiting


class Reply(Protocol):
    """What a front door answers."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def text(self) -> str:
        """One plain line."""
        ...

    @property
    def outcome(self) -> str:
        """One word for the metric."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with the text; without a type it is plain."""
        ...

    @property
    def afterwards(self) -> Callable[[], None] | None:
        """What is to begin once the answer is sent, since it would hold the answer up; must not block."""
        ...


class Door(Protocol):
    """A front door for signed bodies."""

    def receive(self, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """Take one delivery; returns after it was committed or refused."""
        ...


@dataclass(slots=True)
class Health:
    """Whether this replica should get traffic; upstreams do not count."""

    database_answers: Callable[[], bool]
    database_takes_writes: Callable[[], bool]
    draining: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the web application is made of; `doors` by the path's last part, as in /webhooks/pagerduty."""

    doors: Mapping[str, Door]
    health: Health
    telemetry: Telemetry
    version: str
    room: Room = field(default_factory=Room)


def create(parts: Parts) -> FastAPI:
    """The web application."""
    app = FastAPI(title="Multivac", version=parts.version, docs_url=None, redoc_url=None, openapi_url=None)
    for name in parts.doors:
        _mount(app, name, parts=parts)
    _mount_health(app, parts)
    return app


def _mount(app: FastAPI, name: str, *, parts: Parts) -> None:
    pool = ThreadPoolExecutor(_FRONT_DOOR_THREADS, thread_name_prefix=f"door-{name}")
    door, told, seconds = parts.doors[name], parts.telemetry.webhooks, parts.telemetry.webhook_seconds

    async def webhook(request: Request) -> Response:
        began = time.perf_counter()
        if parts.health.draining:
            return PlainTextResponse("Shutting down: please deliver again.", 503, {"Retry-After": "5"})
        with parts.room.body() as body:
            try:
                await _read(request, body)
            except (TooLarge, NoRoom, ClientDisconnect) as error:
                why, refusal = _refusal(error)
                told.labels(name, why).inc()
                return refusal
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(pool, door.receive, bytes(body.raw), dict(request.headers))
        told.labels(name, reply.outcome).inc()
        seconds.labels(name).observe(time.perf_counter() - began)
        return PlainTextResponse(reply.text, reply.status, dict(reply.headers), background=_then(reply))

    # A plain route: nothing here needs what an API route works out for each request.
    app.router.routes.append(Route(f"/webhooks/{name}", webhook, methods=["POST"]))


def _then(reply: Reply) -> BackgroundTask | None:
    begin = reply.afterwards
    if begin is None:
        return None

    async def afterwards() -> None:
        begin()

    return BackgroundTask(afterwards)


async def _read(request: Request, body: Body) -> None:
    """The raw body, which is what is signed, however it is encoded: nothing is unpacked."""
    async for part in request.stream():
        body.add(part)


def _refusal(error: Exception) -> tuple[str, Response]:
    """The word for the metric and the answer to a body that was not read to its end."""
    if isinstance(error, TooLarge):
        return "too large", PlainTextResponse(f"The body is larger than {LARGEST_BODY} bytes.", 413)
    if isinstance(error, NoRoom):
        return "no room", PlainTextResponse("Busy: please deliver again.", 503, {"Retry-After": "5"})
    return "cut off", PlainTextResponse("The body is not whole.", 400)


def _mount_health(app: FastAPI, parts: Parts) -> None:
    health = parts.health

    @app.get("/livez")
    async def livez() -> Response:
        return PlainTextResponse("alive")

    @app.get("/readyz")
    @app.get("/healthz")
    def readyz() -> Response:
        if health.draining:
            return PlainTextResponse("draining", 503)
        if not health.database_answers():
            return PlainTextResponse("the database does not answer", 503)
        if not health.database_takes_writes():
            return PlainTextResponse("the database takes no writes: see its disk, and the log", 503)
        return PlainTextResponse("ready")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(parts.telemetry.text(), media_type="text/plain; version=0.0.4")

    @app.get("/version")
    def say_version() -> Response:
        return JSONResponse({"version": parts.version})
