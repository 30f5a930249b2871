"""The daemon over HTTP: health, metrics, and which webhooks come in."""

import contextlib
import http.client
import json
import resource
import socket
import statistics
import sys
import time
import uuid
from collections.abc import Iterator

import psutil
import pytest

from multivac.app import VERSION
from tests.processes.daemon import HOOK, SECRET, Daemon, ask, signed

pytestmark = pytest.mark.slow(40, "a daemon or a command starts cold, perhaps on two busy cores")

OLD = "the-secret-before"
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that takes webhooks signed with either of two secrets, and knows no vendor."""
    yield from _listening(tmp_path_factory, MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS=f"{SECRET},{OLD}")


@pytest.fixture(scope="module")
def strict_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that refuses for good what matches no secret."""
    secrets = {"MULTIVAC_PAGERDUTY__WEBHOOK_SECRETS": SECRET, "MULTIVAC_PAGERDUTY__UNVERIFIED": "refuse"}
    yield from _listening(tmp_path_factory, **secrets)


def _listening(factory: pytest.TempPathFactory, **settings: str) -> Iterator[Daemon]:
    every = {"MULTIVAC_SERVER__PORT": "0", "MULTIVAC_LOG__FORMAT": "json", **settings}
    daemon = Daemon(every, factory.mktemp("door"))
    try:
        yield daemon.start()
    finally:
        daemon.kill()


def ping() -> bytes:
    event = {"id": uuid.uuid4().hex, "event_type": "pagey.ping", "resource_type": "pagey"}
    data = {"message": "Hello", "type": "ping"}
    return json.dumps(
        {"event": {**event, "occurred_at": "2026-03-01T12:00:00Z", "agent": None, "data": data}}
    ).encode()


def test_it_says_that_it_lives_is_ready_and_which_release_it_is(door: Daemon) -> None:
    assert door.get("/livez")[0] == 200
    assert door.get("/readyz")[0] == 200
    assert json.loads(door.get("/version")[1]) == {"version": VERSION}


def test_a_connection_that_is_kept_open_is_answered_at_once(door: Daemon) -> None:
    """An answer in two writes takes 40 ms where Nagle's algorithm is left on."""
    kept = http.client.HTTPConnection(door.url.removeprefix("http://"), timeout=5)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        kept.request("GET", "/livez")
        kept.getresponse().read()
        took.append(time.perf_counter() - began)
    kept.close()
    assert statistics.median(took) < 0.03


def test_its_metrics_count_webhooks_by_what_became_of_them(door: Daemon) -> None:
    door.post(ping())
    status, text, headers = door.get("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    assert f'multivac_build_info{{version="{VERSION}"}} 1.0' in text
    assert 'multivac_webhooks_received_total{result="accepted",source="pagerduty"}' in text


@pytest.mark.parametrize("secrets", [(SECRET,), (OLD,), (OLD, SECRET), ("unknown", OLD), ("x", "y", SECRET)])
def test_any_of_several_signatures_with_any_of_several_secrets_comes_in(
    door: Daemon, secrets: tuple[str, ...]
) -> None:
    body = ping()
    assert door.post(body, signed(body, *secrets))[0] == 202


@pytest.mark.parametrize(
    "header", [None, "", "v1=", "v1=abc", "v2=" + "0" * 64, "0" * 64, "v1=" + "g" * 64, "v1:" + "0" * 64]
)
def test_without_a_well_formed_signature_nothing_comes_in(door: Daemon, header: str | None) -> None:
    headers = {} if header is None else {"X-PagerDuty-Signature": header}
    assert door.post(ping(), headers)[0] == 401


def test_a_signature_that_matches_nothing_is_asked_for_again(door: Daemon) -> None:
    body = ping()
    assert door.post(body, signed(body, "another secret"))[0] == 503
    assert door.post(body, signed(body + b" ", SECRET))[0] == 503


def test_a_signature_that_matches_nothing_is_refused_where_operators_want_that(strict_door: Daemon) -> None:
    body = ping()
    assert strict_door.post(body, signed(body, "another secret"))[0] == 401
    assert strict_door.post(body, signed(body, OLD))[0] == 401
    assert strict_door.post(body, signed(body, SECRET))[0] == 202


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[1]", b"\xff\xfe", b'{"event": 7}', b'"' + b"a" * 9999]
)
def test_whatever_is_rightly_signed_comes_in(door: Daemon, body: bytes) -> None:
    assert door.post(body)[0] // 100 == 2


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE"])
def test_the_path_of_webhooks_takes_posts_alone(door: Daemon, verb: str) -> None:
    assert ask(door.url, verb, HOOK)[0] == 405


def test_a_body_of_more_than_a_mebibyte_is_too_large(door: Daemon) -> None:
    largest = b" " * MEBIBYTE
    assert door.post(largest)[0] == 202
    assert door.post(largest + b" ")[0] == 413
    assert door.get("/readyz")[0] == 200


def test_thousands_of_idle_connections_keep_nobody_out(door: Daemon) -> None:
    """A stranger holds 2,000 connections; the daemon keeps a thousand at most, and stays as small."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard < 4000 else max(soft, 4000), hard))
    process = psutil.Process(door.process.pid)
    before = process.memory_info().rss
    host, port = door.url.removeprefix("http://").split(":")
    with contextlib.ExitStack() as held:
        for number in range(2000):
            one = held.enter_context(socket.create_connection((host, int(port)), timeout=5))
            one.sendall(b"POST /webhooks/pagerduty HTTP/1.1\r\n" if number % 2 else b"")
        took = []
        for _ in range(20):
            began = time.perf_counter()
            assert door.post(ping())[0] == 202
            took.append(time.perf_counter() - began)
        assert len(process.net_connections("tcp")) <= 1002
        assert process.memory_info().rss - before < 32 * MEBIBYTE
    sys.stdout.write(f"webhooks beside 2,000 idle connections: {sorted(took)[10] * 1000:.0f} ms\n")
    assert statistics.median(took) < 0.25
