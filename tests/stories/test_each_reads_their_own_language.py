"""What one person is told is in their language; what stands in a channel, or is kept, is in the house's."""

import re

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

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


@pytest.mark.every_database
def test_everybody_chooses_their_language_and_what_they_are_told_unasked(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"updates": {"sev1": "30m", "sev2": "30m"}}, settings=HEARS)
    slack.opens_home("Bo")
    slack.presses_on_page("Bo", "Preferences")
    assert slack.sends("Bo", language="de", told=["prompts"]) == {}
    assert "Wirklich\nUnser" not in text_of(slack.form())
    slack.wait_for(lambda: "Deutsch" in text_of(slack.form()), "what is kept")
    homes = slack.standin.space.homes
    slack.wait_for(lambda: "Incident ausrufen" in str(homes[slack.id_of("Bo")]), "his page in German")
    assert "Write it so: `/incident prefs language de`" in slack.asks("Ana", "prefs briefings never")
    assert "I speak en, de, ja, ko" in slack.asks("Ana", "prefs language fr")
    assert "overdue still; at SEV1 always: no" in slack.asks("Ana", "prefs prompts off")
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P2")
    clock.settle()
    slack.asks("Ana", "lead me", channel="inc-1")
    slack.asks("Ana", f"role scribe <@{slack.id_of('Bo')}>", channel="inc-1")
    slack.asks("Ana", f"role deputy <@{slack.id_of('Dee')}>", channel="inc-1")
    clock.forward(minutes=4)
    (given,) = slack.direct("Bo")  # and no briefing
    assert re.search(r"\nAna Silva hat dir die Rolle .* gegeben\.\nChannel: .*$", given)  # and no guide
    clock.forward(hours=2)
    (nudge,) = slack.channel("inc-1").said("update overdue")
    assert nudge.startswith("Ana Silva: the update is overdue.")
    slack.asks("Ana", "severity sev1", channel="inc-1")
    slack.asks("Ana", "update Still looking", channel="inc-1")
    clock.forward(hours=2)
    assert slack.channel("inc-1").said("update overdue")[-1].startswith(f"<@{slack.id_of('Ana')}>: ")
