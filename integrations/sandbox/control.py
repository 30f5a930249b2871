"""The sandbox's own API under /_sandbox: what benchmarks, the demo and the page move and watch it with.

It is no stand-in: no delays, no faults and no limits apply here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from integrations.sandbox.exchange import Fault, parsed

if TYPE_CHECKING:
    from integrations.sandbox.server import Sandbox

LOOK_EVERY = 0.1


def route(path: str, act: Callable[[dict[str, Any]], Any], verbs: tuple[str, ...] = ("POST",)) -> Route:
    """Give a control route: `act` takes the JSON body, query and path parameters and gives JSON.

    What `act` raises as LookupError, TypeError or ValueError is the caller's mistake and answered 400.
    """

    async def endpoint(request: Request) -> Response:
        return _answered(act, await _given(request))

    return Route(path, endpoint, methods=list(verbs))


def slow_route(path: str, act: Callable[[dict[str, Any]], Any]) -> Route:
    """Give a control route off the event loop, for what waits for an application that may call back."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answered, act, await _given(request))

    return Route(path, endpoint, methods=["POST"])


def routes(sandbox: "Sandbox") -> list[BaseRoute]:
    """Give the routes below /_sandbox that are about the whole of it."""
    world = sandbox.world

    async def events(_request: Request) -> Response:
        return StreamingResponse(_changes(sandbox), media_type="text/event-stream")

    return [
        route("/clock", lambda _: {"now": world.clock.now().isoformat()}, ("GET",)),
        route("/clock", lambda body: _move_clock(sandbox, body)),
        route("/state", lambda _: sandbox.state(), ("GET",)),
        route("/exchanges", lambda query: _exchanges(sandbox, int(query.get("since", 0))), ("GET",)),
        route("/faults", lambda _: {"faults": [asdict(each) for each in world.faults]}, ("GET",)),
        route("/faults", lambda body: asdict(world.fail(fault_from(body)))),
        route("/faults", lambda _: _heal(sandbox), ("DELETE",)),
        route("/release", lambda _: _release(sandbox)),
        route("/delays", lambda body: _set_delays(sandbox, body)),
        route("/limits", lambda body: _set_limits(sandbox, on=bool(body["on"]))),
        route("/reset", lambda body: _reset(sandbox, seed=bool(body.get("seed", False)))),
        Route("/events", events, methods=["GET"]),
    ]


def fault_from(body: dict[str, Any]) -> Fault:
    """Make a fault from its JSON; an unknown field raises ValueError."""
    unknown = set(body) - {each.name for each in fields(Fault)}
    if unknown:
        msg = f"unknown fault fields: {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    return Fault(**body)


async def _given(request: Request) -> dict[str, Any]:
    raw = await request.body()
    body = parsed(raw, "application/json") if raw else {}
    return {**request.query_params, **(body if isinstance(body, dict) else {}), **request.path_params}


def _answered(act: Callable[[dict[str, Any]], Any], given: dict[str, Any]) -> Response:
    try:
        return JSONResponse(act(given))
    except (LookupError, TypeError, ValueError) as mistake:
        return JSONResponse({"error": f"{type(mistake).__name__}: {mistake}"}, status_code=400)


def _move_clock(sandbox: "Sandbox", body: dict[str, Any]) -> dict[str, Any]:
    clock = sandbox.world.clock
    if body.get("freeze"):
        clock.freeze()
    if "set" in body:
        instant = datetime.fromisoformat(body["set"])
        if instant.tzinfo is None:
            msg = "the instant needs a UTC offset"
            raise ValueError(msg)
        clock.set(instant)
    if "forward" in body:
        clock.forward(float(body["forward"]))
    sandbox.world.touch()
    return {"now": clock.now().isoformat()}


def _exchanges(sandbox: "Sandbox", since: int) -> dict[str, Any]:
    with sandbox.world.lock:
        heard = sandbox.world.exchanges[since:]
    return {"exchanges": [each.as_json() for each in heard], "next": since + len(heard)}


def _heal(sandbox: "Sandbox") -> dict[str, Any]:
    sandbox.world.heal()
    return {"faults": []}


def _release(sandbox: "Sandbox") -> dict[str, Any]:
    held = sandbox.world.held
    sandbox.world.release()
    return {"released": held}


def _set_delays(sandbox: "Sandbox", body: dict[str, Any]) -> dict[str, Any]:
    world = sandbox.world
    wanted = {name: float(seconds) for name, seconds in body.items()}
    world.connect_delay = wanted.pop("connect", world.connect_delay)
    world.delays.update(wanted)
    return {**world.delays, "connect": world.connect_delay}


def _set_limits(sandbox: "Sandbox", *, on: bool) -> dict[str, Any]:
    sandbox.world.limits_on = on
    return {"on": on}


def _reset(sandbox: "Sandbox", *, seed: bool) -> dict[str, Any]:
    sandbox.reset()
    if seed:
        sandbox.seed()
    return {"reset": True, "seeded": seed}


async def _changes(sandbox: "Sandbox") -> AsyncIterator[str]:
    """Give one server-sent event whenever the world has changed; many changes at once are one event."""
    seen = -1
    while True:
        changed = sandbox.world.changed
        if changed != seen:
            seen = changed
            yield f"event: changed\ndata: {changed}\n\n"
        await asyncio.sleep(LOOK_EVERY)
