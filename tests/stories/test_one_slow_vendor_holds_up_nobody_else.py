"""Only what truly depends on a call waits for it; everything else goes on."""

from collections.abc import Callable

import pytest

from integrations.sandbox.exchange import Exchange, Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.every_database


def started(multivac: Multivac, pagerduty: PagerDuty) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    pagerduty.redeliver_due()


def soon(world: World, true: Callable[[], bool]) -> None:
    assert world.wait_for(true), "it did not happen while another vendor was slow"


def one(world: World, vendor: str, method: str) -> Exchange:
    return world.calls(vendor, method)[0]


def test_without_an_answer_of_jira_the_channel_is_complete(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, jira: Jira
) -> None:
    world.fail(Fault("jira", "*", "hold", times=0))
    started(multivac, pagerduty)
    soon(world, lambda: bool(slack.incident_channels()) and slack.channel("inc-1").members == {"Ana", "Bo"})
    soon(world, lambda: len(slack.channel("inc-1").said("checklist")) == 1)
    soon(world, lambda: len(slack.channel("incidents").said("announcement")) == 1)
    world.heal()
    clock.settle()
    assert "OPS-1>" in slack.channel("inc-1").headline
    assert slack.channel("inc-1").mentions == ["Ana"]


def test_without_an_answer_of_pagerduty_the_channel_stands(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, jira: Jira
) -> None:
    world.fail(Fault("pagerduty", "GET /oncalls", "hold"))
    started(multivac, pagerduty)
    soon(
        world, lambda: bool(slack.incident_channels()) and len(slack.channel("inc-1").said("checklist")) == 1
    )
    soon(world, lambda: len(jira.site.issues) == 1)
    soon(world, lambda: len(slack.channel("incidents").said("announcement")) == 1)
    assert slack.channel("inc-1").members == set()
    world.release()
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}


def test_while_slack_opens_the_channel_people_and_ticket_are_seen_to(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, jira: Jira
) -> None:
    world.fail(Fault("slack", "conversations.create", "hold"))
    started(multivac, pagerduty)
    soon(world, lambda: bool(world.calls("jira", "PUT /issue/{key}/assignee")))
    soon(world, lambda: len(world.calls("slack", "users.lookupByEmail")) == 2)
    assert slack.incident_channels() == []
    world.release()
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}


def test_the_invite_waits_for_the_topic(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.fail(Fault("slack", "conversations.setTopic", "slow", seconds=0.3))
    started(multivac, pagerduty)
    clock.settle()
    assert (
        one(world, "slack", "conversations.setTopic").ended
        <= one(world, "slack", "conversations.invite").started
    )


def test_the_invite_waits_for_the_topic_half_a_second_at_most(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.fail(Fault("slack", "conversations.setTopic", "hold"))
    started(multivac, pagerduty)
    soon(world, lambda: "invite" in multivac.incident().steps)
    assert slack.channel("inc-1").members == set()
    world.clock.forward(0.5)

    def invited() -> bool:
        multivac.running.beat.beat()
        return slack.channel("inc-1").members == {"Ana", "Bo"}

    soon(world, invited)
    assert world.held == 1
    world.release()
    clock.settle()


def test_the_headline_is_posted_before_it_is_pinned_and_before_the_checklist(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.delays["slack"] = 0.05
    started(multivac, pagerduty)
    clock.settle()
    room = slack.channel("inc-1")
    said = [
        call for call in world.calls("slack", "chat.postMessage") if call.request_body["channel"] == room.id
    ]
    assert said[0].ended <= one(world, "slack", "pins.add").started
    assert said[0].ended <= said[1].started


def test_what_does_not_depend_on_each_other_goes_out_at_once(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.delays.update(slack=0.15, jira=0.15, pagerduty=0.15)
    started(multivac, pagerduty)
    clock.settle()
    first = (
        one(world, "slack", "conversations.create"),
        one(world, "jira", "POST /issue"),
        one(world, "pagerduty", "GET /oncalls"),
    )
    assert max(call.started for call in first) < min(call.ended for call in first)
    room = slack.channel("inc-1")
    headline = next(
        call for call in world.calls("slack", "chat.postMessage") if call.request_body["channel"] == room.id
    )
    then = (
        headline,
        one(world, "slack", "conversations.setTopic"),
        one(world, "slack", "conversations.setPurpose"),
    )
    assert first[0].ended <= min(call.started for call in then)
    assert max(call.started for call in then) < min(call.ended for call in then)


def test_the_second_link_comes_after_the_invite(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.delays["pagerduty"] = 0.2
    started(multivac, pagerduty)
    clock.settle()
    links = world.calls("slack", "bookmarks.add")
    assert len(links) == 2
    assert links[1].started >= one(world, "slack", "conversations.invite").ended
