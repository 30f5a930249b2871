"""People ask in Slack while fifty incidents are being assembled: how soon they hear, and a form opens."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from urllib.parse import urlencode

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.figures import Figure, percentile
from benchmarks.world import SLOW, World, running_world

_ALERTS = 50
_EVERY_SECONDS = 0.02
_FORMS = 10
_ACKNOWLEDGED_MS, _OPEN_MS = 100.0, 500.0
_SECRET = "what-slack-signs-with"
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")


async def measure(runs: int) -> list[Figure]:
    """A fresh daemon for each run; vendors as slow as usual."""
    acknowledged: list[float] = []
    opened: list[float] = []
    async with running_world() as world:
        await world.set_delays(SLOW)
        for run in range(min(runs, 3)):
            async with running_daemon(world, variables={"MULTIVAC_SLACK__SIGNING_SECRET": _SECRET}) as daemon:
                acknowledged.append(await _while_assembling(world, daemon, f"ask-{run}"))
                opened += await _forms(world, daemon)
    return [
        Figure(f"a command acknowledged, p99, {_ALERTS} at once", acknowledged, "ms", _ACKNOWLEDGED_MS),
        Figure("a form is open, Slack at 150 ms a call", opened, "ms", _OPEN_MS),
    ]


async def _while_assembling(world: World, daemon: Daemon, mark: str) -> float:
    tokens = [f"{mark}-{number}x" for number in range(_ALERTS)]
    priorities = [_PRIORITIES[number % len(_PRIORITIES)] for number in range(_ALERTS)]
    alerts = await world.open_alerts(tokens, tokens, priorities)
    await world.quiet()
    people = (await world.control.get("/_sandbox/state"))["slack"]["people"]
    user = next(one["id"] for one in people if one["profile"].get("email") == "ana@example.com")
    telling = asyncio.gather(*(daemon.tell(alert) for alert in alerts))
    waits: list[float] = []
    ends = time.monotonic() + 3
    asked: list[asyncio.Task[float]] = []
    while time.monotonic() < ends:
        asked.append(asyncio.create_task(_ask(daemon, len(asked), user=user)))
        await asyncio.sleep(_EVERY_SECONDS)
    waits = await asyncio.gather(*asked)
    await telling
    await world.quiet(for_seconds=2)
    await world.resolve(alerts)
    return percentile(waits, 0.99) * 1000


async def _ask(daemon: Daemon, number: int, *, user: str) -> float:
    """Seconds until a command is acknowledged."""
    body = urlencode(
        {
            "command": "/incident",
            "text": "list",
            "user_id": user,
            "user_name": "ana",
            "channel_id": "C00000000",
            "trigger_id": f"bench.{number}.{time.monotonic_ns()}",
            "response_url": "http://127.0.0.1:9/nobody-listens",
        }
    ).encode()
    at = str(int(time.time()))
    base = b"v0:" + at.encode() + b":" + body
    signature = "v0=" + hmac.new(_SECRET.encode(), base, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signature,
    }
    began = time.monotonic()
    reply = await daemon.door.call("POST", "/webhooks/slack", body, headers=headers)
    if reply.status != 200:
        raise RuntimeError(f"a command was answered with {reply.status}")
    return time.monotonic() - began


async def _forms(world: World, daemon: Daemon) -> list[float]:
    """Milliseconds from the command to Slack's answer that the form is open."""
    url = f"{daemon.url}/webhooks/slack"
    await world.control.post("/_sandbox/slack/connect", signing_secret=_SECRET, commands=url)
    seen: list[float] = []
    for _ in range(_FORMS):
        await world.exchanges()
        began = time.monotonic()
        await world.control.post(
            "/_sandbox/slack/command", channel="general", user="ana@example.com", text="declare"
        )
        said = await world.quiet(for_seconds=1)
        (opened,) = [one for one in said if one["method"] == "views.open"]
        seen.append((float(opened["ended"]) - began) * 1000)
    return seen
