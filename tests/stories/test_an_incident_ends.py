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


def test_a_playbook_may_leave_the_alerts_open_and_what_is_not_known_is_left_to_do(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, jira: Jira
) -> None:
    multivac.start({"end": {"resolve_alerts": False}}, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.asks("Ana", "resolve --customers=unknown It is over", channel="inc-1")
    clock.settle()
    assert pagerduty.incident(alert)["status"] == "triggered"
    not_known = "It is not known yet whether customers were hit."
    assert loud_in_incidents(slack) == [f"INC-1: Ana Silva says it is resolved: It is over · {not_known}"]
    assert not_known in str(jira.issue("OPS-1")["fields"]["comment"])
    (published,) = pagerduty.incident(alert)["status_updates"]
    assert f"resolved: It is over\n{not_known}" in published["message"]
    assert jira.issue("OPS-2")["fields"]["summary"] == "Find out whether customers were hit"


def test_what_the_end_leaves_open_is_said_in_the_channel(
    alert: str, slack: Slack, clock: Clock, world: World
) -> None:
    world.fail(Fault("jira", "POST /issue/{key}/transitions", "refuse", times=0, status=400))
    clock.forward(minutes=1)
    resolve(slack, clock)
    (gaps,) = slack.channel("inc-1").said("gaps")
    assert "The Jira ticket is not moved: Jira refuses what we ask about ticket OPS-1" in gaps
    assert gaps.startswith("*Something is missing*")


@pytest.mark.every_database
def test_a_resolved_one_closes_is_archived_after_a_warning_and_comes_back_whole(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, pagerduty: PagerDuty
) -> None:
    assert "You are told directly" in slack.asks("Dee", "subscribe 1")
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
    people = slack.channel("inc-1").members
    clock.forward(days=1)
    room = slack.channel("inc-1")
    assert slack.standin.channel(room.name).archived
    assert "*Status*\nClosed" in room.headline
    assert len(room.said("end line")) == 1
    told = slack.asks("Dee", "INC-1 reopen It came back")
    assert "Its channel is archived, and Slack lets no bot change that: it goes on in a new one" in told
    assert "to which you and whoever was in it are invited." in told
    clock.forward(minutes=1)
    again = slack.channel("inc-1-checkout-returns-500-2")
    assert again.members == people | {"Dee"}
    assert f"reopened it: It came back\nChannel: <#{again.id}>" in slack.direct("Dee")[-1]
    assert "*Status*\nTriage" in again.headline  # nobody has ever settled how bad it is
    assert f"What was said before it was reopened is in <#{room.id}>." in again.headline
    assert "Triage" in again.topic
    assert set(again.kinds()) == {"headline", "lead told/2", "change line/3"}
    assert "open again, says Dee Okafor" in again.said("lead told")[0]
    assert again.mentions == ["Ana"]
    assert again.said("change line") == ["Dee Okafor reopened it: It came back"]
    assert slack.standin.channel(room.name).archived
    assert slack.channel("inc-1-checkout-returns-500").messages == room.messages
    announced = slack.channel("incidents").said("announcement")[0]
    assert f"<#{again.id}>" in announced
    for told in (announced, again.headline):
        assert re.search(r"\*Reopened\* by Dee Okafor, <!date\S* .*: It came back", told)
    assert status_of(jira, "OPS-1") == "indeterminate"
    assert f"#{again.name}" in pagerduty.incident(alert)["notes"][-1]["content"]
    slack.asks("Ana", "update We look again", channel=again.name)
    clock.forward(minutes=1)
    assert "We look again" in slack.channel(again.name).said("update")[0]


@pytest.mark.every_database
def test_a_closed_channel_is_archived_at_once_if_asked(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "Close it first" in slack.asks("Dee", "archive", channel="inc-1")
    resolve(slack, clock)
    for press in ("Close", "Reopen"):  # in the answer, not only in the headline
        assert slack.sees(press, channel="inc-1") != slack.sees(press, channel="inc-1", kind="headline")
    assert "Its channel is archived in" in slack.presses("Ana", "Close", channel="inc-1")
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
def test_a_channel_that_people_open_again_is_the_incidents_once_they_bring_the_bot(
    alert: str, slack: Slack, clock: Clock
) -> None:
    resolve(slack, clock)
    room = slack.channel("inc-1")
    for off in (False, True):
        slack.standin.person_archives(room.name, "Bo Lindqvist", off=off)
        clock.settle()
    told = slack.asks("Bo", "reopen It came back", channel="inc-1")
    assert "The bot is not in its channel any more. Bring it back: mention it there." in told
    clock.settle()
    assert "unarchived by Bo Lindqvist without the bot" in slack.direct("Ana")[-1]
    slack.standin.person_joins(room.name, "multivac", inviter="bo@example.com")
    clock.settle()
    assert slack.channel("inc-1").members == room.members
    assert "*Status*\nTriage" in slack.channel("inc-1").headline
    assert len(slack.channel("inc-1").said("lead told")) == 2


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
def test_a_forgotten_one_whose_channel_is_shut_is_asked_about_directly_and_closed_too(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    multivac.start(PLAYBOOK | {"end": {"stale_after": "1d"}}, settings=HEARS)
    pagerduty.trigger("Checkout is slow", "checkout", priority="P4")
    clock.settle()
    slack.standin.person_archives(slack.channel("inc-1").name, "Bo Lindqvist")
    clock.forward(days=1, minutes=1)
    assert "Nothing has happened in INC-1 for 1 day. Is it over?" in slack.direct("Ana")[-1]
    assert multivac.incident().status.is_open
    clock.forward(days=1, minutes=1)
    assert multivac.incident().status is Status.CLOSED
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
    assert line.startswith(f"Dee Okafor merged it into INC-1 <#{slack.channel('inc-1').id}>")
    assert "Dee Okafor merged INC-2 into this one: Search is slow" in multivac.timeline()
    assert "merged INC-2 into this one" in slack.channel("inc-1").said("change line")[-1]
    assert "2 alerts, 2 services" in slack.channel("inc-1").headline
    assert pagerduty.incident(other)["status"] == "triggered"
    pagerduty.trigger("Search is down", "search", priority="P3")
    clock.settle()
    assert multivac.numbers() == (1, 2)
    resolve(slack, clock)
    assert pagerduty.incident(other)["status"] == "resolved"
    for line in ("INC-2 reopen It is another", "INC-2 resolve Rebooted"):
        slack.asks("Dee", line)
        clock.settle()
    assert "It goes on in INC-1" not in slack.channel("inc-2").headline
    assert "Rebooted" in slack.channel("inc-2").headline
