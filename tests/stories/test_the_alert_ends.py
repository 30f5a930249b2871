"""When the pager says that it is over, people are asked; where nobody was ever on it, it is dismissed."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from multivac.incident import Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack


def started(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, title: str = "Checkout is slow") -> str:
    multivac.start()
    alert = pagerduty.trigger(title, "checkout")
    clock.settle()
    return alert


def test_a_resolution_is_proposed_and_changes_nothing_by_itself(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.resolve(alert, by="Bo")
    clock.settle()
    (proposal,) = slack.channel("inc-1").said("resolution")
    assert "Bo Lindqvist resolved the alert" in proposal
    assert "Is it over?" in proposal
    assert multivac.incident().status is Status.TRIAGE


def test_the_proposal_is_withdrawn_when_the_alert_comes_back(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.resolve(alert, by="Bo")
    clock.forward(minutes=2)
    pagerduty.reopen(alert, by="Ana")
    clock.settle()
    (proposal,) = slack.channel("inc-1").said("resolution")
    assert "the incident goes on" in proposal
    assert multivac.incident().status.is_open
    pagerduty.resolve(alert, by="Ana")
    clock.settle()
    assert "Is it over?" in slack.channel("inc-1").said("resolution")[-1]
    assert "Ana Silva resolved the alert" in slack.channel("inc-1").said("resolution")[-1]


def test_an_alert_that_ends_by_itself_before_a_human_word_dismisses_the_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.resolve(alert)
    clock.settle()
    room = slack.channel("inc-1")
    assert multivac.incident().status is Status.DISMISSED
    assert "Dismissed" in room.headline
    assert "Dismissed" in room.topic
    assert room.said("resolution") == []
    assert "Dismissed" in slack.channel("incidents").said("announcement")[0]
    assert "Dismissed: the alert resolved itself before anybody said a word" in multivac.timeline()


def test_a_human_word_in_the_channel_keeps_the_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    slack.says("inc-1", "Ana", "Looking at it.")
    pagerduty.resolve(alert)
    clock.settle()
    assert multivac.incident().status is Status.TRIAGE
    assert len(slack.channel("inc-1").said("resolution")) == 1


def test_an_acknowledgement_keeps_the_incident(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.acknowledge(alert, by="Ana")
    pagerduty.resolve(alert)
    clock.settle()
    assert multivac.incident().status is Status.TRIAGE
    assert len(slack.channel("inc-1").said("resolution")) == 1


@pytest.mark.every_database
def test_an_acknowledgement_that_is_told_after_the_end_brings_the_incident_back(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.hold_deliveries()
    pagerduty.acknowledge(alert, by="Ana")
    clock.forward(seconds=20)
    pagerduty.resolve(alert)
    acknowledged, resolved = (parcel.event.body for parcel in pagerduty.deliveries._held or [])
    assert pagerduty.deliver_raw(resolved) == [202]
    clock.settle()
    assert multivac.incident().status is Status.DISMISSED
    assert pagerduty.deliver_raw(acknowledged) == [202]
    clock.settle()
    room = slack.channel("inc-1")
    assert multivac.incident().status is Status.TRIAGE
    assert "Triage" in room.topic
    assert len(room.said("resolution")) == 1
    assert "No longer dismissed: somebody was on it before the alert ended" in multivac.timeline()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("late", [False, True])
def test_a_note_on_an_alert_that_ended_by_itself_keeps_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, late: bool
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.hold_deliveries()
    pagerduty.resolve(alert)
    clock.forward(seconds=20)
    pagerduty.annotate(alert, "for the record", by="Ana")
    pagerduty.set_priority(alert, "P2", by="Ana")
    pagerduty.release("reversed" if late else "sent")
    clock.settle()
    assert multivac.incident().status is Status.DISMISSED


def test_a_monitors_acknowledgement_is_no_human_word(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.acknowledge_by_monitor(alert)
    pagerduty.resolve(alert)
    clock.settle()
    assert multivac.incident().status is Status.DISMISSED


def test_an_intruder_cannot_silence_an_alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> None:
    alert = started(multivac, pagerduty, clock, "Suspicious login on checkout")
    pagerduty.resolve(alert)
    clock.settle()
    assert multivac.incident().status is Status.TRIAGE


@pytest.mark.every_database
def test_a_dismissed_incident_comes_back_with_its_alert(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = started(multivac, pagerduty, clock)
    pagerduty.resolve(alert)
    clock.forward(minutes=2)
    pagerduty.reopen(alert, by="Ana")
    clock.settle()
    assert multivac.incident().status is Status.TRIAGE
    assert "Triage" in slack.channel("inc-1").topic
    assert slack.incident_channels() == ["inc-1-checkout-is-slow"]


def test_the_incident_ends_with_the_last_of_its_alerts(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    first = started(multivac, pagerduty, clock)
    second = pagerduty.trigger("Checkout returns 500", "checkout")
    clock.settle()
    pagerduty.resolve(first, by="Ana")
    clock.settle()
    assert slack.channel("inc-1").said("resolution") == []
    pagerduty.resolve(second, by="Ana")
    clock.settle()
    assert len(slack.channel("inc-1").said("resolution")) == 1


def test_an_alert_that_is_over_before_the_delay_opens_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"open_after": "5m"})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=4)
    assert slack.incident_channels() == []
    pagerduty.resolve(alert)
    clock.forward(hours=1)
    assert slack.incident_channels() == []
    assert multivac.incident().status is Status.DISMISSED
    assert pagerduty.incident(alert)["notes"] == []


def test_an_alert_that_outlasts_the_delay_opens_its_channel(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"open_after": "5m"})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=4, seconds=59)
    assert slack.incident_channels() == []
    clock.forward(seconds=1)
    room = slack.channel("inc-1")
    assert room.members == {"Ana", "Bo"}
    assert len(room.said("checklist")) == 1


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.DISMISSED])
def test_an_ended_incident_asks_for_nothing_more(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, status: Status
) -> None:
    alert = started(multivac, pagerduty, clock)
    multivac.becomes(status)
    clock.settle()
    before = slack.channel("inc-1").kinds()
    pagerduty.annotate(alert, "for the record", by="Ana")
    clock.forward(hours=3)
    assert slack.channel("inc-1").kinds() == before
