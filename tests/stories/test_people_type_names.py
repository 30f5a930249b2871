"""People type names: the only one who has it is taken, of several they choose, and nobody's is said so."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}


@pytest.mark.every_database
def test_a_plain_name_stands_for_the_one_person_who_has_it_whatever_the_verb(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    multivac.start({"lead": [{"on_call": {}}]}, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.standin.add_person("Bo Chen", "chen@example.com")

    assert "Bo Lindqvist is asked in the channel" in slack.asks(
        "Ana", "hand over to Bo the rollback runs until noon", channel="inc-1"
    )
    clock.settle()
    assert multivac.lead() == "Bo Lindqvist"
    assert "the rollback runs until noon" in slack.channel("inc-1").said("lead told")[1]
    slack.asks("Bo", "role deputy to Cy Tanaka", channel="inc-1")
    slack.asks("Bo", "task add Call the bank, Ana", channel="inc-1")
    assert "Cara Mbeki does: 1. Call the bank, Ana" in slack.asks(
        "Bo", "task assign 1 cara@example.com", channel="inc-1"
    )
    assert "Reminder 1: Cara Mbeki at" in slack.asks("Bo", "remind --in=20m cara Look", channel="inc-1")
    assert "Reminder 2: you at" in slack.asks("Bo", "remind Look at the queue in:20m", channel="inc-1")
    told = slack.asks("Bo", "invite Gus and chen@example.com", channel="inc-1")
    assert "Gus Moreau, Bo Chen" in told
    slack.asks("Bo", "page Fay We need you", channel="inc-1")  # who is not in Slack
    clock.settle()
    assert multivac.incident().roles["deputy"].person.name == "Cy Tanaka"
    assert [one["user"]["summary"] for one in pagerduty.incident(alert)["incidents_responders"]] == [
        "Fay Kim"
    ]

    assert "Only the lead" in slack.asks("Gus", "handover cara", channel="inc-1")
    assert "asked by a direct message" in slack.presses("Gus", "Ask Bo Lindqvist to approve", channel="inc-1")
    assert "More than one person is called “Bo”." in slack.asks("Bo", "lead Bo", channel="inc-1")
    slack.presses("Bo", "Bo Chen (chen@example.com)", channel="inc-1")
    clock.settle()
    assert multivac.lead() == "Bo Chen"

    assert "I do not know who “Nobby” is." in slack.asks("Ana", "lead Nobby", channel="inc-1")
    assert "called “Nobby”." in slack.asks("Ana", "page Nobby Please help", channel="inc-1")
    slack.presses("Ana", "Pick somebody", channel="inc-1")
    assert slack.form()["title"]["text"] == "Page somebody"
    slack.standin.closes(slack.person("Ana"), slack.form()["id"])
    assert "Fay Kim is not in Slack" in slack.asks("Ana", "role scribe Fay", channel="inc-1")
