"""People set right what an incident is: its ticket, the services it concerns, and that it is private."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with", "jira__webhook_secrets": "what-jira-signs-with"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana."""
    multivac.start(PLAYBOOK, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def test_an_existing_ticket_takes_the_place_of_ours_and_is_heard(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira
) -> None:
    assert "The ticket of INC-1 is OPS-1: http" in slack.asks("Ana", "ticket", channel="inc-1")
    other = jira.create("Customers cannot pay", by="Cara")
    assert "OPS-99 was not linked" in slack.asks("Ana", "ticket link OPS-99", channel="inc-1")
    assert "Write the key" in slack.asks("Ana", "ticket link that one", channel="inc-1")
    told = slack.asks("Ana", f"ticket link <https://jira.example.com/browse/{other}>", channel="inc-1")
    assert f"{other} is the ticket of INC-1 now" in told
    assert "OPS-1 stays in Jira as it is" in told
    clock.settle()
    assert f"|{other}>" in slack.channel("inc-1").headline
    assert jira.issue(other)["fields"]["assignee"]["displayName"] == "Ana Silva"
    jira.assign(other, "Cara", by="Cara")  # who made the issue, which is not us
    clock.settle()
    assert multivac.lead() == "Cara Mbeki"
    assert len(jira.state()["issues"]) == 2


def test_a_ticket_is_linked_where_jira_lets_us_make_none(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, *, jira: Jira, world: World
) -> None:
    world.fail(Fault("jira", "POST /issue", "refuse", times=0, status=403))
    multivac.start(PLAYBOOK, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    assert "INC-1 has no ticket yet" in slack.asks("Ana", "ticket", channel="inc-1")
    other = jira.create("Customers cannot pay", by="Cara")
    slack.asks("Ana", f"ticket link {other}", channel="inc-1")
    clock.settle()
    assert f"|{other}>" in slack.channel("inc-1").headline


def test_services_are_named_and_stand_beside_those_of_the_alerts(
    alert: str, slack: Slack, clock: Clock
) -> None:
    slack.asks("Ana", "services payments, checkout,  &lt;!channel&gt;  ", channel="inc-1")
    clock.settle()
    room = slack.channel("inc-1")
    assert "*Services*\ncheckout, payments, &lt;!channel&gt;" in room.headline
    assert room.broadcasts == []
    slack.asks("Ana", "services none", channel="inc-1")
    clock.settle()
    assert "*Services*\ncheckout\n" in slack.channel("inc-1").headline
    assert "Services: checkout." in slack.asks("Ana", "services", channel="inc-1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_those_on_call_for_a_service_that_people_name_are_brought_in_and_briefed(
    multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    multivac.start({"invite": [{"on_call": {}}]}, settings=HEARS)
    slack.asks("Cy", "declare Cards are refused sev2")
    slack.asks("Cy", "declare Keys are public sev2 private")
    clock.settle()
    told = slack.asks("Cy", "services Checkout, the bank", channel="inc-1")
    assert told.endswith("Whoever is on call for them in PagerDuty is invited.")
    assert slack.asks("Cy", "services Checkout", channel="inc-2") == "The headline says so now."
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Cy"}
    assert slack.channel("inc-2").members == {"Ana", "Cy"}  # who is to lead, and nobody else by rule
    (asked,) = slack.channel("inc-2").said("invites asked")
    assert "Bo Lindqvist" in asked
    slack.asks("Cy", f"task add Rotate them <@{slack.id_of('Dee')}>", channel="inc-2")
    clock.settle()
    assert slack.channel("inc-2").members == {"Ana", "Cy", "Dee"}
    clock.forward(minutes=4)
    assert "You are on call for Checkout until" in slack.direct("Bo")[0]
    assert "INC-1" in slack.asks("Cy", "list checkout")
    assert slack.asks("Gus", "list refused bank").startswith("*Incidents*\nINC-1")
    assert "No such incident" in slack.asks("Cy", "list search")


@pytest.mark.every_database
def test_what_becomes_private_is_told_nowhere_else_any_more(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, pagerduty: PagerDuty, jira: Jira
) -> None:
    slack.asks("Ana", "update A leak is looked into", channel="inc-1")
    clock.forward(seconds=15)
    assert "A leak" in str(slack.channel("incidents").messages)
    assert "Only the lead" in slack.asks("Bo", "INC-1 private")
    asked = slack.asks("Ana", "private", channel="inc-1")
    assert "This cannot be taken back." in asked
    assert "Checkout returns" in slack.channel("inc-1").topic
    told = slack.presses("Ana", "Make it private", channel="inc-1")
    assert told.startswith("INC-1 is private now. To be done by you:\n• <#C")
    assert "\n• OPS-1 in Jira: restrict who may see it, or delete it." in told
    clock.settle()
    assert [one for one in slack.channel("inc-1").said() if "Ana Silva made INC-1 private" in one]
    assert slack.channel("inc-1").topic == "SEV1 · Triage · INC-1 · private incident"
    assert "private already" in slack.asks("Ana", "private", channel="inc-1")
    assert "thread" not in slack.asks("Ana", "update It is a second leak", channel="inc-1")
    slack.asks("Ana", "followup Ask the auditors about the leak", channel="inc-1")
    slack.asks("Ana", "resolve The leak is closed", channel="inc-1")
    clock.forward(minutes=1)
    slack.asks("Cy", "declare Invoices are wrong sev3")
    clock.settle()
    slack.asks("Cy", "INC-2 followup Tell whose invoice it was")
    slack.asks("Cy", "INC-2 lead me")
    slack.asks("Cy", "INC-2 resolve Sent again")
    clock.forward(minutes=1)
    slack.asks("Cy", "private", channel="inc-2")
    told = slack.presses("Cy", "Make it private", channel="inc-2")
    assert "• OPS-4 in Jira: restrict who may see these follow-ups" in told
    (announced, _) = slack.channel("incidents").said("announcement")
    assert announced == "INC-1 is a private incident. Only those in it can see more."
    elsewhere = [announced, *map(str, slack.channel("incidents").messages)]
    ticket = jira.issue("OPS-1")["fields"]
    assert ticket["summary"] == "INC-1 private incident"
    assert "#inc-1" not in str(ticket["description"])
    assert "pagerduty" not in str(ticket["description"]).lower()
    comments, notes = str(ticket.pop("comment")), str(pagerduty.incident(alert))
    assert (comments.count("leak"), notes.count("leak")) == (0, 1)  # PagerDuty takes nothing back
    everywhere = [*elsewhere, str(ticket), str(jira.issue("OPS-2"))]
    assert not [one for one in everywhere if "leak" in one.lower()]
    assert not [one for one in elsewhere if "Checkout returns" in one]
    assert "No incident has all of this" in slack.asks("Cy", "search checkout")
    assert "There is no INC-1" in slack.asks("Cy", "show INC-1")
