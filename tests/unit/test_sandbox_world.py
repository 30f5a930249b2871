"""The sandbox's core: the clock, the faults as a client meets them, delays, records and its own API."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from integrations.sandbox import control
from integrations.sandbox.limits import Buckets
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import Answer, Call, Clock, Fault, FaultWords, Loopback, World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shop:
    """A vendor for these tests: it counts what it was asked to sell."""

    def __init__(self) -> None:
        self.world = World()
        self.sold: list[Any] = []
        self.world.teach(
            "shop",
            FaultWords(
                refuse=lambda fault: Answer(fault.status or 400, {"no": fault.error}),
                rate_limit=lambda fault: Answer(
                    429, {"slow": "down"}, {"Retry-After": str(fault.retry_after)}
                ),
                server_error=lambda fault: Answer(fault.status or 500, {"sorry": True}),
            ),
        )
        endpoint = self.world.endpoint(
            "shop", lambda call: f"{call.verb} {call.path_params['what']}", self.sell
        )
        routes = [Mount("/shop", routes=[Route("/{what}", endpoint, methods=["GET", "POST"])])]
        self.loopback = Loopback(Starlette(routes=routes)).start()

    def sell(self, call: Call) -> Answer:
        self.sold.append(call.fields)
        return Answer(201, {"sold": len(self.sold)}, {"X-Shop": "yes"})

    def connection(self, timeout: float = 5.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.loopback.url.removeprefix("http://"), timeout=timeout)

    def ask(self, body: Any = None, connection: http.client.HTTPConnection | None = None) -> tuple[int, Any]:
        own = connection or self.connection()
        try:
            payload = json.dumps(body or {}).encode()
            own.request("POST", "/shop/book", payload, {"Content-Type": "application/json"})
            answer = own.getresponse()
            return answer.status, answer.read()
        finally:
            if connection is None:
                own.close()


@pytest.fixture(scope="module")
def one_shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.loopback.stop()


@pytest.fixture
def shop(one_shop: Shop) -> Shop:
    one_shop.world.reset()
    one_shop.world.delays.clear()
    one_shop.world.connect_delay = 0.0
    one_shop.sold.clear()
    return one_shop


def test_a_clock_runs_by_itself_and_jumps_when_told() -> None:
    clock = Clock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    clock.forward(3600)
    assert clock.now() - datetime.now(UTC) > timedelta(minutes=59)
    clock.set(NOON)
    assert timedelta() <= clock.now() - NOON < timedelta(seconds=1)


def test_a_frozen_clock_moves_only_by_hand() -> None:
    clock = Clock(frozen=NOON)
    assert clock.now() == clock.now() == NOON
    clock.forward(90)
    assert clock.now() == NOON + timedelta(seconds=90)
    clock.set(NOON)
    assert clock.ticks() == NOON.timestamp()


def test_buckets_refill_steadily_on_the_sandbox_clock() -> None:
    clock = Clock(frozen=NOON)
    buckets = Buckets(clock)
    takes = [buckets.take("key", per_second=0.5, burst=2) for _ in range(3)]
    assert takes == [0.0, 0.0, 2.0]
    clock.forward(2)
    assert buckets.take("key", per_second=0.5, burst=2) == 0.0
    assert buckets.take("other", per_second=0.5, burst=2) == 0.0


def test_an_exchange_is_recorded_whole_before_the_client_has_the_answer(shop: Shop) -> None:
    status, body = shop.ask({"title": "Emma"})
    assert (status, json.loads(body)) == (201, {"sold": 1})
    [heard] = shop.world.calls("shop", "POST book")
    assert heard.path == "/shop/book"
    assert heard.request_body == {"title": "Emma"}
    assert heard.response_body == {"sold": 1}
    assert heard.response_headers["x-shop"] == "yes"
    assert heard.status == 201
    assert heard.fault is None
    assert heard.connection.startswith("127.0.0.1:")
    assert heard.started <= heard.ended


def test_query_and_form_reach_the_handler_as_fields(shop: Shop) -> None:
    connection = shop.connection()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/shop/book?page=2&x=query", "x=form&empty=", form)
    connection.getresponse().read()
    connection.close()
    assert shop.sold == [{"page": "2", "x": "form", "empty": ""}]


def test_a_refusal_happens_before_the_effect_and_only_so_often(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="refuse", status=403, error="closed", times=2))
    assert [shop.ask()[0] for _ in range(3)] == [403, 403, 201]
    assert len(shop.sold) == 1
    assert [each.fault for each in shop.world.calls("shop")] == ["refuse", "refuse", None]


def test_a_lost_answer_cuts_the_connection_after_the_effect(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="lose_answer"))
    with pytest.raises(http.client.RemoteDisconnected):
        shop.ask()
    assert len(shop.sold) == 1
    assert shop.world.calls("shop")[0].status == 0


def test_a_reset_is_a_real_tcp_reset_before_the_effect(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="reset"))
    connection = shop.connection()
    with pytest.raises(ConnectionResetError) as caught:
        shop.ask(connection=connection)
    connection.close()
    assert not isinstance(caught.value, http.client.RemoteDisconnected)
    assert shop.sold == []


def test_a_timeout_never_answers_and_has_no_effect(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="timeout"))
    connection = shop.connection(timeout=0.05)
    with pytest.raises(TimeoutError):
        shop.ask(connection=connection)
    connection.close()
    assert shop.world.wait_for(lambda: len(shop.world.calls("shop")) == 1)
    assert shop.sold == []


def test_a_slow_answer_comes_late_and_whole(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="slow", seconds=0.05))
    began = time.monotonic()
    assert shop.ask()[0] == 201
    assert time.monotonic() - began >= 0.05


def test_a_rate_limit_speaks_the_vendors_words(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="rate_limit", retry_after=7))
    assert shop.ask() == (429, b'{"slow":"down"}')
    assert shop.world.calls("shop")[0].response_headers["retry-after"] == "7"
    assert shop.sold == []


def test_a_server_error_has_no_effect(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="server_error", status=503))
    assert shop.ask() == (503, b'{"sorry":true}')
    assert shop.sold == []


def test_a_malformed_answer_is_200_with_broken_json(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="malformed"))
    status, body = shop.ask()
    assert status == 200
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(body)
    assert shop.sold == []


def test_an_html_answer_is_what_a_proxy_gives(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="html"))
    status, body = shop.ask()
    assert status == 502
    assert body.startswith(b"<html>")


def test_a_held_request_has_its_effect_when_released_even_if_its_client_is_gone(shop: Shop) -> None:
    shop.world.fail(Fault("shop", kind="hold"))
    connection = shop.connection(timeout=0.05)
    with pytest.raises(TimeoutError):
        shop.ask(connection=connection)
    connection.close()
    assert shop.world.held == 1
    assert shop.sold == []
    shop.world.release()
    assert shop.world.wait_for(lambda: len(shop.sold) == 1)
    assert shop.world.held == 0


def test_a_fault_meets_only_the_method_and_fields_it_names(shop: Shop) -> None:
    shop.world.fail(Fault("shop", "POST book", "refuse", times=0, match={"by.name": "Jane", "n": 1}))
    shop.world.fail(Fault("bank", times=0))
    shop.world.fail(Fault("shop", "GET book", times=0))
    assert shop.ask({"by": {"name": "Jane"}, "n": "1"})[0] == 400
    assert shop.ask({"by": {"name": "Anne"}, "n": 1})[0] == 201
    assert shop.ask({"by": {"name": "Jane"}})[0] == 201
    assert shop.ask({"by": {"name": "Jane"}, "n": 1})[0] == 400
    shop.world.heal()
    assert shop.ask({"by": {"name": "Jane"}, "n": 1})[0] == 201


def test_an_unknown_kind_of_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault kind 'explode'"):
        Fault("shop", kind="explode")


def test_delays_pass_side_by_side(shop: Shop) -> None:
    shop.world.delays["shop"] = 0.1
    began = time.monotonic()
    threads = [threading.Thread(target=shop.ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.1 <= time.monotonic() - began < 0.6
    assert len(shop.sold) == 10


def test_a_new_connection_costs_its_delay_once(shop: Shop) -> None:
    shop.world.connect_delay = 0.06
    connection = shop.connection()
    spent = []
    for _ in range(2):
        began = time.monotonic()
        shop.ask(connection=connection)
        spent.append(time.monotonic() - began)
    connection.close()
    assert spent[0] >= 0.06 > spent[1]


def test_a_body_beyond_all_reason_is_refused(shop: Shop) -> None:
    assert shop.ask({"title": "x" * 4_100_000})[0] == 413
    assert shop.sold == []


def test_every_visible_change_moves_the_counter(shop: Shop) -> None:
    before = shop.world.changed
    shop.ask()
    assert shop.world.changed > before


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(one_sandbox: Sandbox) -> Sandbox:
    one_sandbox.reset()
    one_sandbox.world.delays.clear()
    one_sandbox.world.connect_delay = 0.0
    one_sandbox.world.limits_on = False
    one_sandbox.world.clock.set(datetime.now(UTC))
    return one_sandbox


def _control(sandbox: Sandbox, verb: str, path: str, body: Any = None) -> Any:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    connection.request(verb, f"/_sandbox/{path}", None if body is None else json.dumps(body))
    answer = connection.getresponse()
    said = json.loads(answer.read())
    connection.close()
    return said if answer.status == 200 else (answer.status, said)


def test_the_clock_is_read_and_moved_from_another_process(sandbox: Sandbox) -> None:
    moved = _control(sandbox, "POST", "clock", {"set": "2026-03-01T12:00:00+00:00", "forward": 60})
    assert moved["now"].startswith("2026-03-01T12:01:00")
    assert _control(sandbox, "GET", "clock")["now"].startswith("2026-03-01T12:01:00")


def test_an_instant_without_an_offset_is_refused(sandbox: Sandbox) -> None:
    assert _control(sandbox, "POST", "clock", {"set": "2026-03-01T12:00:00"}) == (
        400,
        {"error": "ValueError: the instant needs a UTC offset"},
    )


def test_faults_delays_and_limits_are_set_from_another_process(sandbox: Sandbox) -> None:
    made = _control(sandbox, "POST", "faults", {"vendor": "slack", "method": "auth.test", "kind": "html"})
    assert made["times"] == 1
    assert [each["kind"] for each in _control(sandbox, "GET", "faults")["faults"]] == ["html"]
    assert _control(sandbox, "POST", "delays", {"slack": 0.01, "connect": 0.02}) == {
        "slack": 0.01,
        "connect": 0.02,
    }
    assert _control(sandbox, "POST", "limits", {"on": True}) == {"on": True}
    assert sandbox.world.limits_on
    assert _control(sandbox, "DELETE", "faults") == {"faults": []}
    assert sandbox.world.faults == []


def test_a_fault_with_an_unknown_field_is_refused(sandbox: Sandbox) -> None:
    status, said = _control(sandbox, "POST", "faults", {"vendor": "slack", "tiems": 2})
    assert status == 400
    assert "tiems" in said["error"]


def test_held_requests_are_released_from_another_process(sandbox: Sandbox) -> None:
    token = sandbox.slack.token()
    sandbox.world.fail(Fault("slack", kind="hold"))
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    connection.request("POST", "/slack/api/auth.test", headers={"Authorization": f"Bearer {token}"})
    assert sandbox.world.wait_for(lambda: sandbox.world.held == 1)
    assert _control(sandbox, "POST", "release") == {"released": 1}
    assert json.loads(connection.getresponse().read())["ok"]
    connection.close()


def test_exchanges_are_read_from_where_one_left_off(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    for _ in range(2):
        connection.request("GET", "/slack/api/auth.test")
        connection.getresponse().read()
    connection.close()
    first = _control(sandbox, "GET", "exchanges?since=0")
    assert [each["method"] for each in first["exchanges"]] == ["auth.test", "auth.test"]
    assert first["exchanges"][0]["response_body"] == {"ok": False, "error": "not_authed"}
    assert _control(sandbox, "GET", "exchanges?since=2") == {"exchanges": [], "next": 2}


def test_a_seeded_company_is_whole_and_a_reset_one_is_empty(sandbox: Sandbox) -> None:
    assert _control(sandbox, "POST", "reset", {"seed": True}) == {"reset": True, "seeded": True}
    state = _control(sandbox, "GET", "state")
    assert set(state) == {"now", "slack", "jira", "pagerduty"}
    assert {each["name"] for each in state["slack"]["channels"]} == {"general", "incidents"}
    assert any(each["deleted"] for each in state["slack"]["people"])
    assert state["pagerduty"]["oncalls"]
    _control(sandbox, "POST", "reset")
    assert _control(sandbox, "GET", "state")["slack"]["channels"] == []


def test_changes_are_pushed_as_server_sent_events(sandbox: Sandbox) -> None:
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"GET /_sandbox/events HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        assert b"text/event-stream" in _until(line, b"event: changed")
        sandbox.slack.add_person("Ana Silva", "ana@example.com")
        sandbox.world.touch()
        assert b"data: " in _until(line, b"event: changed")


def test_control_routes_tell_the_caller_about_a_mistake() -> None:
    route = control.route("/x", lambda body: {"n": body["n"]})
    loopback = Loopback(Starlette(routes=[route])).start()
    connection = http.client.HTTPConnection(loopback.url.removeprefix("http://"))
    connection.request("POST", "/x", "{}")
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (400, {"error": "KeyError: 'n'"})
    connection.close()
    loopback.stop()


def test_stopping_cuts_what_waits_and_state_survives_a_restart() -> None:
    sandbox = Sandbox().start()
    token = sandbox.slack.token()
    sandbox.world.fail(Fault("slack", kind="hold"))
    waiting = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
    waiting.request("POST", "/slack/api/auth.test")
    assert sandbox.world.wait_for(lambda: sandbox.world.held == 1)
    sandbox.stop()
    with pytest.raises(ConnectionError):
        waiting.getresponse()
    waiting.close()
    with sandbox:
        again = http.client.HTTPConnection(sandbox.url.removeprefix("http://"))
        again.request("POST", "/slack/api/auth.test", headers={"Authorization": f"Bearer {token}"})
        assert json.loads(again.getresponse().read())["ok"]
        again.close()


def _until(line: socket.socket, wanted: bytes) -> bytes:
    heard = b""
    while wanted not in heard:
        heard += line.recv(4096)
    return heard
