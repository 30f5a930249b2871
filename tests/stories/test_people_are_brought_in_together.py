"""Whole groups and whoever is on call are brought in by name, with a bound, and who is missing is said."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P3 on checkout."""
    multivac.start(PLAYBOOK, settings=HEARS)
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    return alert


def test_a_group_and_those_on_call_are_invited_and_who_is_missing_is_said(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    group = slack.standin.add_group("dbas", ["Cy Tanaka", "Gus Moreau"])
    told = slack.asks("Ana", f"invite <!subteam^{group}|@dbas>", channel="inc-1")
    assert "Cy Tanaka, Gus Moreau" in told
    assert "Cara Mbeki" in slack.asks("Ana", "invite customer experience", channel="inc-1")
    clock.settle()
    assert {"Cy", "Gus", "Cara"} <= slack.channel("inc-1").members
    assert "Ana Silva asks for Cy Tanaka, Gus Moreau" in multivac.timeline()
    assert "in the channel already" in slack.asks("Ana", f"invite <!subteam^{group}>", channel="inc-1")
    for team, who in (("search", "Fay Kim"), ("incident command", "Eli Novak")):
        told = slack.asks("Ana", f"invite {team}", channel="inc-1")
        assert told == f"{who} is on call, and not found in Slack."
    nobody = slack.asks("Ana", "invite nowhere", channel="inc-1")
    assert "I know nobody, and PagerDuty has no service, called “nowhere”." in nobody
    assert "in the channel already" in slack.asks("Ana", "invite @bo", channel="inc-1")


def test_a_group_that_changes_or_goes_brings_in_nobody_and_throws_out_nobody(
    alert: str, slack: Slack, clock: Clock
) -> None:
    group = slack.standin.add_group("dbas", ["Cy Tanaka"])
    slack.asks("Ana", f"invite <!subteam^{group}>", channel="inc-1")
    clock.settle()
    before = slack.channel("inc-1").members
    slack.standin.change_group("dbas", ["Gus Moreau"])
    clock.forward(minutes=1)
    assert slack.channel("inc-1").members == before
    slack.standin.remove_group("dbas")
    clock.forward(minutes=1)
    assert slack.channel("inc-1").members == before
    assert slack.channel("inc-1").said("gaps") == []
    empty = slack.standin.add_group("nobody", [])
    groups = f"<!subteam^{group}> <!subteam^{empty}|@nobody>"
    told = slack.asks("Ana", f"invite {groups}", channel="inc-1")
    gone = "Nobody of the user group was invited: it could not be read, there is no such user group"
    assert told == f"{gone} (no_such_subteam).\nNobody is in the user group."
    assert slack.channel("inc-1").members == before
    told = slack.asks("Ana", f"invite {groups} <@{slack.id_of('Gus')}>", channel="inc-1")
    assert told.startswith("Invited into <#C")
    assert f": Gus Moreau.\n{gone}" in told


def test_a_group_of_more_than_thirty_is_refused_whole(alert: str, slack: Slack, clock: Clock) -> None:
    crowd = [slack.standin.add_person(f"Crowd {each}", f"crowd{each}@example.com") for each in range(31)]
    group = slack.standin.add_group("everybody", crowd)
    before = slack.channel("inc-1").members
    told = slack.asks("Ana", f"invite <!subteam^{group}>", channel="inc-1")
    assert "Those are 31 people, and at most 30 are brought in at once." in told
    clock.settle()
    assert slack.channel("inc-1").members == before
