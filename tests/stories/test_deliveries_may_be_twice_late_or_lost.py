"""PagerDuty delivers at least once and in any order; whatever comes how often, one state comes of it."""

from collections.abc import Callable

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.every_database


def test_an_event_that_comes_twice_does_nothing_twice(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start()
    pagerduty.duplicate_next()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.numbers() == (1,)
    assert slack.channel("inc-1").kinds() == ["headline", "checklist/first-5-minutes", "lead told"]
    assert len(world.calls("slack", "conversations.create")) == len(world.calls("jira", "POST /issue")) == 1
    assert len(pagerduty.incident(alert)["notes"]) == 1
    assert multivac.metric("multivac_webhook_duplicates_total", source="pagerduty") == 1
    assert sum("triggered the alert" in line for line in multivac.timeline()) == 1


def test_a_webhook_id_that_comes_twice_does_nothing_twice(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.hold_deliveries()
    pagerduty.trigger("Checkout is slow", "checkout")
    (parcel,) = pagerduty.deliveries._held or []
    same = {"X-Webhook-Id": "the-same"}
    again = parcel.event.body.replace(parcel.event.id.encode(), b"another-event-id")
    assert pagerduty.deliver_raw(parcel.event.body, headers=same) == [202]
    assert pagerduty.deliver_raw(again, headers=same) == [202]
    clock.settle()
    assert multivac.numbers() == (1,)
    assert multivac.metric("multivac_webhook_duplicates_total", source="pagerduty") == 1


def test_a_second_delivery_repairs_what_is_unfinished(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start()
    pagerduty.hold_deliveries()
    pagerduty.trigger("Checkout is slow", "checkout")
    (parcel,) = pagerduty.deliveries._held or []
    fault = world.fail(Fault("slack", "conversations.create", "server_error", times=1))
    assert pagerduty.deliver_raw(parcel.event.body) == [202]
    assert world.wait_for(lambda: fault not in world.faults)
    clock.forward(seconds=0.1)
    assert slack.incident_channels() == []
    world.clock.forward(2)  # the retry is due, but no beat comes
    assert pagerduty.deliver_raw(parcel.event.body) == [202]
    assert world.wait_for(lambda: len(slack.incident_channels()) == 1)


@pytest.mark.parametrize("order", ["reversed", "shuffled"])
def test_any_order_ends_in_the_same_state(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, order: str
) -> None:
    multivac.start()
    pagerduty.hold_deliveries()
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    for change in _changes(pagerduty, alert):
        clock.forward(seconds=20)
        change()
    pagerduty.release(order)
    clock.forward(minutes=3)
    room = slack.channel("inc-1")
    assert multivac.numbers() == (1,)
    assert room.topic.startswith("SEV1 · Triage")
    assert "acknowledged by Ana Silva" in room.headline
    assert "Gus Moreau" in room.headline
    assert {"Ana", "Cy", "Gus"} <= room.members
    assert "Join the call" in room.headline
    assert multivac.lead() == "Ana Silva"


def _changes(pagerduty: PagerDuty, alert: str) -> list[Callable[[], object]]:
    return [
        lambda: pagerduty.set_priority(alert, "P2", by="Ana"),
        lambda: pagerduty.set_bridge(alert, "https://meet.example.com/1"),
        lambda: pagerduty.reassign(alert, "Gus", by="Ana"),
        lambda: pagerduty.add_responder(alert, "Cy", by="Ana"),
        lambda: pagerduty.set_priority(alert, "P1", by="Ana"),
        lambda: pagerduty.acknowledge(alert, by="Ana"),
    ]


def test_a_resolution_that_overtakes_the_alert_opens_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.hold_deliveries()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=1)
    pagerduty.resolve(alert)
    pagerduty.release("reversed")
    clock.settle()
    assert slack.incident_channels() == []


def test_a_late_old_event_undoes_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    pagerduty.hold_deliveries()
    pagerduty.unacknowledge(alert)
    pagerduty.set_priority(alert, "P4", by="Ana")
    held = pagerduty.deliveries._held
    pagerduty.deliveries._held = None
    clock.forward(minutes=1)
    pagerduty.set_priority(alert, "P1", by="Ana")
    pagerduty.acknowledge(alert, by="Ana")
    clock.settle()
    pagerduty.deliveries._held = held
    pagerduty.release()
    clock.settle()
    room = slack.channel("inc-1")
    assert room.topic.startswith("SEV1")
    assert "acknowledged by Ana Silva" in room.headline


def test_the_sweep_takes_in_what_never_came(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    daemon = multivac.start()
    pagerduty.lose_next()
    pagerduty.trigger("Checkout is slow", "checkout", priority="P1")
    clock.forward(minutes=1)
    assert multivac.numbers() == ()
    assert daemon.sweep is not None
    daemon.sweep.sweep()
    clock.settle()
    room = slack.channel("inc-1")
    assert room.topic.startswith("SEV1")
    assert room.members == {"Ana", "Bo", "Dee"}
    daemon.sweep.sweep()
    clock.settle()
    assert multivac.numbers() == (1,)


def test_the_sweep_notices_an_acknowledgement_that_never_came(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    daemon = multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    pagerduty.lose_next()
    clock.forward(minutes=1)
    pagerduty.acknowledge(alert, by="Ana")
    pagerduty.lose_next()
    pagerduty.set_priority(alert, "P1", by="Ana")
    assert daemon.sweep is not None
    daemon.sweep.sweep()
    clock.settle()
    assert slack.channel("inc-1").topic.startswith("SEV1")


def test_the_sweep_asks_for_nothing_that_is_over(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    daemon = multivac.start()
    pagerduty.lose_next(2)
    pagerduty.resolve(pagerduty.trigger("Checkout is slow", "checkout"))
    assert daemon.sweep is not None
    daemon.sweep.sweep()
    clock.settle()
    assert multivac.numbers() == ()


def test_an_alert_of_our_downtime_is_delivered_again(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    url = multivac.running.url
    multivac.stop()
    pagerduty.trigger("Checkout is slow", "checkout")
    pagerduty.redeliver_due()
    multivac.start_again(port=int(url.rpartition(":")[2]))
    clock.forward(minutes=1)
    assert slack.channel("inc-1").members == {"Ana", "Bo"}
    assert multivac.incident().status is Status.TRIAGE
