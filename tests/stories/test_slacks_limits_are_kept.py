"""Rate limits are kept: the worst incident goes first, and everybody gets what is theirs."""

from datetime import timedelta

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import Fault, World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.every_database

EACH_ITS_OWN = {"join": {"same_service_within": "0s"}}
A_QUARTER = {"slack__pace": "0.25"}  # of what Slack allows: five new channels a minute


def storm(pagerduty: PagerDuty, number: int, *, priority: str = "P4") -> None:
    for each in range(number):
        pagerduty.trigger(f"Disk of host {each} is full", "search", priority=priority)


def refused(world: World) -> int:
    return sum(one.status == 429 for one in world.exchanges)


def test_a_storm_of_incidents_is_worked_off_at_the_rate_that_slack_allows(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, world: World, slack: Slack
) -> None:
    world.limits_on = True
    multivac.start(EACH_ITS_OWN, settings=A_QUARTER)
    storm(pagerduty, 7)
    clock.settle()
    assert len(slack.incident_channels()) < 7
    clock.forward(seconds=90)
    assert len(slack.incident_channels()) == 7
    for number in multivac.numbers():
        assert {"headline", "checklist/first-5-minutes"} <= set(slack.channel(f"inc-{number}").kinds())
    assert refused(world) == 0


def test_a_sev1_goes_before_every_sev4_that_waits(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, world: World, slack: Slack
) -> None:
    world.limits_on = True
    multivac.start(EACH_ITS_OWN, settings=A_QUARTER)
    storm(pagerduty, 8)
    clock.settle()
    began = clock.now()
    pagerduty.trigger("Checkout is down", "checkout", priority="P1")
    clock.settle()
    assert clock.now() - began <= timedelta(seconds=6)
    room = slack.channel("inc-9")
    assert room.kinds() == ["headline", "checklist/first-5-minutes", "lead told"]
    assert room.members
    assert len(slack.incident_channels()) < 9
    assert refused(world) == 0


def test_what_slack_refuses_is_asked_of_it_by_nobody_until_it_may_be(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, world: World, slack: Slack
) -> None:
    multivac.start(EACH_ITS_OWN)
    world.fail(Fault("slack", "conversations.create", "rate_limit", times=1, retry_after=30))
    storm(pagerduty, 1)
    clock.settle()
    storm(pagerduty, 3)
    clock.settle()
    assert len(world.calls("slack", "conversations.create")) == 1
    clock.forward(seconds=60)
    assert len(slack.incident_channels()) == 4


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("vendor", "method"), [("jira", "POST /issue"), ("pagerduty", "GET /oncalls")])
def test_a_429_of_any_vendor_holds_back_all_its_calls_and_no_other_vendors(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    world: World,
    slack: Slack,
    *,
    vendor: str,
    method: str,
) -> None:
    multivac.start(EACH_ITS_OWN)
    world.fail(Fault(vendor, method, "rate_limit", times=1, retry_after=40))
    storm(pagerduty, 1)
    clock.settle()
    asked = len(world.calls(vendor))
    storm(pagerduty, 2)
    clock.settle()
    assert len(world.calls(vendor)) == asked
    assert len(slack.incident_channels()) == 3
    clock.forward(seconds=90)
    for number in multivac.numbers():
        assert multivac.step("ticket", number).was_done
        assert multivac.step("on call", number).was_done
