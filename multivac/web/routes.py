"""The routes: webhooks in, health and metrics out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from multivac.telemetry import Telemetry

LARGEST_BODY = 1024 * 1024  # four times what PagerDuty sends at most (its webhook guide)
_FRONT_DOOR_THREADS = 16  # their own, so that no page can keep a webhook waiting


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


class Door(Protocol):
    """A front door for signed bodies."""

    def receive(self, raw: bytes, headers: Mapping[str, str]) -> Reply:
        """Take one delivery; returns after it was committed or refused."""
        ...


@dataclass(slots=True)
class Health:
    """Whether this replica should get traffic; upstreams do not count."""

    database_answers: Callable[[], bool]
    draining: bool = False


class TooLarge(Exception):  # answered with 413, never seen by others
    """The body is larger than we read."""


def create(doors: Mapping[str, Door], health: Health, telemetry: Telemetry, version: str) -> FastAPI:
    """The web application; `doors` by the path's last part, as in /webhooks/pagerduty."""
    app = FastAPI(title="Multivac", version=version, docs_url=None, redoc_url=None, openapi_url=None)
    pool = ThreadPoolExecutor(_FRONT_DOOR_THREADS, thread_name_prefix="door")
    for name, door in doors.items():
        _mount(app, name, door, pool, health, telemetry)
    _mount_health(app, health, telemetry, version)
    return app


def _mount(
    app: FastAPI,
    name: str,
    door: Door,
    pool: ThreadPoolExecutor,
    health: Health,
    telemetry: Telemetry,
) -> None:
    async def webhook(request: Request) -> Response:
        began = time.perf_counter()
        if health.draining:
            return PlainTextResponse("Shutting down: please deliver again.", 503, {"Retry-After": "5"})
        try:
            raw = await _read(request)
        except TooLarge:
            telemetry.webhooks.labels(name, "too large").inc()
            return PlainTextResponse(f"The body is larger than {LARGEST_BODY} bytes.", 413)
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(pool, door.receive, raw, dict(request.headers))
        telemetry.webhooks.labels(name, reply.outcome).inc()
        telemetry.webhook_seconds.labels(name).observe(time.perf_counter() - began)
        return PlainTextResponse(reply.text, reply.status)

    app.add_api_route(f"/webhooks/{name}", webhook, methods=["POST"], include_in_schema=False)


async def _read(request: Request) -> bytes:
    """The raw body, which is what is signed; never more of it in memory than we accept."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > LARGEST_BODY:
            raise TooLarge
    return bytes(parts)


def _mount_health(app: FastAPI, health: Health, telemetry: Telemetry, version: str) -> None:
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
        return PlainTextResponse("ready")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.text(), media_type="text/plain; version=0.0.4")

    @app.get("/version")
    def say_version() -> Response:
        return JSONResponse({"version": version})
