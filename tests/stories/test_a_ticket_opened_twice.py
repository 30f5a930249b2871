"""Jira hid a ticket for so long that a second was opened: the older stays, the newer is closed."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

SETTINGS = {"slack__signing_secret": "what-slack-signs-with", "jira__webhook_secrets": "what-jira-signs-with"}
PLAYBOOK = {"lead": [{"on_call": {}}], "ticket": {"statuses": {"Done": "resolved"}}}


@pytest.fixture
def hidden(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, world: World, jira: Jira) -> str:
    """An alert whose first ticket Jira made, did not tell of, and hides for a minute: OPS-2 is its ticket."""
    known = [
        {"name": name, "email": email, "jira": jira.site.person(email).account_id}
        for name, email in (("Bo Lindqvist", "bo@example.com"), ("Cy Tanaka", "cy@example.com"))
    ]
    jira.search_lag = 60.0
    world.fail(Fault("jira", "POST /issue", "lose_answer"))
    multivac.start(PLAYBOOK, settings=SETTINGS, people=known)
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.forward(seconds=40)
    assert multivac.step("ticket").result["key"] == "OPS-2"
    return alert


def assignee(jira: Jira, key: str) -> str | None:
    found = jira.issue(key)["fields"]["assignee"]
    return str(found["displayName"]) if found else None


def comments(jira: Jira, key: str) -> str:
    return str([each["body"] for each in jira.issue(key)["fields"]["comment"]["comments"]])


@pytest.mark.every_database
def test_the_older_of_two_tickets_stays_and_the_newer_is_closed_as_its_duplicate(
    hidden: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira
) -> None:
    jira.assign("OPS-2", "Bo", by="Dee")
    slack.asks("Bo", "severity sev2", channel="inc-1")
    slack.asks("Bo", "update The database is slow", channel="inc-1")
    clock.settle()
    assert "OPS-2" in slack.channel("inc-1").headline
    clock.forward(minutes=2)
    newer = jira.issue("OPS-2")["fields"]
    assert newer["status"]["name"] == "Done"
    (link,) = newer["issuelinks"]
    assert (link["type"]["name"], link["outwardIssue"]["key"]) == ("Duplicate", "OPS-1")
    assert "Go on in OPS-1" in comments(jira, "OPS-2")
    assert "OPS-1>" in slack.channel("inc-1").headline
    assert "OPS-2" not in slack.channel("inc-1").headline
    assert "Jira showed OPS-1 late: it stays, and OPS-2 is closed as its duplicate" in multivac.timeline()
    older = jira.issue("OPS-1")["fields"]
    assert (assignee(jira, "OPS-1"), older["priority"]["name"]) == ("Bo Lindqvist", "High")
    assert comments(jira, "OPS-1").count("The database is slow") == 1
    assert multivac.incident().status is not Status.RESOLVED  # the newer one's "Done" is ours
    # Both sides go on to follow each other, by the ticket that stays.
    jira.assign("OPS-1", "Cy", by="Dee")
    clock.settle()
    assert multivac.lead() == "Cy Tanaka"
    slack.asks("Bo", "lead me", channel="inc-1")
    clock.settle()
    assert assignee(jira, "OPS-1") == "Bo Lindqvist"
    jira.transition("OPS-1", "Done", by="Dee")
    clock.settle()
    assert multivac.incident().status is Status.RESOLVED
    assert len(jira.site.issues) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_duplicate_that_cannot_be_closed_is_linked_and_said(
    hidden: str, slack: Slack, clock: Clock, *, jira: Jira, world: World
) -> None:
    world.fail(Fault("jira", "POST /issue/{key}/transitions", "refuse", times=0, status=400))
    clock.forward(minutes=30)
    assert jira.issue("OPS-2")["fields"]["status"]["name"] != "Done"
    assert len(jira.issue("OPS-2")["fields"]["issuelinks"]) == 1
    assert comments(jira, "OPS-2").count("Go on in OPS-1") == 1
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "OPS-2 is a second ticket of this incident, and is still open" in gap


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_follow_up_opened_twice_is_found_with_one_look_after_a_pause(
    hidden: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, world: World
) -> None:
    world.fail(Fault("jira", "POST /issue", "lose_answer"))
    slack.asks("Ana", "resolve", channel="inc-1")
    assert slack.sends("Ana", fixed="Rolled back", follow_ups="Add an index") == {}
    clock.forward(seconds=40)
    assert [one.key for one in jira.site.issues.values()] == ["OPS-1", "OPS-2", "OPS-3", "OPS-4"]
    multivac.stop()
    clock.forward(hours=1)
    before = len(world.calls("jira", "GET /search/jql"))
    multivac.start_again()
    clock.settle()
    assert len(world.calls("jira", "GET /search/jql")) == before + 2  # the ticket, and the follow-up
    assert "OPS-3>" in slack.channel("inc-1").said("end line")[0]
    newer = jira.issue("OPS-4")["fields"]
    assert (newer["status"]["name"], jira.issue("OPS-3")["fields"]["status"]["name"]) == ("Done", "To Do")
    links = [
        (one["type"]["name"], one["outwardIssue"]["key"])
        for one in newer["issuelinks"]
        if "outwardIssue" in one
    ]
    assert links == [("Duplicate", "OPS-3")]
    assert "OPS-1" in str(jira.issue("OPS-3")["fields"]["issuelinks"])
    assert jira.issue("OPS-1")["fields"]["status"]["name"] == "Done"
