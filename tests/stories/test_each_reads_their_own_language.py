"""What one person is told is in their language; what stands in a channel, or is kept, is in the house's."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
TRIAGE = {"roles": {"cx lead": {"on_call": {"schedule": "cx-leads"}}}}
MARK = "⟦"  # of the pseudo-language, in which every text stands in such brackets


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_the_cx_lead_is_spoken_to_in_their_language_and_the_channel_keeps_the_houses(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    slack.standin.change_person("cara@example.com", locale="en-XA")
    multivac.start(TRIAGE, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P3")
    clock.settle()
    (question,) = slack.direct("Cara")
    assert "⟦Höw bàd îš INC-1 för ûšérš? Checkout returns 500~" in question

    assert MARK in slack.asks("Cara", "briefing", channel="inc-1")
    assert MARK in slack.asks("Cara", "list")
    assert MARK not in slack.asks("Ana", "briefing", channel="inc-1")
    slack.presses_in_direct("Cara", "SEV1")
    clock.settle()
    (thanks,) = slack.direct("Cara")
    assert thanks.startswith(MARK)
    assert "Cara Mbeki" in thanks

    room = slack.channel("inc-1")
    kept = [*room.said(), room.topic, room.purpose, *multivac.timeline()]
    assert "Severity SEV3 → SEV1, settled by Cara Mbeki" in kept
    assert [text for text in kept if MARK in text] == []

    slack.asks("Cara", "role customer-experience lead @Ana", channel="inc-1")  # in English, as all may
    assert multivac.incident().roles["cx lead"].person.name == "Ana Silva"
