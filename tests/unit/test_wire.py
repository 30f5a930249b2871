"""A request that may not leave any more does not: asked at the socket, at each vendor."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from integrations.jira.tracker import JiraTracker
from integrations.pagerduty.pager import PagerDutyPager
from integrations.slack.chat import SlackChat
from multivac.errors import TryAgain
from multivac.ports import checking_before_sending

Ask = Callable[[str], object]

VENDORS: dict[str, Ask] = {
    "slack": lambda url: SlackChat("xoxb-1", api_url=f"{url}/api/", timeout=2.0).open_channel(
        "inc-1", private=False
    ),
    "jira": lambda url: JiraTracker(
        url, "u", "t", project="OPS", issue_type="Bug", flavour="cloud", timeout=2.0
    ).assign("OPS-1", "ana"),
    "pagerduty": lambda url: PagerDutyPager("t", api_url=url, from_email="a@example.com", timeout=2.0).note(
        "P1", "hello", marker="[INC-1 1]", look_first=False
    ),
}


class Vendor:
    """Takes one connection, and keeps what comes on it; closes it at the first bytes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.came: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            self.came.append(connection.recv(65536))

    def stop(self) -> None:
        self._thread.join(5)
        self._socket.close()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor()
    yield made
    made.stop()


def refuse() -> None:
    raise TryAgain("another Multivac may have taken this over meanwhile", reached=False)


@pytest.mark.parametrize("ask", VENDORS.values(), ids=VENDORS)
def test_a_claim_that_is_no_longer_ours_sends_nothing_once_the_connection_stands(
    vendor: Vendor, ask: Ask
) -> None:
    with checking_before_sending(refuse), pytest.raises(TryAgain) as refused:
        ask(vendor.url)
    vendor.stop()
    assert not refused.value.reached
    assert vendor.came == [b""]  # it connected, and left without a word


@pytest.mark.parametrize("ask", VENDORS.values(), ids=VENDORS)
def test_a_request_whose_claim_is_lost_before_its_body_never_becomes_whole(vendor: Vendor, ask: Ask) -> None:
    asked: list[int] = []

    def refuse_the_second_time() -> None:
        asked.append(1)
        if len(asked) > 1:
            refuse()

    with checking_before_sending(refuse_the_second_time), pytest.raises(TryAgain) as refused:
        ask(vendor.url)
    vendor.stop()
    assert not refused.value.reached
    assert vendor.came[0].endswith(b"\r\n\r\n")  # the head of a request, whose body is not sent


@pytest.mark.parametrize("ask", VENDORS.values(), ids=VENDORS)
def test_a_claim_that_is_ours_is_asked_for_and_sends(vendor: Vendor, ask: Ask) -> None:
    asked: list[int] = []
    with checking_before_sending(lambda: asked.append(1)), pytest.raises(TryAgain) as unanswered:
        ask(vendor.url)
    vendor.stop()
    assert unanswered.value.reached
    assert asked
    assert vendor.came != [b""]
