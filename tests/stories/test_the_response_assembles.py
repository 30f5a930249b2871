"""An alert becomes a response: a channel with the right people in it, a ticket, a lead, a checklist."""

import pytest

from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, whose policy has Ana and Bo on call, then Dee; everybody has done their part."""
    multivac.start()
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def test_the_channel_is_named_after_the_incident(alert: str, slack: Slack) -> None:
    room = slack.channel("inc-1")
    assert room.name == "inc-1-checkout-returns-500"
    assert room.topic == "SEV1 · Triage · INC-1 · Checkout returns 500"
    assert "INC-1: Checkout returns 500" in room.purpose
    assert not room.is_private


def test_the_headline_is_pinned_and_says_what_is_going_on(alert: str, slack: Slack) -> None:
    room = slack.channel("inc-1")
    assert room.pinned == [room.headline]
    for told in (
        "🔴 SEV1 · INC-1 · Checkout returns 500",
        "1 alert, not acknowledged yet",
        "*Status*\nTriage",
        "*Lead*\nAna Silva",
        "*Services*\ncheckout",
        "OPS-1>",
        "PagerDuty #1>",
        "*Responders:* Ana Silva, Bo Lindqvist",
        "*Next update due*\n<!date^",
    ):
        assert told in room.headline


def test_everybody_is_invited_in_one_call(alert: str, slack: Slack, world: World) -> None:
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Dee"}
    (invited,) = world.calls("slack", "conversations.invite")
    assert invited.request_body["force"] in {"1", "true", True}


def test_the_ticket_is_assigned_to_the_lead_by_account_id(alert: str, jira: Jira, world: World) -> None:
    assert jira.issue("OPS-1")["fields"]["assignee"]["displayName"] == "Ana Silva"
    (assigned,) = world.calls("jira", "PUT /issue/{key}/assignee")
    assert assigned.request_body == {"accountId": jira.site.person("Ana").account_id}


def test_the_lead_is_told_with_exactly_one_mention(alert: str, slack: Slack) -> None:
    room = slack.channel("inc-1")
    (told,) = room.said("lead told")
    assert "you lead this incident" in told
    assert "OPS-1" in told
    assert room.mentions == ["Ana"]
    assert room.broadcasts == []


def test_the_incident_is_announced_once(alert: str, slack: Slack) -> None:
    (announced,) = slack.channel("incidents").said("announcement")
    assert "SEV1 · INC-1* · Checkout returns 500" in announced
    assert "Lead: Ana Silva ·" in announced  # nobody can be asked here whether they accept
    assert f"<#{slack.channel('inc-1').id}>" in announced


def test_the_first_checklist_is_posted(alert: str, slack: Slack) -> None:
    (first,) = slack.channel("inc-1").said("checklist")
    assert "First 5 minutes" in first
    assert "☐ Accept the lead, or hand it over. · lead · to do" in first
    assert "Next: Stabilise" in first


def test_the_channel_links_to_the_alert_and_the_ticket(alert: str, slack: Slack) -> None:
    assert set(slack.channel("inc-1").bookmarks) == {"PagerDuty", "OPS-1"}


def test_a_note_tells_pagerduty_where_the_response_is(alert: str, pagerduty: PagerDuty) -> None:
    (note,) = pagerduty.incident(alert)["notes"]
    assert "#inc-1-checkout-returns-500" in note["content"]


def test_no_more_is_said_than_has_to_be(alert: str, slack: Slack, clock: Clock) -> None:
    assert slack.channel("inc-1").kinds() == ["headline", "checklist/first-5-minutes", "lead told"]
    clock.forward(minutes=9)
    assert slack.channel("inc-1").kinds() == ["headline", "checklist/first-5-minutes", "lead told"]
