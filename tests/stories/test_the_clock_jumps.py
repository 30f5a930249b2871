"""The clock is set forward and back, the machine sleeps: what is scheduled comes once, and work goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Status
from tests.stories.stage import PLAYBOOK, Clock, Logs, Multivac
from tests.stories.workspace import Slack

LATER: dict[str, Any] = {
    "phase": "time-check",
    "title": "Time check",
    "at": "20m",
    "repeat": {"every": "10m"},
    "tasks": [{"id": "look", "text": "Look at the time."}],
}


def jump(world: World, clock: Clock, by: timedelta) -> None:
    """Set the clock, as NTP does, and let the beat see it."""
    world.clock.set(clock.now() + by)
    clock._multivac.running.beat.beat()
    clock.settle()


def titles(slack: Slack) -> list[str]:
    return [text.partition("\n")[0] for text in slack.channel("inc-1").said("checklist")]


@pytest.mark.every_database
def test_a_clock_that_goes_forward_and_back_brings_nothing_twice(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start({"checklists": [*PLAYBOOK["checklists"], LATER]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    jump(world, clock, timedelta(minutes=21))
    assert titles(slack) == ["First 5 minutes", "Time check"]
    jump(world, clock, timedelta(minutes=-21))
    clock.forward(minutes=29)
    assert titles(slack) == ["First 5 minutes", "Time check"]
    clock.forward(minutes=2)
    assert titles(slack) == ["First 5 minutes", "Time check, round 2"]  # the same message, edited


def test_a_machine_that_slept_brings_the_newest_once(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start({"checklists": [*PLAYBOOK["checklists"], LATER]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    jump(world, clock, timedelta(hours=3))
    assert titles(slack) == ["First 5 minutes", "Time check, round 17"]
    clock.forward(minutes=5)
    assert titles(slack) == ["First 5 minutes", "Time check, round 17"]


def test_a_step_that_waits_does_not_wait_for_a_clock_that_was_set_back(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, logs: Logs
) -> None:
    world.fail(Fault("slack", "chat.postMessage", "rate_limit", retry_after=30))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    jump(world, clock, timedelta(hours=-30))
    assert [line["seconds"] for line in logs.lines if "set back" in line["event"]] == [30 * 3600]
    clock.forward(minutes=1)
    assert {"headline", "checklist/first-5-minutes", "lead told"} <= set(slack.channel("inc-1").kinds())


def test_a_step_that_waits_does_not_wait_for_a_clock_that_was_set_back_while_multivac_was_down(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, logs: Logs
) -> None:
    world.fail(Fault("slack", "conversations.create", "server_error", times=0))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    multivac.running.beat.write_again()
    multivac.stop()
    world.heal()
    world.clock.set(clock.now() - timedelta(hours=1))
    multivac.start_again()
    clock.settle()
    assert [line["seconds"] for line in logs.lines if "set back" in line["event"]] == [3600]
    assert slack.incident_channels() == ["inc-1-checkout-is-slow"]
    multivac.running.beat.write_again()
    multivac.stop()
    multivac.start_again()
    assert len([line for line in logs.lines if "set back" in line["event"]]) == 1


def test_the_headline_is_redrawn_though_it_was_drawn_in_the_future(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    jump(world, clock, timedelta(hours=-6))
    multivac.becomes(Status.ACTIVE)
    clock.settle()
    assert "*Status*\nActive" in slack.channel("inc-1").headline


def test_a_checklist_of_leap_day_comes_on_leap_day_alone(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.clock.set(datetime(2028, 2, 27, 12, tzinfo=UTC))
    leap = {**LATER, "repeat": {"cron": "0 9 29 2 *", "zone": "Europe/Berlin"}}
    multivac.start({"checklists": [*PLAYBOOK["checklists"], leap]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    clock.forward(days=1, hours=19, minutes=59)
    assert titles(slack) == ["First 5 minutes"]
    clock.forward(minutes=1)  # 29 February, 08:00 UTC
    assert titles(slack) == ["First 5 minutes", "Time check"]
    clock.forward(days=2)
    assert titles(slack) == ["First 5 minutes", "Time check"]
