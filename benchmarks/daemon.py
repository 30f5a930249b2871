"""The daemon under test, a process of its own: started, told of alerts, watched, stopped."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import socket
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.wire import Reply, Wire
from benchmarks.world import (
    FROM,
    HEADERS,
    JIRA_TOKEN,
    JIRA_USER,
    JSON,
    PAGERDUTY_TOKEN,
    ROOT,
    SLACK_TOKEN,
    Alert,
    World,
)

_SECRET = "a-secret-of-the-benchmark"
# What the sandbox itself tells the daemon; of new alerts it hears from us.
_HEARD_ELSEWHERE = ["incident.annotated", "incident.acknowledged", "incident.resolved"]


@dataclass(slots=True)
class Daemon:
    """A running `multivac run`, and what it takes of the machine."""

    process: psutil.Popen
    door: Wire
    database: str
    ready_seconds: float
    log: Path
    peak_rss: int = 0
    peak_threads: int = 0
    watching: asyncio.Task[None] | None = field(default=None, repr=False)
    url: str = ""

    async def tell(self, alert: Alert, *, webhook: str | None = None) -> Reply:
        """Send its webhook, rightly signed; `webhook` is the delivery's id, to send one twice."""
        signature = hmac.new(_SECRET.encode(), alert.body, hashlib.sha256).hexdigest()
        headers = {
            **JSON,
            "X-PagerDuty-Signature": f"v1={signature}",
            "X-Webhook-Id": webhook or str(uuid.uuid4()),
        }
        return await self.door.call("POST", "/webhooks/pagerduty", alert.body, headers=headers)

    async def metric(self, name: str) -> float:
        """The sum of one metric over its labels."""
        text = (await self.door.call("GET", "/metrics")).body.decode()
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith((f"{name} ", f"{name}{{"))
        )

    def forget_people(self) -> None:
        """Empty its table of vendors' ids of people, so that everybody is looked up again (SQLite)."""
        with sqlite3.connect(self.database.removeprefix("sqlite:///"), timeout=10) as connection:
            connection.execute("DELETE FROM person")
        connection.close()

    def cpu_seconds(self) -> float:
        """The processor time it has used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    async def watch(self) -> None:
        """Remember the most memory and threads it ever has."""
        while True:
            with suppress(psutil.NoSuchProcess):
                self.peak_rss = max(self.peak_rss, self.process.memory_info().rss)
                self.peak_threads = max(self.peak_threads, self.process.num_threads())
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running_daemon(
    world: World, *, database: str | None = None, variables: Mapping[str, str] | None = None
) -> AsyncIterator[Daemon]:
    """A daemon on an empty SQLite file, or on the database given; it listens once this is entered.

    `variables` are set over the usual ones.
    """
    with tempfile.TemporaryDirectory(prefix="mv-bench-") as folder:
        database = database or f"sqlite:///{folder}/multivac.db"
        port = _free_port()
        log = Path(folder) / "log"
        began = time.monotonic()
        process = _start(_environment(world, port, database) | dict(variables or {}), log)
        try:
            await _until_ready(process, port, log)
            ready = time.monotonic() - began
            url = f"http://127.0.0.1:{port}"
            daemon = Daemon(process, Wire(url), database, ready, log, url=url)
            unsubscribe = await _subscribe(world, port)
            await world.quiet()  # its first sweep is over, so that it finds none of our alerts by itself
            daemon.watching = asyncio.create_task(daemon.watch())
            yield daemon
            daemon.watching.cancel()
            daemon.door.close()
            await world.control.call("DELETE", unsubscribe, headers=HEADERS["pagerduty"])
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 40)


def _start(environment: dict[str, str], log: Path) -> psutil.Popen:
    command = [sys.executable, "-m", "multivac", "run"]
    with log.open("wb") as output:
        return psutil.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)


async def _subscribe(world: World, port: int) -> str:
    """Let the sandbox tell the daemon what becomes of its alerts; gives the path that ends it."""
    url = f"http://127.0.0.1:{port}/webhooks/pagerduty"
    made = await world.control.post(
        "/_sandbox/pagerduty/subscribe", url=url, secret=_SECRET, events=_HEARD_ELSEWHERE
    )
    return f"/pagerduty/webhook_subscriptions/{made['id']}"


def _environment(world: World, port: int, database: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MULTIVAC_")}
    return inherited | {
        "MULTIVAC_SERVER__PORT": str(port),
        "MULTIVAC_DATABASE__URL": database,
        "MULTIVAC_SLACK__BOT_TOKEN": SLACK_TOKEN,
        "MULTIVAC_SLACK__API_URL": f"{world.url}/slack/api/",
        "MULTIVAC_SLACK__ANNOUNCE_CHANNEL": "incidents",
        "MULTIVAC_SLACK__PACE": "0",  # what we need ourselves is measured, not what Slack allows
        "MULTIVAC_JIRA__URL": f"{world.url}/jira",
        "MULTIVAC_JIRA__USER": JIRA_USER,
        "MULTIVAC_JIRA__TOKEN": JIRA_TOKEN,
        "MULTIVAC_JIRA__PROJECT": "OPS",
        "MULTIVAC_JIRA__FLAVOUR": "cloud",
        "MULTIVAC_PAGERDUTY__TOKEN": PAGERDUTY_TOKEN,
        "MULTIVAC_PAGERDUTY__FROM_EMAIL": FROM,
        "MULTIVAC_PAGERDUTY__API_URL": f"{world.url}/pagerduty",
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": json.dumps([_SECRET]),
        "MULTIVAC_LOG__FORMAT": "json",
        # The other benchmarks ask how fast the work is done, not how it is put off.
        "MULTIVAC_STORM__NEW_INCIDENTS": "1000",
    }


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


async def _until_ready(process: psutil.Popen, port: int, log: Path) -> None:
    wire = Wire(f"http://127.0.0.1:{port}")
    for _ in range(6000):
        with suppress(OSError, asyncio.IncompleteReadError):
            if (await wire.call("GET", "/readyz")).status == 200:
                wire.close()
                return
        if process.poll() is not None:
            break
        await asyncio.sleep(0.01)
    said = await asyncio.to_thread(log.read_text)
    raise RuntimeError(f"the daemon did not become ready:\n{said[-3000:]}")
