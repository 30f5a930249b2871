"""Slack's front door: only what Slack signed, only what is fresh, each request once, and never silence."""

import re
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest
from typer.testing import CliRunner

from integrations.sandbox.exchange import Fault
from integrations.sandbox.slack_events import signature
from integrations.sandbox.world import World
from multivac.cli import cli
from multivac.incident import IncidentId
from multivac.store import acts
from multivac.store.tables import incident
from tests.stories.stage import Clock, Logs, Multivac
from tests.stories.workspace import Slack, text_of

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
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


def command(text: str, *, by: str = ANA["user_id"]) -> bytes:
    hook = "http://127.0.0.1:9/nobody-listens"
    told = {**ANA, "user_id": by, "text": text, "trigger_id": "1.2.abc", "response_url": hook}
    return urlencode(told).encode()


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
def test_a_request_that_comes_twice_is_done_once(
    door: Door, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    for _ in range(2):
        asked = command("declare Checkout is down sev3", by=slack.id_of("Ana"))
        assert door.knock(asked) == (200, "")
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


@SQLITE
def test_what_broke_or_did_not_answer_can_be_looked_up_by_the_reference_that_they_were_told(
    door: Door, multivac: Multivac, slack: Slack, clock: Clock, world: World, logs: Logs, database_url: str
) -> None:
    slack.asks("Ana", "declare Checkout is down sev3")
    clock.settle()
    world.fail(Fault("pagerduty", "GET /oncalls", "server_error", status=503))
    told = slack.asks("Bo", "oncall", channel="inc-1")
    assert "Who is on call cannot be said now" in told
    assert "Look into PagerDuty." in told
    assert "Who is on call cannot be said now" in traced(told, database_url, verb="oncall (command): refused")
    assert "Ref " not in slack.asks("Bo", "INC-99 resolve it")  # there is nothing to look up
    write = multivac.running.database.write
    write(lambda tx: tx.execute(incident.update().values(severity="dreadful")))
    told = slack.asks("Bo", "show", channel="inc-1")
    write(lambda tx: tx.execute(incident.update().values(severity="sev3")))
    assert told.startswith("Something broke on my side; nothing was changed.")
    assert "Traceback" not in told
    assert "ValueError" in traced(told, database_url, verb="show (command): failed")
    assert logs.mistakes
    logs.mistakes.clear()  # that was the point


def traced(told: str, url: str, *, verb: str) -> str:
    """What operators are shown of the reference in what somebody was told."""
    (ref,) = set(re.findall(r"Ref ([0-9A-F]{4})\b", told))
    assert f"`multivac trace {ref}`" in told
    shown = CliRunner().invoke(cli, ["trace", ref], env={"MULTIVAC_DATABASE__URL": url})
    assert shown.exit_code == 0, shown.output
    assert f"{ref} U" in shown.output
    assert verb in shown.output
    return shown.output


@SQLITE
def test_a_button_that_no_release_of_ours_has_drawn_says_what_to_do_instead(
    door: Door, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Ana", "declare Checkout is down sev3")
    clock.settle()
    room = slack.channel("inc-1")
    message = slack.standin.space.channels[room.id].messages[room.ours("headline")[0]["ts"]]
    pressed = next(block for block in message["blocks"] if block["type"] == "actions")["elements"][0]
    pressed["action_id"] = "escalate-it"
    told = slack.presses("Bo", pressed["text"]["text"], channel="inc-1")
    assert told == "That button is of an older message. Use `/incident` to see what you can do now."
    assert "It is in the timeline." in slack.asks("Bo", "timeline The button is old", channel="inc-1")
    assert "Bo Lindqvist: The button is old" in slack.asks("Bo", "timeline", channel="inc-1")


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
    assert "` Say that it is over, and what fixed it." in slack.presses_on_page("Bo", "What you can ask")
    slack.standin.closes(slack.id_of("Bo"), slack.form()["id"])
    assert "Open now: INC-1 SEV1" in slack.presses_on_page("Bo", "Declare an incident")
    assert slack.sends("Bo", title="Search is slow") == {}
    assert "INC-3 is declared" in text_of(slack.form())
    assert slack.direct("Bo") == []
    page = slack.standin.space.homes
    slack.wait_for(lambda: "INC-3 · SEV2" in text_of(page[slack.id_of("Bo")]), "the page")
