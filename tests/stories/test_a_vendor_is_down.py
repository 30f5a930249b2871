"""A vendor that is down delays only what needs it, and everything is caught up when it is back."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.cli import not_done
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

# What these are about has no word with the database; the other stories here are told on both.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEARS = {"slack__signing_secret": "what-slack-signs-with"}
STALE = "The pager does not answer: who is on call is as of <!date^"


def test_without_pagerduty_the_last_on_call_list_is_used_and_its_age_is_shown(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=20)
    told = int(clock.now().timestamp()) - 20 * 60
    world.fail(Fault("pagerduty", "*", "server_error", times=0, status=503))
    pagerduty.trigger("Payments are slow", "payments")
    clock.settle()
    room = slack.channel("inc-2")
    assert {"Ana", "Bo"} <= room.members
    assert multivac.lead(2) == "Ana Silva"
    assert f"{STALE}{told}^" in room.headline

    world.heal()
    pagerduty.set_on_call("Commerce shadow", "Gus")
    clock.forward(minutes=2)
    room = slack.channel("inc-2")
    assert STALE not in room.headline
    assert "Gus" in room.members


def test_without_pagerduty_and_without_an_older_list_it_is_said_and_mended(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.fail(Fault("pagerduty", "*", "server_error", times=0, status=500))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    room = slack.channel("inc-1")
    assert "Checkout is slow" in room.headline
    assert room.said("gaps") == []  # a hiccup is nobody's business
    clock.forward(minutes=3)
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "Who is on call is not known" in gap
    world.heal()
    clock.forward(minutes=3)
    room = slack.channel("inc-1")
    assert room.members == {"Ana", "Bo"}
    assert multivac.lead() == "Ana Silva"
    (gap,) = room.said("gaps")
    assert "Nothing is missing any more" in gap
    assert "✅ Who is on call is known now." in gap


def test_without_jira_the_channel_comes_now_and_the_ticket_later(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, jira: Jira
) -> None:
    world.fail(Fault("jira", "*", "server_error", times=0, status=503))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout", priority="P1")
    clock.settle()
    room = slack.channel("inc-1")
    assert room.members == {"Ana", "Bo", "Dee"}
    assert "*Lead*\nAna Silva" in room.headline
    assert "OPS-" not in room.headline
    assert len(room.said("checklist")) == len(slack.channel("incidents").said("announcement")) == 1
    clock.forward(minutes=5)
    room = slack.channel("inc-1")
    assert room.mentions == ["Ana"]
    (gap,) = room.said("gaps")
    assert "There is no Jira ticket" in gap

    world.heal()
    clock.forward(minutes=2)
    room = slack.channel("inc-1")
    assert "OPS-1>" in room.headline
    assert jira.issue("OPS-1")["fields"]["assignee"]["displayName"] == "Ana Silva"
    assert room.mentions == ["Ana"]
    (gap,) = room.said("gaps")
    assert "Nothing is missing any more" in gap
    assert len(jira.site.issues) == 1


@pytest.mark.parametrize("kind", ["server_error", "reset", "html"])
def test_after_ten_minutes_without_slack_everything_is_caught_up(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    slack: Slack,
    *,
    world: World,
    jira: Jira,
    kind: str,
) -> None:
    world.fail(Fault("slack", "*", kind, times=0))
    world.fail(Fault("pagerduty", "POST /incidents/{id}/notes", "lose_answer"))
    multivac.start({"updates": {}})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=10)
    assert slack.incident_channels() == []
    assert jira.issue("OPS-1")["fields"]["assignee"]["displayName"] == "Ana Silva"
    assert "If that channel is not there yet" not in str(jira.issue("OPS-1")["fields"])
    (note,) = pagerduty.incident(alert)["notes"]
    assert "Multivac: Response INC-1 has begun, but has no Slack channel yet" in note["content"]
    assert "The lead is Ana Silva. The ticket is OPS-1: http" in note["content"]
    assert "#inc-1-checkout-is-slow opens by itself when Slack can be used again" in note["content"]

    world.heal()
    clock.forward(minutes=2)
    assert "INC-1 is in the Slack channel #inc-1" in pagerduty.incident(alert)["notes"][1]["content"]
    assert len(pagerduty.incident(alert)["notes"]) == 2
    assert str(jira.issue("OPS-1")["fields"]["comment"]).count("has no Slack channel yet") == 1
    assert not [line for line in multivac.timeline() if "Note" in line or "has begun" in line]  # our own
    room = slack.channel("inc-1")
    assert room.members == {"Ana", "Bo"}
    assert room.pinned == [room.headline]
    kinds = [kind for kind in room.kinds() if kind != "gaps"]
    assert kinds == ["headline", "checklist/first-5-minutes", "lead told"]
    assert len(room.kinds()) == len({*room.kinds()})
    assert all("Nothing is missing any more" in gap for gap in room.said("gaps"))
    assert "Checkout is slow" in room.topic
    assert len(slack.channel("incidents").said("announcement")) == 1
    assert len(slack.incident_channels()) == 1


def test_what_changes_while_slack_is_down_is_shown_when_it_is_back(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    world.fail(Fault("slack", "*", "server_error", times=0))
    pagerduty.acknowledge(alert, by="Ana")
    pagerduty.set_priority(alert, "P1", by="Ana")
    pagerduty.add_responder(alert, "Cy", by="Ana")
    clock.forward(minutes=5)
    world.heal()
    clock.forward(minutes=2)
    room = slack.channel("inc-1")
    assert "SEV1" in room.topic
    assert "acknowledged by Ana Silva" in room.headline
    assert {"Cy", "Dee"} <= room.members
    assert "SEV1" in slack.channel("incidents").said("announcement")[0]


@ON_SQLITE
def test_what_fails_for_a_time_is_tried_again_as_long_as_the_incident_is_open(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.fail(Fault("jira", "*", "server_error", times=0, status=503))
    multivac.start({"updates": {}})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(hours=1)
    assert 60 <= multivac.step("ticket").tries <= 120, "at first at once, at last about each minute"
    assert len(slack.channel("inc-1").said("gaps")) == 1
    world.heal()
    clock.forward(minutes=2)
    assert "OPS-1>" in slack.channel("inc-1").headline


@ON_SQLITE
def test_with_a_revoked_pagerduty_token_the_last_on_call_list_is_used_and_operators_know(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    slack.standin.add_channel("multivac-ops", ["multivac"])
    multivac.start(settings={"slack__operators_channel": "multivac-ops"})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    pagerduty.gate.tokens.clear()
    pagerduty.trigger("Payments are slow", "payments")
    clock.settle()
    room = slack.channel("inc-2")
    assert {"Ana", "Bo"} <= room.members
    assert multivac.lead(2) == "Ana Silva"
    assert STALE in room.headline
    multivac.running.operators.tell()
    (line,) = slack.channel("multivac-ops").said()
    assert "PagerDuty does not accept our token." in line


@ON_SQLITE
def test_one_person_whom_slack_hides_does_not_keep_the_others_out(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    hidden = {"email": "bo@example.com"}
    world.fail(Fault("slack", "users.lookupByEmail", times=0, error="enterprise_is_restricted", match=hidden))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    room = slack.channel("inc-1")
    assert room.members == {"Ana"}
    assert "Not found in Slack: Bo Lindqvist. Invite them by hand." in room.said("gaps")[0]


@ON_SQLITE
def test_what_people_mended_goes_on_within_ten_minutes(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.fail(Fault("slack", "conversations.setTopic", times=0, error="not_in_channel"))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=9)
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "The topic is not set: the bot is not in the channel" in gap
    assert "Invite the bot into the channel." in gap
    assert len(world.calls("slack", "conversations.setTopic")) == 1
    world.heal()
    clock.forward(minutes=2)
    assert slack.channel("inc-1").topic.startswith("SEV")
    assert "Nothing is missing any more" in slack.channel("inc-1").said("gaps")[0]


@pytest.mark.every_database
def test_what_has_no_room_yet_is_in_the_headline_and_people_mend_it_by_buttons(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World, jira: Jira
) -> None:
    world.fail(Fault("jira", "POST /issue", "server_error", times=0, status=503))
    multivac.start({"updates": {}}, settings={"slack__signing_secret": "what-slack-signs-with"})
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P1")
    clock.forward(seconds=20)
    slack.presses("Ana", "Accept", channel="inc-1")
    pagerduty.resolve(alert, by="Bo")
    clock.settle()
    assert "Press Resolve; else press It goes on." in slack.channel("inc-1").said("resolution")[0]
    assert slack.presses("Bo", "It goes on", channel="inc-1") == "INC-1 goes on."
    pagerduty.annotate(alert, "for the record", by="Ana")  # it stays resolved, which they know
    clock.forward(minutes=3)
    room = slack.channel("inc-1")
    (proposal,) = room.said("resolution")
    assert proposal.endswith("The incident goes on all the same, say those who work on it.")
    assert "PagerDuty proposes no end" in slack.asks("Bo", "continue", channel="inc-1")
    assert room.said("gaps") == []
    assert "*Not done yet:* There is no Jira ticket" in room.headline
    clock.forward(minutes=8)
    room = slack.channel("inc-1")
    assert "Not done yet" not in room.headline
    assert "Operators: `multivac trace INC-1`" in room.said("gaps")[0]
    (line,) = not_done(multivac.incident())
    assert "INC-1 ticket: not done, tried" in line
    told = slack.presses("Bo", "Retry now", channel="inc-1", kind="gaps")
    assert told == "I try again now. Not done yet: There is no Jira ticket."
    clock.settle()
    assert "✅" not in slack.channel("inc-1").said("gaps")[0]
    slack.presses("Bo", "Link a ticket", channel="inc-1", kind="gaps")
    assert "Write the key" in slack.sends("Bo", key="that one")["key"]
    assert slack.sends("Bo", key=jira.create("Customers cannot pay", by="Cara")) == {}
    clock.settle()
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "Nothing is missing any more" in gap
    assert "✅ The Jira ticket is there: OPS-1." in gap
    assert "Retry now" not in gap
