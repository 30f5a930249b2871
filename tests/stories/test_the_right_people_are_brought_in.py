"""Whoever the playbook wants is in the channel; who cannot be brought in is said once, with what to do."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

DEFAULT_INVITE = [{"on_call": {}}, {"assignees": True}, {"responders": True}]


def gap(slack: Slack, clock: Clock) -> str:
    """The one message about gaps, which half an hour later is still the only one."""
    (said,) = slack.channel("inc-1").said("gaps")
    clock.forward(minutes=30)
    assert len(slack.channel("inc-1").said("gaps")) == 1
    return said


def test_somebody_who_is_not_in_slack_is_named_with_what_to_do(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    pagerduty.trigger("Search is slow", "search")
    clock.settle()
    assert "Not found in Slack: Fay Kim. Invite them by hand." in gap(slack, clock)


def test_a_deactivated_account_is_named_and_stops_nobody_else(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"invite": [{"on_call": {"schedules": ["incident-commander", "cx-leads"]}}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Cara"}  # Ana leads
    assert "Eli Novak" in gap(slack, clock)


@pytest.mark.parametrize("handle", ["support-leads", "@support-leads"])
def test_a_user_group_is_invited(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, handle: str
) -> None:
    multivac.start({"invite": [{"group": handle}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Cara", "Cy"}


def test_a_user_group_that_does_not_exist_is_said(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"invite": [*DEFAULT_INVITE, {"group": "ghosts"}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}
    said = gap(slack, clock)
    assert "there is no user group @ghosts" in said
    assert "Correct the group in the playbook." in said


def test_named_people_are_invited(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(
        {
            "invite": [{"people": ["Gus@Example.com", "cy@example.com"]}],
            "lead": [{"fixed": "dee@example.com"}],
        }
    )
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Gus", "Cy", "Dee"}


def test_nobody_on_call_is_said(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack) -> None:
    pagerduty.set_on_call("Platform primary", None)
    pagerduty.account.policy("Platform").rules.pop()
    multivac.start()
    pagerduty.trigger("Search is slow", "search")
    clock.settle()
    assert "Nobody is on call" in gap(slack, clock)


def test_nobody_on_the_level_that_the_playbook_invites_is_said(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    pagerduty.set_on_call("Platform primary", None)
    multivac.start()
    pagerduty.trigger("Search is slow", "search")
    clock.settle()
    assert "Nobody is on call" in gap(slack, clock)


def test_a_schedule_that_does_not_exist_is_said(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"invite": [*DEFAULT_INVITE, {"on_call": {"schedules": ["Night watch"]}}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}
    said = gap(slack, clock)
    assert 'There is no PagerDuty schedule "Night watch"' in said
    assert "Write the schedule's exact name or its id into the playbook." in said


def test_some_are_wanted_for_the_worst_only(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"invite": [*DEFAULT_INVITE, {"group": "support-leads", "severities": ["sev1"]}]})
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo"}
    pagerduty.set_priority(alert, "P1", by="Ana")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Cara", "Cy"}
    pagerduty.set_priority(alert, "P3", by="Ana")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Cara", "Cy"}


def test_people_whom_pagerduty_names_by_id_alone_are_found(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout", assignees=["Gus"])
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Gus"}
    pagerduty.add_responder(alert, "Cy", by="Gus")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Gus", "Cy"}
    assert slack.channel("inc-1").said("gaps") == []


def test_whoever_left_is_not_brought_back(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    slack.standin.person_leaves(slack.channel("inc-1").name, "bo@example.com")
    pagerduty.add_responder(alert, "Cy", by="Ana")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Cy"}


def test_a_person_of_two_addresses_is_found_by_the_map_of_people(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    fay = slack.standin.add_person("Fay Kim", "fay.kim@example.org")
    mapped = {"name": "Fay Kim", "pagerduty": pagerduty.account.user("Fay").id, "slack": fay}
    multivac.start(people=[mapped])
    pagerduty.trigger("Search is slow", "search")
    clock.settle()
    assert slack.channel("inc-1").members == {"Fay"}
    assert slack.channel("inc-1").mentions == ["Fay"]
