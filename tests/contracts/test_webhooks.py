"""Every webhook body that was recorded from PagerDuty, and every signature, through the real front door."""

import copy
import http.client
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from integrations.pagerduty.events import read_event
from multivac.app import Daemon
from multivac.incident import IncidentId
from multivac.settings import load_settings
from multivac.store import timeline
from multivac.store.tables import alert, delivery, unreadable
from tests.processes.daemon import HOOK, SECRET, signed

DOCS = Path(__file__).parents[2] / "docs" / "events.md"


@pytest.fixture
def vectors(payloads: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((payloads / "pagerduty" / "signature_vectors.json").read_text())
    return found


@pytest.fixture
def bodies(payloads: Path) -> dict[str, bytes]:
    """The recorded bodies by their event types."""
    paths = (payloads / "pagerduty").glob("*.json")
    return {path.stem: path.read_bytes() for path in paths if path.stem != "signature_vectors"}


@pytest.fixture
def daemon(database_url: str, vectors: list[dict[str, Any]], tmp_path: Path) -> Iterator[Daemon]:
    """A daemon in this process that takes webhooks and knows no vendor."""
    secrets = [SECRET, *dict.fromkeys(vector["secret"] for vector in vectors)]
    settings = {
        "MULTIVAC_SERVER__PORT": "0",
        "MULTIVAC_DATABASE__URL": database_url,
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": json.dumps(secrets),
    }
    daemon = Daemon(load_settings(None, settings))
    daemon.start(beating=False)
    yield daemon
    daemon.stop()


class Door:
    """One open connection to the daemon, as PagerDuty keeps it."""

    def __init__(self, daemon: Daemon) -> None:
        self._connection = http.client.HTTPConnection(daemon.url.removeprefix("http://"), timeout=5)

    def close(self) -> None:
        self._connection.close()

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Deliver a body, rightly signed unless the headers say otherwise; the status."""
        self._connection.request("POST", HOOK, body, signed(body, SECRET) if headers is None else headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture
def door(daemon: Daemon) -> Iterator[Door]:
    door = Door(daemon)
    yield door
    door.close()


def rows_of_the_docs() -> dict[str, str]:
    """What docs/events.md says each event type visibly does."""
    rows = re.findall(r"^\| `([a-z_.]+)` \|.*\| ([^|]+) \|$", DOCS.read_text(), re.MULTILINE)
    return dict(rows)


def trigger_for(recorded: bytes, key: str, number: int) -> bytes:
    """The recorded trigger as it would have told of another incident, on a service of its own."""
    body = copy.deepcopy(json.loads(recorded))
    body["event"] |= {"id": f"TRIGGER{number}", "occurred_at": "2020-01-01T00:00:00Z"}
    body["event"]["data"] |= {"id": key, "number": number, "title": f"Trouble {number}"}
    body["event"]["data"]["service"] |= {"id": f"PSERVICE{number}", "summary": f"service {number}"}
    return json.dumps(body).encode()


def lines_about(daemon: Daemon, key: str) -> list[str]:
    """The timeline of the incident that an alert belongs to, once its job is over; empty if there is none."""
    while daemon.beat.beat() or daemon.jobs.in_progress():  # a change soon after another waits for the beat
        assert daemon.jobs.wait_until_idle(5)
    with daemon.database.read() as tx:
        owner = tx.scalar(sa.select(alert.c.incident).where(alert.c.key == key))
        return [] if owner is None else [entry.text for entry in timeline.entries(tx, IncidentId(owner))]


def test_every_recorded_body_comes_in_and_does_what_the_docs_say(
    daemon: Daemon, door: Door, bodies: dict[str, bytes]
) -> None:
    docs = rows_of_the_docs()
    assert docs.keys() == bodies.keys()
    for number, (kind, body) in enumerate(sorted(bodies.items()), start=1):
        told = read_event(body, webhook_id=None, received_at=datetime.now(UTC))
        alone = "Belongs to no incident" in docs[kind]
        assert (told.key is None) == alone, kind
        if told.key is not None and kind != "incident.triggered":
            assert door.post(trigger_for(bodies["incident.triggered"], told.key, number)) == 202
        before = lines_about(daemon, told.key or "")
        assert door.post(body) == 202, kind
        after = lines_about(daemon, told.key or "")
        assert after.count(told.text) == (0 if alone else 1), (kind, told.text, before, after)
        # PagerDuty delivers at least once: a second time changes nothing.
        assert door.post(body) == 202, kind
        assert lines_about(daemon, told.key or "") == after, kind
    with daemon.database.read() as tx:
        assert set(tx.scalars(sa.select(delivery.c.kind))) == bodies.keys()
        assert tx.scalar(sa.select(sa.func.count()).select_from(unreadable)) == 0


def test_every_recorded_body_alone_is_taken_whatever_came_before(
    door: Door, bodies: dict[str, bytes]
) -> None:
    assert {kind: door.post(body) for kind, body in bodies.items()} == dict.fromkeys(bodies, 202)


def test_every_signature_is_judged_as_recorded(door: Door, vectors: list[dict[str, Any]]) -> None:
    for vector in vectors:
        header = vector["X-PagerDuty-Signature"]
        wanted = 202 if vector["valid"] else 503 if "v1=" in header else 401
        assert door.post(vector["raw_body"].encode(), {"X-PagerDuty-Signature": header}) == wanted, vector[
            "name"
        ]
