"""Slack's front door: only what Slack signed, only what is fresh, each request once, and never silence."""

import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations.sandbox.slack_events import signature
from multivac.incident import IncidentId
from multivac.store import acts
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

SECRET = "what-slack-signs-with"
ANA = {"user_id": "U000000ANA", "user_name": "ana", "channel_id": "C1", "command": "/incident"}


class Door:
    """Whoever calls the address that Slack calls."""

    def __init__(self, multivac: Multivac, clock: Clock) -> None:
        self._url = f"{multivac.running.url}/webhooks/slack"
        self._clock = clock

    def knock(
        self,
        body: bytes,
        *,
        secret: str = SECRET,
        age: float = 0.0,
        kind: str = "application/x-www-form-urlencoded",
    ) -> tuple[int, str]:
        at = str(int(self._clock.now().timestamp() - age))
        signed = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature(secret, at, body)}
        request = urllib.request.Request(self._url, body, {"Content-Type": kind, **signed})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def door(multivac: Multivac, clock: Clock) -> Door:
    multivac.start(settings={"slack__signing_secret": SECRET})
    return Door(multivac, clock)


def command(text: str, *, trigger: str = "1.2.abc") -> bytes:
    hook = "http://127.0.0.1:9/nobody-listens"
    return urlencode({**ANA, "text": text, "trigger_id": trigger, "response_url": hook}).encode()


def eventually(holds: Any) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_is_not_signed_or_is_old_is_refused_and_changes_nothing(door: Door, multivac: Multivac) -> None:
    body = command("declare Checkout is down")
    assert door.knock(body, secret="another")[0] == 401
    assert door.knock(body, age=301)[0] == 401
    assert door.knock(body, age=-301)[0] == 401
    assert multivac.numbers() == ()


def test_slacks_own_questions_are_answered(door: Door) -> None:
    challenge = b'{"type": "url_verification", "token": "x", "challenge": "say-this"}'
    assert "say-this" in door.knock(challenge, kind="application/json")[1]
    assert door.knock(urlencode({"ssl_check": "1", "token": "x"}).encode())[0] == 200
    limited = b'{"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1, "api_app_id": "A1"}'
    assert door.knock(limited, kind="application/json")[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"payload=%7B", b"payload=%7B%7D", b"command=", b"\xff\xfe"])
def test_nonsense_that_is_rightly_signed_breaks_nothing(door: Door, multivac: Multivac, body: bytes) -> None:
    status, _ = door.knock(body)
    assert status != 202
    assert door.knock(command("list"))[0] == 200


@pytest.mark.every_database
def test_a_request_that_comes_twice_is_done_once(door: Door, multivac: Multivac, clock: Clock) -> None:
    for _ in range(2):
        assert door.knock(command("declare Checkout is down sev3")) == (200, "")
    eventually(multivac.numbers)
    clock.settle()
    assert multivac.numbers() == (1,)
    with multivac.running.database.read() as tx:
        assert [act.verb for act in acts.trail(tx, number=IncidentId(1))] == ["declare"]


def test_a_mention_and_a_direct_message_are_commands_too(
    multivac: Multivac, slack: Slack, clock: Clock, door: Door
) -> None:
    bot = slack.standin.space.bot.id
    slack.says("incidents", "Ana", f"<@{bot}> declare Search is slow sev4")
    eventually(multivac.numbers)
    clock.settle()
    assert slack.channel("inc-1").name == "inc-1-search-is-slow"


def test_what_was_refused_can_be_looked_up_by_its_reference(
    multivac: Multivac, slack: Slack, door: Door
) -> None:
    told = slack.asks("Ana", "INC-99 resolve it")
    assert "There is no INC-99" in told
    with multivac.running.database.read() as tx:
        (act,) = acts.trail(tx, ref=_ref_of(multivac))
    assert (act.outcome, act.actor.startswith("U")) == ("refused", True)


def _ref_of(multivac: Multivac) -> str:
    with multivac.running.database.read() as tx:
        return next(act.ref for act in acts.trail(tx) if act.outcome == "refused")


def test_their_own_page_shows_people_what_is_open_and_theirs(
    multivac: Multivac, slack: Slack, clock: Clock, door: Door
) -> None:
    slack.asks("Cy", "declare Card payments fail sev1")
    slack.asks("Cy", "declare Data leak private sev1")
    clock.settle()
    slack.asks("Bo", "INC-1 lead me", channel="inc-1")
    pages = {who: slack.opens_home(who) for who in ("Bo", "Cy")}
    assert "Your incidents" in pages["Bo"]
    assert "INC-1 · SEV1 · triage · Card payments fail · led by Bo Lindqvist" in pages["Bo"]
    assert "Data leak" not in pages["Bo"]
    assert "Data leak" in pages["Cy"]
    assert "`resolve [what fixed it]` It is over." in slack.presses_on_page("Bo", "What you can ask")
    slack.standin.closes(slack.id_of("Bo"), slack.form()["id"])
    assert "Open now: INC-1 SEV1" in slack.presses_on_page("Bo", "Declare an incident")
    assert slack.sends("Bo", title="Search is slow") == {}
    assert "INC-3 is declared" in text_of(slack.form())
    assert slack.direct("Bo") == []
    page = slack.standin.space.homes
    slack.wait_for(lambda: "INC-3 · SEV2" in text_of(page[slack.id_of("Bo")]), "the page")
