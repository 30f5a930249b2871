"""The Slack stand-in's Socket Mode: addresses, envelopes, acknowledgements, and connections that go."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.unit.office import App, Office, modal

pytest_plugins = ["tests.unit.office_fixtures"]

Body = dict[str, Any]


class Ends:
    """The app's ends of its connections, closed when the test ends."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.open: list[ClientConnection] = []
        self.stack = ExitStack()

    def address(self) -> str:
        return str(self.office.client("").apps_connections_open(app_token="xapp-sandbox")["url"])

    def another(self) -> ClientConnection:
        end = self.stack.enter_context(connect(self.address(), compression=None))
        self.open.append(end)
        assert heard(end)["type"] == "hello"
        assert self.office.world.wait_for(lambda: self.office.slack.sockets.connected == len(self.open))
        return end


def heard(end: ClientConnection) -> Body:
    body: Body = json.loads(end.recv(timeout=5))
    return body


def take(end: ClientConnection, payload: Body | None = None) -> Body:
    """Read an envelope and acknowledge it."""
    envelope = heard(end)
    answer = {"envelope_id": envelope["envelope_id"]}
    end.send(json.dumps(answer if payload is None else {**answer, "payload": payload}))
    return envelope


@pytest.fixture
def ends(office: Office) -> Iterator[Ends]:
    ends = Ends(office)
    yield ends
    ends.stack.close()
    office.slack.reset()


