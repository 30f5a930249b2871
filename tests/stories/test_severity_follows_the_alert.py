"""Severity is what the alert says until a person has settled it; people and promises follow it."""

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack


def test_a_higher_priority_raises_severity_and_brings_more_people(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    room = slack.channel("inc-1")
    assert room.topic.startswith("SEV3")
    assert room.members == {"Ana", "Bo"}
    assert "Next update due" not in room.headline
    pagerduty.set_priority(alert, "P1", by="Ana")
    clock.settle()
    room = slack.channel("inc-1")
    assert room.topic.startswith("SEV1")
    assert "🔴 SEV1" in room.headline
    assert "Next update due" in room.headline
    assert room.members == {"Ana", "Bo", "Dee"}
    assert "SEV1" in slack.channel("incidents").said("announcement")[0]
    assert "Severity SEV3 → SEV1: Priority P1 set by Ana Silva" in multivac.timeline()
    assert multivac.trail("pagerduty") == [("severity", "sev3", "sev1")]
    assert multivac.trail("rule") == [("lead", None, "ana@example.com")]
    assert room.mentions == ["Ana"]


def test_a_lower_priority_lowers_severity_and_removes_nobody(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    more = {"on_call": {"levels": [2]}, "severities": ["sev1"]}
    multivac.start({"updates": {"sev1": "30m"}, "invite": [{"on_call": {}}, more]})
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P1")
    clock.settle()
    pagerduty.set_priority(alert, "P3", by="Ana")
    clock.settle()
    room = slack.channel("inc-1")
    assert "SEV3" in room.headline
    assert "Next update due" not in room.headline
    assert room.members == {"Ana", "Bo", "Dee"}


def test_a_priority_taken_away_leaves_the_urgency_to_decide(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"severity": {"by_priority": {"P1": "sev1"}, "by_urgency": {"high": "sev4"}}})
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P1")
    clock.settle()
    pagerduty.set_priority(alert, None, by="Ana")
    clock.settle()
    assert slack.channel("inc-1").topic.startswith("SEV4")


def test_a_change_of_service_is_shown_and_brings_the_people_of_its_policy(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    pagerduty.change_service(alert, "search", by="Ana")
    pagerduty.delegate(alert, "Customer experience", by="Ana")
    clock.settle()
    room = slack.channel("inc-1")
    assert "*Services*\nsearch" in room.headline
    assert "Cara" in room.members
    assert {"Ana", "Bo"} <= room.members


def test_an_update_is_asked_for_when_it_was_promised(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"updates": {"sev1": "30m"}})
    pagerduty.trigger("Checkout is slow", "checkout", priority="P1")
    clock.forward(minutes=29, seconds=59)
    assert slack.channel("inc-1").said("update due") == []
    clock.forward(seconds=1)
    (asked,) = slack.channel("inc-1").said("update due")
    assert "One is due every 30 minutes." in asked
    clock.forward(hours=2)
    assert len(slack.channel("inc-1").said("update due")) == 1
    assert slack.channel("inc-1").mentions == ["Ana"]
