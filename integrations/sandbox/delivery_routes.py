"""Control routes over a stand-in's deliveries: watch them, hold, reverse, double and lose them."""

import json
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from integrations.sandbox.control import route
from integrations.sandbox.deliveries import Deliveries


def delivery_routes(deliveries: Deliveries) -> list[BaseRoute]:
    """Give the routes about deliveries, below a stand-in's control root."""
    return [
        route("/deliveries", lambda _: _listed(deliveries), ("GET",)),
        route("/duplicate", lambda body: _told(deliveries, deliveries.duplicate_next, int(body.get("n", 1)))),
        route("/lose", lambda body: _told(deliveries, deliveries.lose_next, int(body.get("n", 1)))),
        route("/hold", lambda _: _told(deliveries, deliveries.hold)),
        route("/release", lambda body: {"released": deliveries.release(body.get("order", "sent"))}),
        _slow_route("/redeliver", lambda _: _told(deliveries, deliveries.redeliver_due)),
        _slow_route("/raw", lambda body: {"statuses": _raw(deliveries, body)}),
    ]


def _listed(deliveries: Deliveries) -> dict[str, Any]:
    return {
        "deliveries": [each.as_json() for each in list(deliveries.records)],
        "waiting": deliveries.waiting(),
    }


def _told(deliveries: Deliveries, act: Callable[..., None], *arguments: int) -> dict[str, Any]:
    act(*arguments)
    return {"waiting": deliveries.waiting()}


def _raw(deliveries: Deliveries, body: dict[str, Any]) -> list[int | None]:
    raw = str(body["body"]).encode()
    return deliveries.send_raw(raw, secrets=body.get("secrets"), headers=body.get("headers"))


def _slow_route(path: str, act: Callable[[dict[str, Any]], Any]) -> Route:
    """Give a route that waits for the receiver, off the event loop: the receiver may call us back."""

    async def endpoint(request: Request) -> Response:
        body = json.loads(await request.body() or b"{}")
        return JSONResponse(await run_in_threadpool(act, body))

    return Route(path, endpoint, methods=["POST"])