@pytest.fixture
def hand() -> Iterator[ThreadPoolExecutor]:
    """A thread that acts while the test is the app."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_an_address_opens_one_connection_and_no_second(ends: Ends) -> None:
    address = ends.address()
    with connect(address, compression=None) as end:
        assert heard(end)["num_connections"] == 1
    for spent in (address, address.replace("ticket=", "ticket=x")):
        with pytest.raises(InvalidStatus), connect(spent, compression=None):
            pass


def test_a_command_goes_by_socket_and_its_acknowledgement_is_shown(
    office: Office, app: App, ends: Ends, hand: ThreadPoolExecutor
) -> None:
    end = ends.another()
    knock = hand.submit(office.slack.commands, "incidents", "Ana Silva", "help")
    envelope = take(end, {"text": "Declare with `/incident new`."})
    assert (envelope["type"], envelope["payload"]["text"]) == ("slash_commands", "help")
    assert knock.result().status == 200
    [whisper] = office.slack.channel("incidents").ephemerals
    assert whisper["text"] == "Declare with `/incident new`."
    assert app.heard == []


def test_events_take_turns_between_connections(office: Office, ends: Ends) -> None:
    first, second = ends.another(), ends.another()
    told = []
    for end in (first, second, first):
        office.slack.person_says("incidents", "Ana Silva", "help")
        told.append(take(end))
    assert {each["type"] for each in told} == {"events_api"}
    assert len({each["envelope_id"] for each in told}) == 3
    office.slack.deliveries.redeliver_due()
    assert [each.outcome for each in office.slack.deliveries.records] == ["delivered"] * 3


def test_an_event_on_a_lost_connection_comes_again_on_another(office: Office, ends: Ends) -> None:
    first, second = ends.another(), ends.another()
    office.slack.person_says("incidents", "Ana Silva", "help")
    lost = heard(first)
    first.close()
    again = take(second)
    assert again["payload"]["event_id"] == lost["payload"]["event_id"]
    assert again["envelope_id"] != lost["envelope_id"]
    assert (lost["retry_attempt"], again["retry_attempt"]) == (0, 1)
    assert again["retry_reason"] == "timeout"


def test_what_happens_while_nobody_is_connected_comes_later(office: Office, ends: Ends) -> None:
    end = ends.another()
    assert office.slack.sockets.drop() == 1
    with pytest.raises(ConnectionClosed):
        end.recv(timeout=5)
    ends.open.clear()
    office.slack.person_says("incidents", "Ana Silva", "help")
    office.slack.deliveries.redeliver_due()
    end = ends.another()
    office.world.clock.forward(61)
    assert take(end)["payload"]["event"]["text"] == "help"


def test_a_command_on_a_connection_that_goes_stays_unanswered(
    office: Office, ends: Ends, hand: ThreadPoolExecutor
) -> None:
    end = ends.another()
    knock = hand.submit(office.slack.commands, "incidents", "Ana Silva", "help")
    heard(end)
    office.slack.sockets.drop()
    assert knock.result().status is None


def test_a_submission_is_answered_in_its_acknowledgement_and_a_click_is_not(
    office: Office, ends: Ends, hand: ThreadPoolExecutor
) -> None:
    end = ends.another()
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    blocks = [{"type": "actions", "block_id": "b", "elements": [button]}]
    opening = office.web.views_open(trigger_id=office.slack.trigger("Ana Silva"), view=modal(blocks=blocks))
    view = opening["view"]["id"]
    clicking = hand.submit(office.slack.presses, "Ana Silva", view, action_id="go")
    assert take(end, {"text": "ignored"})["accepts_response_payload"] is False
    assert clicking.result().body == ""
    submitting = hand.submit(office.slack.submits, "Ana Silva", view, {})
    envelope = take(end, {"response_action": "update", "view": modal(submit=button["text"])})
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
    assert submitting.result().status == 200
    assert office.slack.state()["views"][0]["submit"] == button["text"]


def test_slack_warns_and_then_closes_connections(office: Office, ends: Ends) -> None:
    end = ends.another()
    office.slack.sockets.refresh("warning")
    assert heard(end)["reason"] == "warning"
    assert office.slack.sockets.connected == 1
    office.slack.sockets.refresh()
    assert heard(end)["reason"] == "refresh_requested"
    with pytest.raises(ConnectionClosed):
        end.recv(timeout=5)


def test_an_eleventh_connection_is_one_too_many(ends: Ends) -> None:
    for _ in range(10):
        ends.another()
    with connect(ends.address(), compression=None) as end:
        assert heard(end)["reason"] == "too_many_websockets"


def test_slacks_own_client_connects_answers_and_comes_back(office: Office, hand: ThreadPoolExecutor) -> None:
    client = SocketModeClient("xapp-sandbox", web_client=office.client(""), ping_interval=0.2)
    came = threading.Event()

    def answer(client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "here"}))
        came.set()

    client.socket_mode_request_listeners.append(answer)
    client.connect()
    sockets = office.slack.sockets
    assert office.world.wait_for(lambda: sockets.connected == 1)
    assert office.slack.commands("incidents", "Ana Silva", "help").body == {"text": "here"}
    sockets.refresh()
    assert office.world.wait_for(lambda: sockets.connected == 1)
    assert office.slack.commands("incidents", "Ana Silva", "help").body == {"text": "here"}
    client.close()
    office.slack.reset()


def test_envelopes_have_the_shape_of_recorded_ones(
    office: Office, ends: Ends, hand: ThreadPoolExecutor, payloads: Path
) -> None:
    def recorded(name: str) -> Body:
        read: Body = json.loads((payloads / "slack" / "socket_mode" / f"{name}.json").read_text())
        return read

    with connect(ends.address(), compression=None) as end:
        hello = heard(end)
        assert hello.keys() == recorded("hello").keys()
        assert hello["debug_info"].keys() == recorded("hello")["debug_info"].keys()
        office.slack.person_says("incidents", "Ana Silva", "<@U0MULTIVAC> help")
        told = [take(end), take(end)]
        kinds = {each["payload"]["event"]["type"]: each for each in told}
        for name in ("message", "app_mention"):
            assert kinds[name].keys() == recorded(f"events_api.{name}").keys()
            assert kinds[name]["payload"].keys() == recorded(f"events_api.{name}")["payload"].keys()
        asking = hand.submit(office.slack.commands, "incidents", "Ana Silva", "help")
        assert take(end).keys() == recorded("slash_commands").keys()
        asking.result()
        office.slack.sockets.refresh()
        assert heard(end).keys() == recorded("disconnect").keys()
