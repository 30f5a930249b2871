"""A person writes once, and it is read wherever people look; the next update is promised and asked for."""

import json
import re

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Severity, Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Room, Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
RHYTHM = {"updates": {"sev1": "30m", "sev2": "60m"}}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana, whose updates are due every 30 minutes."""
    multivac.start(RHYTHM, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def thread(room: Room) -> list[str]:
    """What stands in threads of the channel, in order."""
    return [text_of(one) for one in room.messages if one.get("thread_ts", one["ts"]) != one["ts"]]


def comments(jira: Jira) -> list[str]:
    return [json.dumps(one["body"]) for one in jira.issue("OPS-1")["fields"]["comment"]["comments"]]


def test_an_update_is_carried_once_to_channel_announcement_ticket_and_pager(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira, pagerduty: PagerDuty
) -> None:
    slack.presses("Ana", "Update", channel="inc-1", kind="headline")
    assert slack.sends("Ana", text=" ") == {
        "text": "Write in a sentence or two what users notice and what happens next."
    }
    assert slack.sends("Ana", text="Rolling back 2.31", status="mitigated", severity="sev2", next="15") == {}
    shown = text_of(slack.form())
    assert "Send this update?" in str(slack.form()["title"])
    assert (
        "It goes to the thread of its announcement, the ticket OPS-1, and those who follow the alert in "
        "PagerDuty.\nWith it INC-1 is SEV2 and mitigated.\nThe next update is promised for <!date^"
    ) in shown
    assert slack.sends("Ana", text="Rolling back 2.31.") == {}
    assert slack.standin.space.views == {}
    clock.settle()
    case = multivac.incident()
    assert (case.severity, case.status) == (Severity.SEV2, Status.MITIGATED)
    room = slack.channel("inc-1")
    (said,) = room.said("update")
    assert "Rolling back 2.31.\nUpdate by Ana Silva · SEV1 → SEV2 · mitigated · updates every 1 hour" in said
    assert " · next update <!date^" in said
    assert room.said("change line") == []
    (reply,) = thread(slack.channel("incidents"))
    assert reply.startswith("*INC-1* Rolling back 2.31.")
    (announced,) = slack.channel("incidents").said("announcement")
    for shown_to_all in (announced, room.headline):
        assert "*Latest update* by Ana Silva, <!date^" in shown_to_all
        assert "UTC>: Rolling back 2.31." in shown_to_all
    assert re.search(r"\*Next update due:\* <!date\S* \S*\|2026-03-02 12:15 UTC>", announced)
    (comment,) = comments(jira)
    assert "Update by Ana Silva (SEV2, mitigated, next update 12:15 UTC):" in comment
    assert "Rolling back 2.31." in comment
    (published,) = pagerduty.incident(alert)["status_updates"]
    assert "] Update by Ana Silva (SEV2" in published["message"]  # the account is Multivac's
    assert not any("published a status update" in line for line in multivac.timeline())
    assert "Update by Ana Silva (SEV1 → SEV2, mitigated): Rolling back 2.31." in multivac.timeline()
    clock.forward(hours=1)
    assert len(slack.channel("inc-1").said("update")) == len(comments(jira)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_an_update_is_read_only_where_whoever_writes_it_wants(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira, *, pagerduty: PagerDuty
) -> None:
    clock.forward(minutes=20)
    slack.asks("Ana", "update", channel="inc-1")
    assert slack.sends("Ana", text="Maybe it is the cache", severity="sev1", places=["ticket"]) == {}
    assert "It goes to the ticket OPS-1.\nWith it INC-1 is SEV1 and triage.\nNo next update" in text_of(
        slack.form()
    )
    assert slack.sends("Ana") == {}
    owed = "It is not announced, so one is still owed to stakeholders."
    slack.wait_for(lambda: owed in "".join(slack.whispers("inc-1", "Ana")), "what is owed")
    clock.settle()
    assert len(slack.channel("inc-1").said("update")) == len(comments(jira)) == 1
    assert "Update by Ana Silva (not announced): Maybe it is the cache" in multivac.timeline()
    slack.asks("Ana", "update", channel="inc-1")
    assert slack.sends("Ana", text="It is the cache", severity="sev2", places=[]) == {}  # nothing to preview
    clock.settle()
    assert len(slack.channel("inc-1").said("update")) == 2
    (told,) = thread(slack.channel("incidents"))  # how bad it is stakeholders are told all the same
    assert told == "INC-1: Severity SEV1 → SEV2, settled by Ana Silva"
    (announced,) = slack.channel("incidents").said("announcement")
    assert "cache" not in announced
    assert (len(comments(jira)), pagerduty.incident(alert)["status_updates"]) == (1, [])
    clock.forward(minutes=40)  # of an hour since it was declared
    assert len(slack.channel("inc-1").said("update due")) == 1


def test_an_update_written_in_pagerduty_is_carried_once_everywhere_else(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira, *, pagerduty: PagerDuty
) -> None:
    slack.asks("Ana", "impact Nobody can pay", channel="inc-1")
    slack.asks("Ana", "remind me when:update-overdue Tell support", channel="inc-1")
    clock.forward(minutes=20)
    pagerduty.duplicate_next()
    pagerduty.status_update(alert, "We see 504s; <!here> look away", by="Bo")
    clock.settle()
    room, said = slack.channel("inc-1"), "We see 504s; &lt;!here&gt; look away"
    (update,) = room.said("update")
    assert update.startswith(f"{said}\nUpdate by Bo Lindqvist (PagerDuty) · SEV1 · triage · next update ")
    (reply,) = thread(slack.channel("incidents"))
    assert reply.startswith(f"*INC-1* {said}")
    (announced,) = slack.channel("incidents").said("announcement")
    assert f"UTC>: {said}" in announced
    assert "*Impact:* Nobody can pay" in announced
    assert slack.channel("incidents").mentions == room.broadcasts == []
    (comment,) = comments(jira)
    assert "Update by Bo Lindqvist (PagerDuty) (SEV1, triage, next update 12:50 UTC):" in comment
    assert len(pagerduty.incident(alert)["status_updates"]) == 1
    assert [one for one in pagerduty.incident(alert)["notes"] if "504s" in one["content"]] == []
    slack.asks("Ana", "note Rolled *back* at:12:01", channel="inc-1")
    clock.settle()
    (note,) = [
        one["content"] for one in pagerduty.incident(alert)["notes"] if "Rolled back" in one["content"]
    ]
    assert note.startswith("Ana Silva: Rolled back\n#")
    assert note.count("INC-1") == 1
    assert [line for line in multivac.timeline() if "Rolled" in line] == ["Ana Silva: Rolled *back*"]
    assert [line for line in multivac.timeline() if "504s" in line] == [
        "Bo Lindqvist published a status update: We see 504s; <!here> look away"
    ]
    clock.forward(minutes=29)
    assert slack.channel("inc-1").said("update due") == slack.channel("inc-1").said("reminder") == []
    clock.forward(minutes=1)
    assert len(slack.channel("inc-1").said("update due")) == 1
    assert "Tell support" in slack.channel("inc-1").said("reminder/1/1")[0]


@pytest.mark.every_database
def test_an_update_whose_answers_are_lost_comes_once_all_the_same(
    alert: str, slack: Slack, clock: Clock, jira: Jira, pagerduty: PagerDuty, world: World
) -> None:
    for vendor, method in (
        ("slack", "chat.postMessage"),
        ("jira", "POST /issue/{key}/comment"),
        ("pagerduty", "POST /incidents/{id}/status_updates"),
    ):
        world.fail(Fault(vendor, method, "lose_answer", times=2 if vendor == "slack" else 1))
    slack.asks("Bo", "update We know the cause.", channel="inc-1")
    clock.forward(minutes=2)
    assert len(slack.channel("inc-1").said("update")) == 1
    assert len(thread(slack.channel("incidents"))) == 1
    assert len(comments(jira)) == 1
    shown = pagerduty.incident(alert)
    assert (len(shown["status_updates"]), len([n for n in shown["notes"] if "cause" in n["content"]])) == (
        1,
        1,
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_nobody_is_asked_for_an_update_while_people_are_writing(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    clock.forward(minutes=29)
    slack.says("inc-1", "Bo", "I restart the first node")
    clock.forward(minutes=2)
    assert slack.channel("inc-1").said("update due") == []
    assert multivac.metric("multivac_slack_suppressed_total", kind="update due") == 1
    clock.forward(minutes=3)
    assert len(slack.channel("inc-1").said("update due")) == 1
    clock.forward(minutes=20)
    for _ in range(12):
        slack.says("inc-1", "Bo", "And the next one")
        clock.forward(minutes=1)
    assert slack.channel("inc-1").said("update overdue") == []
    for _ in range(5):
        slack.says("inc-1", "Bo", "And the next one")
        clock.forward(minutes=1)
    assert len(slack.channel("inc-1").said("update overdue")) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_lead_is_not_asked_at_night_for_what_is_not_bad(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.presses("Ana", "Accept", channel="inc-1", kind="lead told")
    slack.asks("Ana", "severity sev3", channel="inc-1")
    slack.asks("Ana", "update", channel="inc-1")
    slack.sends("Ana", text="We wait for the provider.", next="120")
    slack.sends("Ana")
    slack.asks("Ana", "snooze 4h", channel="inc-1")
    clock.forward(hours=2, minutes=30)
    slack.asks("Ana", "snooze 4h", channel="inc-1")  # to 18:30 in Lisbon, when Ana has gone home
    clock.forward(hours=16)
    assert slack.channel("inc-1").said("update due") == []
    clock.forward(hours=2, minutes=45)
    (asked,) = slack.channel("inc-1").said("update due")
    assert "14:00 UTC>. Ana" in asked  # what was promised, however often it was put off
    assert "Overdue" not in asked
    assert slack.channel("inc-1").said("update overdue") == []  # nobody was asked before
    clock.forward(minutes=20)
    assert "*Overdue.* Asked 2 times." in slack.channel("inc-1").said("update due")[0]
    assert len(slack.channel("inc-1").said("update overdue")) == 1


def test_an_update_that_is_due_is_asked_for_once_until_somebody_writes_it(
    alert: str, slack: Slack, clock: Clock
) -> None:
    clock.forward(minutes=30)
    (asked,) = slack.channel("inc-1").said("update due")
    assert "Write update\nSnooze 15m\nStop" in asked
    (announced,) = slack.channel("incidents").said("announcement")
    assert "*Next update overdue since:* <!date^" in announced
    clock.forward(minutes=30)
    (asked,) = slack.channel("inc-1").said("update due")
    assert "*Overdue.* Asked 2 times." in asked
    (nudge,) = slack.channel("inc-1").said("update overdue")
    assert nudge == f"<@{slack.id_of('Ana')}>: the update is overdue. Two sentences are enough."
    clock.forward(hours=1)
    assert len(slack.channel("inc-1").said("update overdue")) == 1
    slack.presses("Ana", "Write update", channel="inc-1", kind="update due")
    slack.sends("Ana", text="Still looking.", next="60")
    slack.sends("Ana")
    at = int(clock.now().timestamp())
    clock.settle()
    (asked,) = slack.channel("inc-1").said("update due")
    assert f"Ana Silva wrote it at <!date^{at}^" in asked
    (announced,) = slack.channel("incidents").said("announcement")
    assert "*Next update due:* <!date^" in announced
    assert "Snooze" not in asked
    clock.forward(minutes=59)
    assert len(slack.channel("inc-1").said("update due")) == 1
    clock.forward(minutes=1)
    assert len(slack.channel("inc-1").said("update due")) == 2


def test_the_question_is_put_off_silenced_and_stopped(
    alert: str, slack: Slack, clock: Clock, multivac: Multivac
) -> None:
    assert "|12:40 UTC>" in slack.asks("Ana", "snooze 40m", channel="inc-1")
    clock.forward(minutes=39)
    assert slack.channel("inc-1").said("update due") == []
    clock.forward(minutes=1)
    slack.presses("Ana", "Snooze 15m", channel="inc-1", kind="update due")
    clock.settle()
    assert "It was put off." in slack.channel("inc-1").said("update due")[0]
    clock.forward(minutes=15)
    assert len(slack.channel("inc-1").said("update due")) == 2
    assert "I do not ask" in slack.presses("Ana", "Stop", channel="inc-1", kind="update due")
    clock.forward(hours=3)
    room = slack.channel("inc-1")
    assert len(room.said("update due")) == 2
    assert "Nobody is asked any more" in room.said("update due")[1]
    assert "Next update due" not in room.headline
    assert "Say for how long" in slack.asks("Ana", "snooze soon", channel="inc-1")

    told = slack.asks("Ana", "update We look again next:soon", channel="inc-1")
    assert "“soon” does not say when the next update comes." in told
    told = slack.asks("Ana", "update We look again --next=15m", channel="inc-1")
    assert "the next one is promised for <!date" in told
    clock.settle()
    (posted,) = slack.channel("inc-1").said("update")
    assert "We look again\n" in posted
    assert "next update <!date" in posted
    assert "no other is promised" in slack.asks("Ana", "update It is slow next:none", channel="inc-1")


def test_an_update_on_a_private_incident_stays_in_its_channel(
    multivac: Multivac, slack: Slack, clock: Clock, jira: Jira
) -> None:
    multivac.start(settings=HEARS)
    slack.asks("Cy", "declare Data leak private sev1")
    clock.settle()
    slack.asks("Cy", "update", channel="inc-1")
    assert "places" not in {one["block_id"] for one in slack.form()["blocks"]}  # there is nothing to choose
    assert slack.sends("Cy", text="Keys are rotated.") == {}
    clock.settle()
    assert len(slack.channel("inc-1").said("update")) == 1
    assert slack.channel("incidents").said() == []
    assert comments(jira) == []


@pytest.mark.every_database
def test_a_stakeholder_who_asks_for_it_is_told_each_update_and_the_end_directly(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, world: World
) -> None:
    told = slack.presses("Cy", "Subscribe", channel="incidents", kind="announcement")
    assert told.startswith("You are told directly of each update of INC-1, and when it is over.")
    assert "already" in slack.presses("Cy", "Subscribe", channel="incidents", kind="announcement")
    assert "You are told directly" in slack.asks("Dee", "subscribe 1")
    assert multivac.incident().person_acted_at is None  # who only reads is not at work on it
    slack.asks("Ana", "update Rolling back 2.31", channel="inc-1")
    slack.asks("Ana", "update Still rolling back", channel="inc-1")
    clock.settle()
    assert [said.splitlines()[:2] for said in slack.direct("Cy")] == [
        ["*INC-1 · Checkout returns 500*", "Rolling back 2.31"],
        ["*INC-1 · Checkout returns 500*", "Still rolling back"],
    ]
    assert len(slack.direct("Dee")) == 2
    slack.asks("Ana", "severity sev4 One shop only", channel="inc-1")
    clock.forward(seconds=10)
    (announced,) = slack.channel("incidents").said("announcement")
    assert "SEV4" in announced
    assert "*Next update due:*" in announced  # as they were promised
    slack.presses_in_direct("Dee", "Unsubscribe")
    again = slack.presses("Dee", "Subscribe", channel="incidents", kind="announcement")
    assert "You are told directly" in again
    clock.forward(seconds=10)
    again = slack.presses("Dee", "Subscribe", channel="incidents", kind="announcement")
    assert "You are told of INC-1 directly no more." in again
    world.fail(Fault("slack", "chat.postMessage", "lose_answer", match={"channel": slack.id_of("Cy")}))
    slack.asks("Ana", "resolve Rolled back --customers=no", channel="inc-1")
    clock.settle()
    assert len(slack.direct("Dee")) == 2
    assert "says it is resolved: Rolled back\nNo customer was hit." in slack.direct("Cy")[-1]
    assert len(slack.direct("Cy")) == 3
    assert "INC-1 is resolved. Nothing more is told of it." in slack.asks("Dee", "subscribe 1")
    slack.asks("Ana", "reopen It came back", channel="inc-1")
    clock.settle()
    assert "It came back" in slack.direct("Cy")[-1]
    slack.asks("Ana", "private", channel="inc-1")
    slack.presses("Ana", "Make it private", channel="inc-1")
    slack.asks("Ana", "update Nothing for others", channel="inc-1")
    clock.settle()
    first, second, lost, last = slack.direct("Cy")  # where the lost one stands, nobody can say
    assert {first, second, last} == {"INC-1 is private now, so this is not shown any more."}
    assert "resolved" in lost
    assert "INC-1 is private" in slack.asks("Ana", "subscribe", channel="inc-1")
    assert "There is no INC-1" in slack.asks("Cy", "unsubscribe 1")
