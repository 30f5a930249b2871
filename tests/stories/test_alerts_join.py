"""Alerts of one service are one incident, and alerts of another are another."""

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack


def test_a_second_alert_joins_the_open_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=5)
    second = pagerduty.trigger("Checkout returns 500", "checkout")
    clock.settle()
    assert slack.incident_channels() == ["inc-1-checkout-is-slow"]
    headline = slack.channel("inc-1").headline
    assert "2 alerts" in headline
    assert "PagerDuty #1>" in headline
    assert "PagerDuty #2>" in headline
    assert "Another alert joined: Checkout returns 500" in multivac.timeline()
    assert "#inc-1-checkout-is-slow" in pagerduty.incident(second)["notes"][0]["content"]
    assert slack.channel("inc-1").kinds() == ["headline", "checklist/first-5-minutes", "lead told"]


def test_an_alert_of_another_service_opens_another_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    pagerduty.trigger("Search is slow", "search")
    clock.settle()
    assert slack.incident_channels() == [
        "inc-1-checkout-is-slow",
        "inc-2-search-is-slow",
    ] or multivac.numbers() == (1, 2)
    assert "1 alert," in slack.channel("inc-1").headline
    assert "1 alert," in slack.channel("inc-2").headline


def test_an_alert_after_the_window_opens_another_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start({"join": {"same_service_within": "10m"}})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=10)
    pagerduty.trigger("Checkout is slow again", "checkout")
    clock.settle()
    assert multivac.numbers() == (1,)
    clock.forward(seconds=1)
    pagerduty.trigger("Checkout is slow once more", "checkout")
    clock.settle()
    assert multivac.numbers() == (1, 2)


def test_nothing_joins_an_incident_that_is_over(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start()
    first = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    pagerduty.resolve(first)
    clock.settle()
    pagerduty.trigger("Checkout is slow again", "checkout")
    clock.settle()
    assert multivac.numbers() == (1, 2)


def test_a_playbook_may_keep_alerts_apart(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> None:
    multivac.start({"join": {"same_service_within": "0s"}})
    pagerduty.trigger("Checkout is slow", "checkout")
    pagerduty.trigger("Checkout is slower", "checkout")
    clock.settle()
    assert multivac.numbers() == (1, 2)


def test_a_worse_alert_that_joins_makes_the_incident_worse(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    pagerduty.trigger("Checkout is down", "checkout", priority="P1")
    clock.settle()
    assert slack.channel("inc-1").topic.startswith("SEV1")
    assert "Dee" in slack.channel("inc-1").members


def test_twenty_alerts_at_once_are_one_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    for number in range(20):
        pagerduty.trigger(f"Checkout pod {number} restarts", "checkout")
    clock.settle()
    assert multivac.numbers() == (1,)
    assert "20 alerts, the first 10 are linked" in slack.channel("inc-1").headline
    assert len(slack.channel("incidents").said("announcement")) == 1


def test_an_alert_that_no_playbook_takes_opens_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"match": {"service": ["pay*"]}})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.numbers() == ()
    assert slack.incident_channels() == []
    assert multivac.metric("multivac_alerts_total", outcome="dropped") == 1


def test_thirty_alerts_of_one_moment_are_few_redraws_and_at_most_twenty_five_notes(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    drawn = multivac.metric("multivac_steps_total", step="headline")
    joined = [pagerduty.trigger(f"Checkout is slow in zone {zone}", "checkout") for zone in range(30)]
    clock.settle()
    assert "31 alerts, the first 10 are linked" in slack.channel("inc-1").headline
    assert multivac.metric("multivac_steps_total", step="headline") - drawn <= 4
    notes = [len(pagerduty.incident(one)["notes"]) for one in joined]
    assert sorted(notes) == [0] * 6 + [1] * 24  # the first alert has the 25th
