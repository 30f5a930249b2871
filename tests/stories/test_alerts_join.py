"""Alerts of one service are one incident, and alerts of another are another."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Severity, Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.every_database


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
    assert "Another alert joined (same service): Checkout returns 500" in multivac.timeline()
    assert "#inc-1-checkout-is-slow" in pagerduty.incident(second)["notes"][0]["content"]
    assert slack.channel("inc-1").kinds() == ["headline", "checklist/first-5-minutes", "lead told"]


@pytest.mark.every_database
def test_an_alert_that_joined_wrongly_is_split_off_and_what_follows_of_it_goes_there(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(settings={"slack__signing_secret": "what-slack-signs-with"})
    pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    assert "none can be split off" in slack.asks("Ana", "split", channel="inc-1")
    second = pagerduty.trigger("The cache is full", "checkout", priority="P1")
    clock.settle()
    assert multivac.incident().severity is Severity.SEV1
    assert "No open alert here has the number 9" in slack.asks("Bo", "split 9", channel="inc-1")
    slack.presses("Bo", "Split", channel="inc-1", kind="headline")
    assert slack.sends("Bo", alert=second) == {}
    clock.settle()
    assert [multivac.incident(number).severity for number in (1, 2)] == [Severity.SEV3, Severity.SEV1]
    assert [len(multivac.incident(number).alerts.rows) for number in (1, 2)] == [1, 1]
    assert "Split off from INC-1 by Bo Lindqvist" in multivac.timeline(2)
    assert "Severity SEV1 → SEV3: Bo Lindqvist split off the alert The cache is full into INC-2" in (
        multivac.timeline()
    )
    assert any("#inc-2-the-cache" in one["content"] for one in pagerduty.incident(second)["notes"])
    pagerduty.annotate(second, "It is the disk", by="Ana")
    clock.settle()
    assert "Ana Silva noted: It is the disk" in multivac.timeline(2)
    assert "Ana Silva noted: It is the disk" not in multivac.timeline()
    pagerduty.resolve(second, by="Ana")
    clock.settle()
    assert slack.asks("Ana", "split", channel="inc-2") == "INC-2 has no open alert that could be split off."


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
    clock.forward(seconds=10)
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
    clock.forward(seconds=10)
    assert "31 alerts, the first 10 are linked" in slack.channel("inc-1").headline
    assert multivac.metric("multivac_steps_total", step="headline") - drawn <= 4
    notes = [len(pagerduty.incident(one)["notes"]) for one in joined]
    assert sorted(notes) == [0] * 6 + [1] * 24  # the first alert has the 25th


CROWD = {"join": {"similar_title_within": "10m"}}


def test_an_alert_with_a_similar_title_joins_whatever_its_service(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(CROWD)
    pagerduty.trigger("Cannot reach db-3.example.com:5432 (12:01)", "checkout")
    clock.settle()
    pagerduty.trigger("cannot reach DB-7.example.com:5432 (12:02)", "payments")
    pagerduty.trigger("Cannot reach the bank", "cart")
    clock.settle()
    assert multivac.numbers() == (1, 2)
    joined = "Another alert joined (similar title): cannot reach DB-7.example.com:5432 (12:02)"
    assert joined in multivac.timeline()
    assert "2 alerts" in slack.channel("inc-1").headline
    pagerduty.trigger("Payments return 500", "payments")
    clock.settle()
    assert "Another alert joined (same service): Payments return 500" in multivac.timeline()


def test_an_alert_with_the_same_deduplication_key_joins_though_another_had_its_service_first(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start({"join": {"same_service_within": "0s"}})
    first = pagerduty.trigger("Checkout is slow", "checkout", key="checkout/latency")
    clock.settle()
    pagerduty.trigger("Checkout is red", "checkout", priority="P1")
    clock.settle()
    multivac.becomes(Status.ACTIVE)
    pagerduty.resolve(first)
    clock.forward(hours=1)
    pagerduty.trigger("Checkout is slow again", "checkout", key="checkout/latency")
    clock.settle()
    assert multivac.numbers() == (1, 2)
    assert "Another alert joined (same deduplication key): Checkout is slow again" in multivac.timeline()


def test_an_alert_joins_the_worst_incident_that_fits_and_of_those_the_oldest(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start({"join": {"same_service_within": "0s"}})
    for title, priority in (("Red", "P4"), ("Amber", "P2"), ("Green", "P2")):
        pagerduty.trigger(title, "checkout", priority=priority)
        clock.forward(seconds=1)
    multivac.stop()
    multivac.start({"join": {"same_service_within": "10m"}})
    pagerduty.trigger("Blue", "checkout")
    clock.settle()
    assert "Another alert joined (same service): Blue" in multivac.timeline(2)


def test_nothing_public_joins_a_private_incident_nor_the_other_way_round(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    pagerduty.trigger("Suspicious login at checkout", "checkout")
    pagerduty.trigger("Unauthorized access to checkout", "checkout")
    pagerduty.trigger("Checkout is slower", "checkout")
    clock.settle()
    assert [len(multivac.incident(number).alerts.rows) for number in multivac.numbers()] == [2, 2]
    assert [multivac.incident(number).playbook.channel.private for number in (1, 2)] == [False, True]


def test_an_incident_goes_on_with_the_alert_that_its_own_was_merged_into(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start({"match": {"priority": ["P1"]}})
    known = pagerduty.trigger("Checkout is down", "checkout", priority="P1")
    passed_over = pagerduty.trigger("The database is down", "payments")
    clock.settle()
    pagerduty.merge(known, passed_over, by="Ana")
    clock.settle()
    assert "Ana Silva merged the alert into The database is down" in multivac.timeline()
    assert "Another alert joined (linked in PagerDuty): The database is down" in multivac.timeline()
    assert multivac.incident().status.is_open
    pagerduty.resolve(passed_over)
    clock.settle()
    assert multivac.incident().resolution_at is not None


def test_an_alert_that_was_merged_before_it_was_heard_of_joins_the_other_one(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start()
    known = pagerduty.trigger("Checkout is down", "checkout")
    clock.settle()
    pagerduty.lose_next()
    unheard = pagerduty.trigger("The cart is down", "cart")
    pagerduty.merge(unheard, known, by="Ana")
    clock.settle()
    assert multivac.numbers() == (1,)
    assert "Another alert joined (linked in PagerDuty): The cart is down" in multivac.timeline()
    assert multivac.incident().resolution_at is None


def test_two_hundred_alerts_are_one_line_that_is_redrawn_now_and_then(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, world: World
) -> None:
    multivac.start(CROWD | {"invite": [], "lead": [{"fixed": "ana@example.com"}]})
    pagerduty.trigger("Cannot reach db-1", "checkout")
    clock.settle()
    said = slack.channel("inc-1").kinds()
    posted, edited = len(world.calls("slack", "chat.postMessage")), len(world.calls("slack", "chat.update"))
    for second in range(20):
        for number in range(10):
            pagerduty.trigger(f"Cannot reach db-{second * 10 + number}", ("cart", "payments")[number % 2])
        clock.forward(seconds=1)
    clock.forward(seconds=30)
    assert "201 alerts, 3 services, the first 10 are linked" in slack.channel("inc-1").headline
    assert slack.channel("inc-1").kinds() == said
    assert len(world.calls("slack", "chat.postMessage")) == posted
    assert len(world.calls("slack", "chat.update")) - edited <= 5


def test_what_matters_is_redrawn_at_once_also_while_alerts_stream_in(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alerts = [pagerduty.trigger(f"Checkout pod {number} restarts", "checkout") for number in range(8)]
    clock.forward(seconds=10)
    pagerduty.trigger("Checkout pod 8 restarts", "checkout")
    clock.forward(seconds=10)
    pagerduty.trigger("Checkout pod 9 restarts", "checkout")
    clock.forward(seconds=1)
    pagerduty.acknowledge(alerts[0], by="Bo")
    clock.forward(seconds=3)
    assert "10 alerts, acknowledged by Bo Lindqvist" in slack.channel("inc-1").headline
