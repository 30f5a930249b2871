"""Whatever strangers send to any door, Multivac answers below 500, or 503 as documented, and lives on.

Cheap in every run; `make test ARGS="-k strangers --hypothesis-profile=thorough --timeout=900"` looks longer.
"""

import contextlib
import copy
import http.client
import json
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from integrations.sandbox.clock import Clock as SandboxClock
from integrations.sandbox.server import Sandbox
from multivac.app import Daemon
from multivac.settings import load_settings
from tests.processes.daemon import HOOK, SECRET, ask, signed
from tests.stories.stage import Logs

# The daemon's threads draw chance of their own while examples are made.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")

Path = list[str | int]

examples = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


class Errors(logging.Handler):
    """What libraries logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon without vendors, which keeps what comes in; a mistake of its own fails the module."""
    file = tmp_path_factory.mktemp("strangers") / "multivac.db"
    kept, errors = Logs(), Errors()
    structlog.configure(processors=[kept])
    logging.getLogger().addHandler(errors)
    written = {
        "MULTIVAC_DATABASE__URL": f"sqlite:///{file}",
        "MULTIVAC_SERVER__PORT": "0",
        "MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": SECRET,
    }
    daemon = Daemon(load_settings(None, written))
    daemon.start(beating=False)
    yield daemon
    assert ask(daemon.url, "GET", "/readyz")[0] == 200
    daemon.stop()
    logging.getLogger().removeHandler(errors)
    structlog.reset_defaults()
    assert kept.mistakes == []
    assert errors.lines == []


def doors(daemon: Daemon) -> list[str]:
    """Every path that the web application knows, so that no new one is forgotten."""
    app: Any = daemon._server._server.config.app
    return [route.path for route in app.routes if isinstance(route, Route)]


def answered(daemon: Daemon, sent: bytes) -> int | None:
    """The status of what comes back for these bytes; None for a connection that is closed or silent."""
    host, port = daemon.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as stranger:
        stranger.sendall(sent)
        stranger.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError, http.client.BadStatusLine):
            answer = http.client.HTTPResponse(stranger)
            answer.begin()
            return answer.status
    return None


def is_fine(status: int | None) -> bool:
    return status is None or status < 500 or status == 503


VERBS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
ASCII = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":")
NAMES = st.sampled_from(
    [
        "X-PagerDuty-Signature",
        "X-Webhook-Id",
        "Content-Type",
        "Content-Encoding",
        "Content-Length",
        "Transfer-Encoding",
        "Expect",
        "Connection",
        "Upgrade",
        "Host",
        "Cookie",
    ]
) | st.text(ASCII, min_size=1, max_size=20)
VALUES = st.sampled_from(["chunked", "gzip", "100-continue", "websocket", "Upgrade", "close", "-1", "0"]) | (
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=60)
)
PATHS = st.text(st.characters(max_codepoint=255, exclude_characters=" \r\n"), max_size=40)


@examples
@given(
    data=st.data(),
    verb=VERBS,
    tail=st.just("") | PATHS,
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=5),
    body=st.binary(max_size=300),
)
def test_any_request_to_any_door_is_answered_without_an_error(
    door: Daemon,
    data: st.DataObject,
    verb: str,
    tail: str,
    headers: list[tuple[str, str]],
    body: bytes,
) -> None:
    path = data.draw(st.sampled_from(doors(door)))
    given_headers = [*headers, *(signed(body, SECRET).items() if data.draw(st.booleans()) else ())]
    lines = [f"{verb} {path}{tail} HTTP/1.1", *(f"{name}: {value}" for name, value in given_headers)]
    if data.draw(st.booleans()):
        lines.append(f"Content-Length: {len(body)}")
    sent = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    assert is_fine(answered(door, sent))


@examples
@given(at=st.integers(0, 400), cut=st.integers(0, 8), put=st.binary(max_size=8))
def test_a_garbled_request_is_answered_without_an_error(door: Daemon, at: int, cut: int, put: bytes) -> None:
    body = b'{"event": {"id": "1", "event_type": "pagey.ping"}}'
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(body, SECRET).items())
    whole = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body
    at %= len(whole)
    assert is_fine(answered(door, whole[:at] + put + whole[at + cut :]))


@pytest.fixture(scope="module")
def events() -> list[Any]:
    """One real body for each thing that happens to an alert."""
    sandbox = Sandbox(SandboxClock(frozen=datetime(2026, 3, 2, 12, tzinfo=UTC)))
    sandbox.seed()
    vendor = sandbox.pagerduty
    vendor.subscribe("http://127.0.0.1:9/", "never used")
    vendor.hold_deliveries()
    alert = vendor.trigger("Checkout is slow", "checkout")
    vendor.acknowledge(alert, by="Ana")
    vendor.set_priority(alert, "P1", by="Ana")
    vendor.resolve(alert, by="Ana")
    held = vendor.deliveries._held
    assert held
    return [json.loads(parcel.event.body) for parcel in held]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, here: Path) -> Iterator[Path]:
    """Every place in a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield [*here, step]
        yield from paths(inner, [*here, step])


@examples
@given(data=st.data(), number=st.integers(1, 4))
def test_whatever_a_signed_event_holds_it_is_accepted(
    door: Daemon, events: list[Any], data: st.DataObject, number: int
) -> None:
    event = copy.deepcopy(data.draw(st.sampled_from(events)))
    for _ in range(number):
        *above, last = data.draw(st.sampled_from(list(paths(event, []))))
        inner = event
        for step in above:
            inner = inner[step]
        if data.draw(st.booleans()):
            inner[last] = data.draw(JSON)
        else:
            del inner[last]
        if not event:
            break
    if isinstance(event.get("event"), dict):
        event["event"]["id"] = data.draw(st.uuids()).hex
    body = json.dumps(event).encode("utf-8", "surrogatepass")
    headers = {"Content-Type": "application/json", **signed(body, SECRET)}
    assert ask(door.url, "POST", HOOK, body, headers)[0] == 202
