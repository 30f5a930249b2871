"""People end an incident, or forget it: what was open is closed once, and all of it can come back."""

import re

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Status
from multivac.store.sayings import SayingKind
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with", "slack__admins": "dee@example.com"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana."""
    multivac.start(PLAYBOOK, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def resolve(slack: Slack, clock: Clock, *, follow_ups: str = "") -> None:
    slack.presses("Ana", "Resolve", channel="inc-1", kind="headline")
    assert slack.sends("Ana", fixed="Rolled back 2.31", follow_ups=follow_ups) == {}
    clock.settle()


def status_of(jira: Jira, key: str) -> str:
    return str(jira.issue(key)["fields"]["status"]["statusCategory"]["key"])


def loud_in_incidents(slack: Slack) -> list[str]:
    """What came into the channel from a thread, where everybody sees it."""
    loud = [one for one in slack.channel("incidents").messages if one.get("subtype") == "thread_broadcast"]
    return [text_of(one) for one in loud]


def test_what_is_resolved_closes_alert_and_ticket_once_and_echoes_do_nothing(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira, pagerduty: PagerDuty, world: World
) -> None:
    for vendor, method in (
        ("jira", "POST /issue/{key}/transitions"),
        ("jira", "POST /issue"),
        ("pagerduty", "PUT /incidents"),
    ):
        world.fail(Fault(vendor, method, "lose_answer"))
    resolve(slack, clock, follow_ups="- Test the rollback\n\n* Alert on the queue")
    clock.forward(minutes=3)
    assert pagerduty.incident(alert)["status"] == "resolved"
    assert status_of(jira, "OPS-1") == "done"
    links = jira.issue("OPS-1")["fields"]["issuelinks"]
    assert len(jira.state()["issues"]) == 3
    assert len(links) == 2
    (line,) = slack.channel("inc-1").said("end line")
    assert line.startswith("Ana Silva says it is resolved: Rolled back 2.31\n*Left to do*\n• <http")
    assert re.findall(r"(?m)^• .*\|OPS-[23]> (.*)$", line) == ["Test the rollback", "Alert on the queue"]
    assert slack.channel("inc-1").said("resolution") == []
    assert str(jira.issue("OPS-1")["fields"]["comment"]).count("says it is resolved: Rolled back 2.31") == 1
    told = [*pagerduty.incident(alert)["status_updates"], *pagerduty.incident(alert)["notes"]]
    assert str(told).count("says it is resolved: Rolled back 2.31") == 1
    assert multivac.incident().status is Status.RESOLVED
    assert loud_in_incidents(slack) == ["INC-1: Ana Silva says it is resolved: Rolled back 2.31"]


def test_a_playbook_may_leave_the_alerts_open(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    multivac.start({"end": {"resolve_alerts": False}}, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    resolve(slack, clock)
    assert pagerduty.incident(alert)["status"] == "triggered"


def test_what_the_end_leaves_open_is_said_in_the_channel(
    alert: str, slack: Slack, clock: Clock, world: World
) -> None:
    world.fail(Fault("jira", "POST /issue/{key}/transitions", "refuse", times=0, status=400))
    clock.forward(minutes=1)
    resolve(slack, clock)
    (gaps,) = slack.channel("inc-1").said("gaps")
    assert "The Jira ticket is not moved: Jira refuses what we ask about ticket OPS-1" in gaps
    assert gaps.startswith("*Something is missing*")


def test_a_resolved_one_closes_is_archived_after_a_warning_and_comes_back_whole(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira
) -> None:
    resolve(slack, clock)
    clock.forward(days=2, hours=23)
    assert multivac.incident().status is Status.RESOLVED
    clock.forward(hours=1, minutes=1)
    assert multivac.incident().status is Status.CLOSED
    assert multivac.trail("rule")[-1] == ("status", "resolved", "closed")
    clock.forward(days=6)
    (warning,) = slack.channel("inc-1").said("archive warning")
    assert "archived tomorrow" in warning
    assert not slack.standin.channel("inc-1-checkout-returns-500").archived
    clock.forward(days=1)
    room = slack.channel("inc-1")
    assert slack.standin.channel(room.name).archived
    assert "*Status*\nClosed" in room.headline
    assert len(room.said("end line")) == 1
    slack.asks("Ana", "INC-1 reopen It came back")
    clock.settle()
    room = slack.channel("inc-1")
    assert not slack.standin.channel(room.name).archived
    assert "*Status*\nTriage" in room.headline  # nobody has ever settled how bad it is
    assert "Triage" in room.topic
    assert status_of(jira, "OPS-1") == "indeterminate"
    assert room.said("change line") == ["Ana Silva reopened it: It came back"]


@pytest.mark.every_database
def test_a_closed_channel_is_archived_at_once_if_asked(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "Close it first" in slack.asks("Dee", "archive", channel="inc-1")
    resolve(slack, clock)
    slack.asks("Ana", "close", channel="inc-1")
    for line in ("archive", "ask archive"):
        assert "Only those who run Multivac can archive" in slack.asks("Ana", line, channel="inc-1")
    slack.asks("Dee", "archive", channel="inc-1")
    clock.settle()
    assert slack.standin.channel("inc-1-checkout-returns-500").archived
    assert len(slack.channel("inc-1").said("end line")) == 1
    (announced,) = slack.channel("incidents").said("announcement")
    assert "Closed · Lead: Ana Silva · It was in <#C" in announced
    assert "*What ended it:* Rolled back 2.31\n*Ended:* <!date^" in announced
    assert announced.endswith("UTC>, after less than a minute")
    assert loud_in_incidents(slack) == ["INC-1: Ana Silva says it is resolved: Rolled back 2.31"]


@pytest.mark.every_database
def test_a_channel_that_somebody_archived_comes_back_with_the_incident(
    alert: str, slack: Slack, clock: Clock
) -> None:
    resolve(slack, clock)
    slack.standin.person_archives("inc-1-checkout-returns-500", "Bo Lindqvist")
    clock.forward(minutes=1)
    slack.asks("Ana", "INC-1 reopen It came back")
    clock.settle()
    room = slack.channel("inc-1")
    assert not slack.standin.channel(room.name).archived
    assert "*Status*\nTriage" in room.headline


@pytest.mark.every_database
def test_a_forgotten_incident_is_asked_about_once_and_closed_by_rule(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, jira: Jira
) -> None:
    multivac.start(PLAYBOOK, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.forward(hours=7)
    pagerduty.trigger("Search is slow", "search", priority="P3")
    clock.settle()
    slack.asks("Dee", "lead me", channel="inc-2")
    clock.forward(days=1)
    slack.says("inc-2", "Bo", "Looking at it now and then.")
    clock.forward(days=1, hours=1)
    assert slack.channel("inc-2").said("stale nudge") == []
    clock.forward(days=2)  # to Friday evening, when the lead has gone home
    assert slack.channel("inc-2").said("stale nudge") == []
    clock.forward(days=2, hours=13)
    (nudge,) = slack.channel("inc-2").said("stale nudge")
    assert "nothing has happened here for 2 days. Is it over?" in nudge
    assert multivac.incident(2).status.is_open
    clock.forward(days=1)
    assert multivac.incident(2).status is Status.CLOSED
    (line,) = slack.channel("inc-2").said("end line")
    assert line.startswith("Closed by rule: nobody has done anything for 5 days")
    assert (status_of(jira, "OPS-1"), status_of(jira, "OPS-2")) == ("indeterminate", "done")
    assert multivac.incident(1).status.is_open
    assert slack.channel("inc-1").said("stale nudge") == []


@pytest.mark.every_database
def test_an_incident_that_takes_an_open_alert_over_is_not_over(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, *, world: World
) -> None:
    multivac.start(PLAYBOOK, settings=HEARS)
    ended = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    goes_on = pagerduty.trigger("Search is slow", "search", priority="P3")
    clock.settle()
    world.fail(Fault("slack", "conversations.history", "rate_limit", retry_after=30))
    pagerduty.resolve(ended)
    clock.settle()
    slack.asks("Dee", "INC-2 merge INC-1")
    clock.forward(minutes=11)  # so that nothing is held back any more
    assert multivac.incident().status is Status.TRIAGE
    assert slack.channel("inc-1").said("resolution") == []
    pagerduty.resolve(goes_on)
    clock.forward(minutes=1)
    assert multivac.incident().status is Status.TRIAGE, "somebody merged the two, and so was on it"
    assert len(slack.channel("inc-1").said("resolution")) == 1


def test_a_duplicate_gives_its_alerts_to_the_one_that_goes_on(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    other = pagerduty.trigger("Search is slow", "search", priority="P3")
    clock.forward(seconds=30)
    assert "There is no INC-9" in slack.asks("Dee", "INC-2 merge INC-9")
    assert "INC-2 is this one" in slack.asks("Dee", "INC-2 merge 2")
    slack.asks("Dee", "INC-2 merge")
    assert slack.sends("Dee", other="INC-1", reason="superseded") == {}
    clock.settle()
    assert multivac.incident(2).said(SayingKind.CHANGE)[-1].more["why"] == "superseded by INC-1"
    assert multivac.incident(2).status is Status.DISMISSED
    assert "It goes on in INC-1" in slack.channel("inc-2").headline
    (line,) = slack.channel("inc-2").said("end line")
    assert line.startswith("Dee Okafor merged it into INC-1 #inc-1-checkout")  # Jira reads it, too
    assert "Dee Okafor merged INC-2 into this one: Search is slow" in multivac.timeline()
    assert "merged INC-2 into this one" in slack.channel("inc-1").said("change line")[-1]
    assert "2 alerts, 2 services" in slack.channel("inc-1").headline
    assert pagerduty.incident(other)["status"] == "triggered"
    pagerduty.trigger("Search is down", "search", priority="P3")
    clock.settle()
    assert multivac.numbers() == (1, 2)
    resolve(slack, clock)
    assert pagerduty.incident(other)["status"] == "resolved"
