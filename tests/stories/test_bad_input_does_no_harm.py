"""Whatever an alert is called or a webhook holds, people get a valid channel and nobody is pinged."""

import json
import re

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.web.guard import LARGEST_BODY
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HOSTILE = {
    "ten thousand characters": "checkout " * 1_112,
    "control characters": "Check\x07out\x1b[31m is\r\n\tslow\x00",
    "a ping of everybody": "<!channel> <!here|here> @channel <@U000000001> <!subteam^S000000001>",
    "links": "<https://evil.example.com|Click> & <script>alert(1)</script>",
    "right-to-left marks": "\u202egnihtyna \u2066checkout\u2069 \u200f",
    "emoji only": "🔥🔥🔥👩‍🚒",
    "no Latin letters": "服务器着火了 ошибка خطأ",
    "combining marks": "Z̸a̷l̵g̶o̷ is slow",
    "nothing but spaces": "   \u2003  ",
    "formatting": "*bold* _italic_ ~gone~ `code` {number} {title} %s",
}


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_title_gives_a_valid_channel_and_pings_nobody(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, title: str
) -> None:
    multivac.start({"lead": []})
    pagerduty.trigger(title, "checkout")
    clock.settle()
    room = slack.channel("inc-1")
    assert re.fullmatch(r"inc-1(-[a-z0-9_-]+)?", room.name)
    assert len(room.name) <= 80
    assert room.members == {"Ana", "Bo"}
    assert len(room.topic) <= 250
    for told in (room, slack.channel("incidents")):
        assert told.broadcasts == []
        assert told.mentions == []
    assert room.said("gaps") == []
    assert "INC-1" in room.headline


@pytest.mark.every_database
@pytest.mark.parametrize("written", [r"Check\u0000out is slow", r"Check\ud83dout is slow"])
def test_what_no_database_can_hold_is_left_out(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, written: str
) -> None:
    multivac.start()
    body = body_of(pagerduty).replace(b"Checkout is slow", written.encode())
    assert pagerduty.deliver_raw(body) == [202]
    clock.settle()
    assert slack.channel("inc-1").name == "inc-1-checkout-is-slow"
    assert multivac.incident().title.replace("\ufffd", "") == "Checkout is slow"


def body_of(pagerduty: PagerDuty, title: str = "Checkout is slow") -> bytes:
    """The body of the webhook for a new alert, which is not delivered."""
    pagerduty.hold_deliveries()
    pagerduty.trigger(title, "checkout")
    (parcel,) = pagerduty.deliveries._held or []
    pagerduty.deliveries._held = None
    return parcel.event.body


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"\xff\xfe", b"null", b"[]", b'{"event": []}', b'{"event": {"id": "1"}}', b"[" * 100_000],
    ids=["cut", "empty", "no text", "null", "list", "no event", "no type", "deep"],
)
def test_what_nobody_can_read_is_kept_for_the_operator(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, body: bytes
) -> None:
    multivac.start()
    assert pagerduty.deliver_raw(body) == [202]
    assert multivac.unreadable() == [body]
    assert multivac.metric("multivac_webhooks_received_total", result="unreadable") == 1
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}


def test_the_largest_body_is_read_and_a_larger_one_refused(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    body = body_of(pagerduty)
    largest = body + b" " * (LARGEST_BODY - len(body))
    assert pagerduty.deliver_raw(largest + b" ") == [413]
    assert multivac.numbers() == ()
    assert pagerduty.deliver_raw(largest) == [202]
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}
    assert multivac.metric("multivac_webhooks_received_total", result="too large") == 1


def test_an_event_type_of_the_future_goes_to_the_timeline(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    body = body_of(pagerduty)
    assert pagerduty.deliver_raw(body) == [202]
    clock.settle()
    before = slack.channel("inc-1").kinds()
    told = json.loads(body)
    told["event"] |= {"event_type": "incident.teleported", "id": "another"}
    assert pagerduty.deliver_raw(json.dumps(told).encode()) == [202]
    clock.settle()
    assert any("incident.teleported" in line for line in multivac.timeline())
    assert slack.channel("inc-1").kinds() == before


def test_an_unsigned_body_and_a_foreign_one_change_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, world: World
) -> None:
    multivac.start()
    body = body_of(pagerduty)
    assert pagerduty.deliver_raw(body, secrets=[]) == [401]
    assert pagerduty.deliver_raw(body, headers={"X-PagerDuty-Signature": "v1=nonsense"}) == [401]
    assert pagerduty.deliver_raw(body, secrets=["another secret"]) == [503]
    clock.settle()
    assert multivac.numbers() == ()
    assert world.calls("slack") == []


def test_a_rotated_secret_loses_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    (subscription,) = pagerduty.deliveries.subscribers
    pagerduty.rotate_secret(subscription, "a new secret that we do not know yet")
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}
