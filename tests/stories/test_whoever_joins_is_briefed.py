"""Whoever joins learns what they must know: unasked if they are on call or were invited, else by a button."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

# The other stories ask both databases all that these do.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEARS = {"slack__signing_secret": "what-slack-signs-with"}
NEXT_MONDAY = "<!date^1773046800^{date_short_pretty} {time}|2026-03-09 09:00 UTC>"
# Nobody but the lead is brought in, so that others come by themselves.
ALONE = {"invite": [{"on_call": {"levels": [2]}}], "lead": [{"fixed": "ana@example.com"}]}


def open_incident(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, in which Ana leads and Dee, of level 2, is invited."""
    multivac.start(ALONE, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def test_an_on_call_who_joins_is_briefed_at_once_and_nobody_else_is(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    open_incident(multivac, pagerduty, clock)
    slack.asks("Ana", "INC-1 impact Nobody can pay")
    slack.asks("Ana", "INC-1 task add Call the bank")
    clock.forward(minutes=4)
    for mail in ("bo@example.com", "cy@example.com"):
        slack.standin.person_joins(slack.channel("inc-1").name, mail)
    clock.settle()
    (briefing,) = slack.whispers("inc-1", "Bo")
    title, *lines = briefing.splitlines()
    assert title == "*INC-1 · Checkout returns 500*"
    assert lines[:3] == [
        "SEV1 · triage · open for 4 minutes · led by Ana Silva",
        "Impact: Nobody can pay · Services: checkout · 1 alert",
        f"You are on call for checkout until {NEXT_MONDAY}.",
    ]
    assert "Ana Silva added task 1: Call the bank" in lines[3]
    assert "Impact, says Ana Silva: Nobody can pay" in lines[4]
    assert "To do: 1. Call the bank; Say what users see" in briefing
    assert "|OPS-1>" in briefing
    assert lines.index("Take a task") <= 10
    assert slack.whispers("inc-1", "Cy") == []
    assert "SEV1 · triage" in slack.presses("Cy", "Brief me", channel="inc-1", kind="headline")
    clock.forward(minutes=10)
    assert len(slack.whispers("inc-1", "Bo")) == 1
    assert slack.direct("Bo") == slack.direct("Ana") == slack.direct("Cy") == []
    assert "Which task of INC-1 do you take?" in slack.presses("Cy", "Take a task", channel="inc-1")
    slack.presses("Cy", "1. Call the bank", channel="inc-1")
    clock.settle()
    assert "1. Call the bank · Cy Tanaka does it" in slack.channel("inc-1").said("tasks")[0]


def test_whom_we_invited_is_briefed_directly_after_three_minutes_of_silence_and_at_most_once(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, world: World
) -> None:
    multivac.start(
        {"invite": [{"people": ["bo@example.com", "cy@example.com", "dee@example.com"]}]}, settings=HEARS
    )
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.says("inc-1", "Cy", "I am here")
    for line in (
        "impact Nobody can pay",
        "update We\nroll back",
        "note One",
        "note Two",
        "link https://example.com",
    ):
        slack.asks("Cy", f"INC-1 {line}", channel="inc-1")
    clock.forward(minutes=2, seconds=50)
    assert slack.direct("Bo") == []
    world.fail(Fault("slack", "chat.postMessage", "lose_answer", match={"channel": slack.id_of("Bo")}))
    clock.forward(minutes=5)
    (told,) = slack.direct("Bo")
    assert "INC-1 · Checkout returns 500" in told
    (briefed,) = slack.direct("Dee")
    _, *lines = briefed.splitlines()
    assert f"Channel: <#{slack.channel('inc-1').id}>" in lines
    assert any(line.startswith("Latest update") and line.endswith("roll back") for line in lines)
    assert lines.index("Take a task") == 10  # with all that there can be
    assert slack.direct("Cy") == slack.direct("Ana") == []


@ON_SQLITE
def test_who_comes_back_is_briefed_again_only_if_much_has_happened(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    open_incident(multivac, pagerduty, clock)
    name = slack.channel("inc-1").name
    clock.forward(minutes=4)

    def back(notes: int) -> int:
        for number in range(notes):
            slack.asks("Ana", f"INC-1 note Tried {number}")
        slack.standin.person_joins(name, "bo@example.com")
        clock.settle()
        told = len(slack.whispers("inc-1", "Bo"))
        slack.standin.person_leaves(name, "bo@example.com")
        clock.forward(seconds=30)
        return told

    assert [back(0), back(5), back(1)] == [1, 1, 2]
    *_, again = slack.whispers("inc-1", "Bo")
    _, *lines = again.splitlines()
    assert lines.index("Take a task") == 10
    assert [line.split(" ", 2)[-1][-len("Tried 0") :] for line in lines[3:8]] == [
        "Tried 0",
        "Tried 4",
        "Tried 3",
        "Tried 2",
        "Tried 1",
    ]


@ON_SQLITE
def test_thirty_who_join_at_once_are_briefed_within_slacks_limits(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, world: World
) -> None:
    open_incident(multivac, pagerduty, clock)
    clock.forward(minutes=4)
    world.limits_on = True
    for number in range(30):
        slack.standin.add_person(f"P{number} On", f"p{number}@example.com")
        slack.standin.person_joins(slack.channel("inc-1").name, f"p{number}@example.com")
    slack.standin.person_joins(slack.channel("inc-1").name, "bo@example.com")
    clock.forward(minutes=2)
    assert len(slack.whispers("inc-1", "Bo")) == 1
    assert len(world.calls("slack", "users.info")) >= 30
    assert [one for one in world.calls("slack") if one.status == 429] == []
    assert len(world.calls("pagerduty", "GET /oncalls")) <= 3


@ON_SQLITE
def test_who_is_on_call_is_said_with_its_age_when_the_pager_is_silent(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, world: World
) -> None:
    open_incident(multivac, pagerduty, clock)
    assert "checkout" not in slack.asks("Cy", "oncall search")
    assert f"Customer experience: Cara Mbeki (level 1) until {NEXT_MONDAY}, Dee" in slack.asks("Cy", "who")
    here = slack.asks("Cy", "oncall", channel="inc-1")
    assert "Commerce: Ana Silva (level 1)" in here
    assert "search" not in here
    assert "checkout: Ana Silva (level 1)" in slack.asks("Cy", "oncall checkout")
    assert "Commerce: Bo Lindqvist (level 1)" in slack.asks("Cy", f"oncall <@{slack.id_of('Bo')}>")
    assert "Cy Tanaka is not on call" in slack.asks("Cy", f"oncall <@{slack.id_of('Cy')}>")
    assert "There is no INC-9" in slack.asks("Cy", "oncall INC-9")
    assert "no service with “nonsense”" in slack.asks("Cy", "oncall nonsense")
    world.fail(Fault("pagerduty", "GET /services", "server_error", times=0))
    told = slack.asks("Bo", "oncall checkout")
    assert "PagerDuty does not answer. This is as of <!date^" in told
    assert "checkout: Ana Silva" in told
    assert "Who is on call cannot be said now" in slack.asks("Bo", "oncall cart")


@ON_SQLITE
def test_who_asks_to_join_is_invited_and_an_ended_incident_shows_where_it_was(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    open_incident(multivac, pagerduty, clock)
    clock.forward(minutes=4)
    told = slack.presses("Bo", "Join", channel="incidents", kind="announcement")
    assert told.startswith("You are in <#C")
    clock.settle()
    assert "Bo" in slack.channel("inc-1").members
    assert "Joined: Bo Lindqvist" in multivac.timeline()
    assert "You are on call for checkout until" in slack.whispers("inc-1", "Bo")[-1]
    assert "already" in slack.asks("Bo", "join 1")
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    clock.forward(minutes=2)
    assert "INC-1 is resolved. Its channel is <#C" in slack.asks("Cy", "join INC-1")
    _, stands, over, *facts = slack.asks("Bo", "briefing", channel="inc-1").splitlines()
    assert stands == "SEV1 · resolved · led by Ana Silva"
    assert over.startswith("It is over since <!date^")
    assert over.endswith("after 4 minutes.")
    assert facts[:2] == ["Services: checkout · 1 alert", "How it ended: Rolled back"]
    assert not any(line.startswith(("You are on call", "To do")) for line in facts)
