"""People are reminded when they asked for it, asked once more if they do not answer, and then left alone."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.fingers import Fingers
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

TICK = "white_check_mark"
HEARS = {"slack__signing_secret": "what-slack-signs-with"}
# The other stories ask both databases all that these do.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def fingers(slack: Slack, multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> Fingers:
    """An incident, of which everybody has done their part."""
    multivac.start({"lead": [{"on_call": {}}], "invite": [{"on_call": {}}]}, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return Fingers(slack, multivac)


def _id(slack: Slack, who: str) -> str:
    return next(one.id for one in slack.standin.space.people.values() if one.real_name.split()[0] == who)


def test_a_reminder_comes_when_it_is_due_and_one_answer_ends_it(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    told = slack.asks("Bo", "remind me in:20m Look at the &lt;!here&gt; queue", channel="inc-1")
    assert "Reminder 1: you at <!date^" in told
    clock.forward(minutes=19, seconds=50)
    assert slack.channel("inc-1").said("reminder") == []
    clock.forward(seconds=10)
    (said,) = slack.channel("inc-1").said("reminder/1/1")
    assert f"⏰ <@{_id(slack, 'Bo')}>: Look at the &lt;!here&gt; queue" in said
    fingers.ticks("Bo", "Snooze 15m", channel="inc-1", kind="reminder/1/1")
    clock.forward(minutes=15, seconds=5)
    first, second = (slack.channel("inc-1").said(f"reminder/1/{n}")[0] for n in (1, 2))
    assert "Snoozed by Bo Lindqvist at <!date^" in first
    assert f"<@{_id(slack, 'Bo')}>" in second
    us, (asked,) = f"<@{slack.standin.space.bot.id}>", slack.channel("inc-1").ours("reminder/1/2")
    told = slack.calls_us("Bo", f"{us} reminders snooze 1 15m", channel="inc-1", thread=asked["ts"])
    assert "Already done" not in told  # by the very words that ask for it
    clock.forward(minutes=15, seconds=5)
    fingers.ticks("Ana", "Done", channel="inc-1", kind="reminder/1/3")
    clock.settle()
    assert "Done by Ana Silva" in slack.channel("inc-1").said("reminder/1/3")[0]
    assert "Already done by Ana Silva at" in slack.asks("Bo", "reminders done 1/3", channel="inc-1")
    clock.forward(hours=2)
    assert [kind for kind in slack.channel("inc-1").kinds() if kind.startswith(("reminder", "asked"))] == [
        "reminder/1/1",
        "reminder/1/2",
        "reminder/1/3",
    ]


@ON_SQLITE
def test_nobodys_answer_asks_one_more_person_once_and_then_nobody(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    bo, dee = _id(slack, "Bo"), _id(slack, "Dee")
    slack.asks("Ana", f"remind <@{bo}> in:10m Call the bank escalate:dee after:5m", channel="inc-1")
    clock.forward(minutes=15, seconds=5)
    (again,) = slack.channel("inc-1").said("asked again/1/1")
    assert f"<@{dee}>: Call the bank" in again
    assert "Bo Lindqvist has not answered" in again
    clock.forward(hours=1)
    room = slack.channel("inc-1")
    (said,) = room.said("reminder/1/1")
    assert "No answer since <!date^" in said
    assert "Dee Okafor is asked" in said
    assert "I ask nobody else" in said
    assert [room.mentions.count(who) for who in ("Bo", "Dee")] == [1, 1]
    fingers.ticks("Dee", "Done", channel="inc-1", kind="asked again/1/1")
    clock.settle()
    room = slack.channel("inc-1")
    for kind in ("reminder/1/1", "asked again/1/1"):
        assert "Done by Dee Okafor" in room.said(kind)[0]
        assert "Snooze" not in room.said(kind)[0]


@pytest.mark.every_database
def test_what_comes_again_and_was_due_while_we_were_away_comes_once(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    slack.asks("Ana", "remind here every:20m Say the time", channel="inc-1")
    slack.asks("Ana", "remind at:12:30 Look at the clock", channel="inc-1")
    assert "1. <!date^" in slack.asks("Bo", "reminders", channel="inc-1")
    multivac.stop()
    clock.forward(hours=2, minutes=10)
    multivac.start_again()
    clock.settle()
    kinds = [kind for kind in slack.channel("inc-1").kinds() if kind.startswith("reminder")]
    assert sorted(kinds) == ["reminder/1/1", "reminder/2/1"]
    assert "It was due <!date^" in slack.channel("inc-1").said("reminder/2/1")[0]
    fingers.ticks("Bo", "Done", channel="inc-1", kind="reminder/1/1")
    clock.forward(minutes=20)
    assert "reminder/1/7" in slack.channel("inc-1").kinds()
    assert "Cancelled" in slack.asks("Ana", "reminders cancel 1", channel="inc-1")
    clock.forward(hours=2)
    assert "reminder/1/8" not in slack.channel("inc-1").kinds()


@ON_SQLITE
def test_a_reminder_outlives_the_incident_and_is_answered_by_a_tick_or_a_word_of_whom_it_is_for(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    for line in (
        "remind me in:3h Check the queue",
        "remind me in:3h Look once more until:resolved",
        "remind here when:resolved Tell the bank",
    ):
        assert "Reminder" in slack.asks("Ana", line, channel="inc-1")
    assert "when it is over" in slack.asks("Ana", "reminders", channel="inc-1").lower()
    slack.asks("Ana", "resolve It is over", channel="inc-1")
    clock.settle()
    (told,) = slack.channel("inc-1").ours("reminder")
    assert "Tell the bank" in text_of(told)
    fingers.reacts("Bo", "white_check_mark", told["ts"], channel="inc-1")
    clock.forward(hours=3)
    first, second = slack.channel("inc-1").said("reminder")
    assert "Done by Bo Lindqvist" in first
    assert "Check the queue" in second
    room, ts = slack.channel("inc-1"), slack.channel("inc-1").ours("reminder/1/1")[0]["ts"]
    slack.standin.person_says(room.name, slack.person("Bo"), "Not me", thread_ts=ts)
    clock.settle()
    assert "Snooze 15m" in slack.channel("inc-1").said("reminder/1/1")[0]
    with fingers.acting():
        slack.standin.person_says(room.name, slack.person("Ana"), "It is empty", thread_ts=ts)
    clock.settle()
    assert "Done by Ana Silva" in slack.channel("inc-1").said("reminder/1/1")[0]
    assert "Ana Silva answered reminder 1, done: Check the queue" in multivac.timeline()


@ON_SQLITE
def test_what_comes_again_asks_three_times_in_one_message_then_stops_and_can_be_passed_on(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    bo, bot = _id(slack, "Bo"), slack.standin.space.bot.id
    ts = fingers.says("inc-1", "Bo", "How far is the rollback?")
    with fingers.acting():
        slack.standin.person_says(
            slack.channel("inc-1").name,
            slack.person("Ana"),
            f"<@{bot}> remind <@{bo}> every:10m Say how far it is",
            thread_ts=ts,
        )
    clock.forward(minutes=10, seconds=5)
    (asked,) = slack.channel("inc-1").ours("reminder")
    assert asked["thread_ts"] == ts
    clock.forward(minutes=10)
    (again,) = slack.channel("inc-1").ours("asked again")
    assert (again["thread_ts"], f"<@{bo}>" in text_of(again)) == (ts, True)
    assert "It was due again <!date^" in slack.channel("inc-1").said("reminder/1/1")[0]
    clock.forward(hours=2)
    room = slack.channel("inc-1")
    assert [kind for kind in room.kinds() if kind.startswith(("reminder", "asked"))] == [
        "reminder/1/1",
        "asked again/1/1",
    ]
    assert "I stop until somebody does" in room.said("reminder/1/1")[0]
    slack.presses("Bo", "Not mine", channel="inc-1", kind="reminder/1/1")
    slack.sends("Bo", whom=_id(slack, "Dee"))
    clock.settle()
    room = slack.channel("inc-1")
    assert "Passed on to Dee Okafor by Bo Lindqvist" in room.said("reminder/1/1")[0]
    assert f"<@{_id(slack, 'Dee')}>: Say how far it is" in room.said("reminder")[-1]


@ON_SQLITE
def test_reminders_wait_for_quiet_and_for_the_hours_of_whom_they_ask_unless_it_is_bad(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    cy = f"<@{_id(slack, 'Cy')}>"
    slack.asks("Ana", "severity sev3", channel="inc-1")
    slack.asks("Ana", f"remind {cy} in:10m Say how it is", channel="inc-1")
    slack.asks("Ana", f"remind {cy} in:70m Look at the queue", channel="inc-1")
    slack.asks("Cy", "lead me", channel="inc-1")
    slack.asks("Cy", "remind me in:70m Call the bank", channel="inc-1")  # at ten in the evening, in Tokyo
    slack.asks("Cy", "quiet 30m", channel="inc-1")
    clock.forward(minutes=12)
    assert slack.channel("inc-1").said("reminder") == []
    clock.forward(minutes=20)
    (while_at_it,) = slack.channel("inc-1").said("reminder")
    assert "Say how it is" in while_at_it
    clock.forward(minutes=40)
    assert "Call the bank" in slack.channel("inc-1").said("reminder")[-1]
    assert slack.channel("inc-1").said("reminder/2/1") == []
    slack.asks("Ana", "severity sev1", channel="inc-1")
    clock.settle()
    assert "Look at the queue" in slack.channel("inc-1").said("reminder/2/1")[0]
    slack.asks("Cy", "severity sev2", channel="inc-1")
    slack.asks("Ana", f"remind {cy} in:70m Look again", channel="inc-1")
    clock.forward(hours=10, minutes=30)
    assert slack.channel("inc-1").said("reminder/4/1") == []
    clock.forward(minutes=30)
    (late,) = slack.channel("inc-1").said("reminder/4/1")
    assert "It was due <!date^" in late


@ON_SQLITE
def test_a_group_is_asked_as_one_and_who_is_asked_after_it_in_vain_is_paged_once(
    fingers: Fingers, multivac: Multivac, clock: Clock, slack: Slack, *, pagerduty: PagerDuty, world: World
) -> None:
    sre = slack.standin.add_group("sre", [_id(slack, "Bo"), _id(slack, "Cy")])
    group, dee = f"<!subteam^{sre}|@sre>", _id(slack, "Dee")
    told = slack.asks("Ana", f"remind {group} in:10m Look at the queue", channel="inc-1")
    assert "Reminder 1: @sre at <!date^" in told
    line = f"remind {group} in:10m Ask <!subteam^{sre}> escalate:<@{dee}> after:5m then:page"
    slack.asks("Ana", line, channel="inc-1")
    clock.forward(minutes=10, seconds=5)
    (first,), (second,) = (slack.channel("inc-1").ours(f"reminder/{number}/1") for number in (1, 2))
    assert f"⏰ <!subteam^{sre}>: Look at the queue" in text_of(first)
    assert f"⏰ <!subteam^{sre}>: Ask @sre" in text_of(second)
    slack.standin.person_reacts(slack.channel("inc-1").id, slack.person("Ana"), ts=first["ts"], name=TICK)
    fingers.reacts("Cy", TICK, first["ts"], channel="inc-1")  # is of the group, and Ana is not
    clock.settle()
    assert "Done by Cy Tanaka" in slack.channel("inc-1").said("reminder/1/1")[0]
    world.fail(Fault("pagerduty", "POST /incidents/{id}/responder_requests", "refuse", status=403))
    clock.forward(minutes=9, seconds=50)
    assert slack.channel("inc-1").said("page failed") == []
    clock.forward(seconds=20)
    (failed,) = slack.channel("inc-1").said("page failed")
    assert "Ana Silva asked to page Dee Okafor, which failed" in failed
    assert "A page could not be sent" in slack.direct("Ana")[-1]
    world.heal()
    slack.presses("Bo", "Retry now", channel="inc-1", kind="page failed")
    clock.forward(hours=2)
    (asked,) = pagerduty.incident(multivac.incident(1).alerts.rows[0].key)["incidents_responders"]
    assert asked["user"]["summary"] == "Dee Okafor"
    assert "Ana Silva: A reminder waits for your answer: Ask @sre" in asked["message"]
    assert "PagerDuty pages Dee Okafor, asked for by a reminder of Ana Silva" in multivac.timeline()
    (said,) = slack.channel("inc-1").said("reminder/2/1")
    assert "Dee Okafor has not answered either: PagerDuty is asked to page them." in said
    assert "I ask nobody else." in said
    assert len(slack.channel("inc-1").broadcasts) == len(slack.channel("inc-1").ours("reminder"))
    line = f"remind here in:10m Look escalate:<@{dee}> after:5m then:page until:done"
    told = slack.asks("Ana", line, channel="inc-1")  # her request of before is still pending
    assert "Without an answer in 5 minutes, Dee Okafor is asked, and paged after as long again." in told
    assert "It ends once somebody answers “Done”." in told
    listed = slack.asks("Ana", "reminders", channel="inc-1")
    assert "Look · the channel · Without an answer in 5 minutes, Dee Okafor" in listed
    clock.forward(minutes=21)
    assert len(pagerduty.incident(multivac.incident(1).alerts.rows[0].key)["incidents_responders"]) == 1
    (said,) = slack.channel("inc-1").said("reminder/3/1")
    assert "Dee Okafor has not answered either, and is paged already: I do not page them twice." in said


@ON_SQLITE
def test_what_cannot_be_done_is_said_with_what_can(fingers: Fingers, slack: Slack) -> None:
    for line, why in {
        "remind me Look": "Say when.",
        "remind me in:20m": "Say what it is about.",
        "remind me in:1s Look": "from one minute to 30 days",
        "remind me every:2m Look": "from five minutes to 30 days",
        "remind me when:done Look": "when:resolved and when:update-overdue, not when:done",
        "remind me at:25:00 Look": "is no time",
        "remind me in:20m Look escalate:zoe": "is nobody I know",
        "remind me in:20m Look escalate:bo then:dance": "I know then:page, not then:dance.",
        "remind me in:20m Look then:page": "Say who is to be paged",
        "remind group:commerce in:20m Look": "I do not understand `group:commerce`. Nothing was done.",
        f"remind me in:20m Look escalate <@{_id(slack, 'Bo')}>": "I do not understand `escalate`.",
        "remind me in:3h Look until:14:00": "It would end at <!date^",
        "reminders done 7": "There is no reminder 7",
        "reminders dance": "Say which",
    }.items():
        assert why in slack.asks("Ana", line, channel="inc-1")
    slack.asks("Ana", "remind", channel="inc-1")
    assert slack.sends("Ana", text="Look at in:5m the queue") == {}
