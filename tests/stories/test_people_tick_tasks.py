"""Checklists are ticked by those who do the work, once, and whatever shows by itself is not asked of them."""

from typing import Any

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.fingers import Fingers
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
# The other stories ask both databases all that these do.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FIRST = {
    "phase": "first-5-minutes",
    "title": "First 5 minutes",
    "at": "0m",
    "tasks": [
        {"id": "confirm-impact", "text": "Confirm impact", "role": "lead"},
        {"id": "list-deploys", "text": "List deploys", "link": "https://ci.example/?svc={{ service }}"},
        {"id": "accept", "text": "Accept the lead", "done_when": ["lead_accepted"]},
    ],
}
LATER = {
    "phase": "time-check",
    "title": "Time check",
    "at": "10m",
    "repeat": {"every": "10m"},
    "tasks": [{"id": "say-time", "text": "Say the time"}],
}
KEEP = {
    "phase": "stabilise",
    "title": "Stabilise",
    "at": "15m",
    "tasks": [{"id": "roll-back", "text": "Roll back"}],
}


def begin(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *phases: dict[str, Any]) -> None:
    """A P1 on checkout, led by Ana."""
    playbook = {"checklists": [FIRST, *phases], "lead": [{"on_call": {}}], "invite": [{"on_call": {}}]}
    multivac.start(playbook, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()


@pytest.fixture
def fingers(slack: Slack, multivac: Multivac) -> Fingers:
    return Fingers(slack, multivac)


def test_a_task_is_ticked_once_and_says_by_whom_and_when(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, fingers: Fingers
) -> None:
    begin(multivac, pagerduty, clock)
    (first,) = slack.channel("inc-1").said("checklist")
    assert "☐ Confirm impact · lead · to do" in first
    fingers.ticks("Bo", "Done", channel="inc-1", kind="checklist", near="Confirm impact")
    clock.settle()
    (first,) = slack.channel("inc-1").said("checklist")
    assert "☑ Confirm impact · lead — Bo Lindqvist <!date^" in first
    assert "1 of 3 done or skipped" in first
    assert "Bo Lindqvist did: Confirm impact" in multivac.timeline()
    told = slack.asks("Ana", "task done first-5-minutes/confirm-impact", channel="inc-1")
    assert "Already done by Bo Lindqvist at <!date^" in told
    assert multivac.timeline().count("Bo Lindqvist did: Confirm impact") == 1


@ON_SQLITE
def test_evidence_ticks_and_people_take_and_skip_from_menus(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, fingers: Fingers
) -> None:
    begin(multivac, pagerduty, clock, {**KEEP, "unless": "update_posted"})
    slack.presses("Ana", "Accept", channel="inc-1", kind="lead told")
    clock.settle()
    fingers.ticks("Bo", "List deploys", channel="inc-1", kind="checklist", near="Assign to me")
    fingers.ticks("Ana", "Confirm impact", channel="inc-1", kind="checklist", near="Skip")
    clock.settle()
    (first,) = slack.channel("inc-1").said("checklist")
    assert "☑ Accept the lead · done" in first
    page = "<https://ci.example/?svc=checkout|open the page>"
    assert f"☐ List deploys · Bo Lindqvist does it · {page}" in first
    assert "⊘ Confirm impact · lead · skipped by Ana Silva" in first
    assert "Already done: the facts show it" in slack.asks("Bo", "task done accept", channel="inc-1")
    slack.asks("Ana", "update We roll back", channel="inc-1")
    clock.forward(minutes=16)
    assert len(slack.channel("inc-1").said("checklist")) == 1


def test_people_add_tasks_of_their_own_in_one_message(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, fingers: Fingers
) -> None:
    begin(multivac, pagerduty, clock)
    bo = next(one.id for one in slack.standin.space.people.values() if one.real_name == "Bo Lindqvist")
    assert "Task 1 is added for Bo Lindqvist" in slack.asks(
        "Ana", f"task add Call the &lt;!channel&gt; bank <@{bo}>", channel="inc-1"
    )
    slack.asks("Ana", "task add", channel="inc-1")
    assert slack.sends("Ana", text="Look at the queue", owner=slack.id_of("Cy")) == {}
    clock.settle()
    (own,) = slack.channel("inc-1").said("tasks")
    assert "☐ 1. Call the &lt;!channel&gt; bank · Bo Lindqvist does it" in own
    fingers.ticks("Bo", "Done", channel="inc-1", kind="tasks", near="2. Look at the queue")
    assert "The task is yours: 1. Call the" in slack.asks("Bo", "task assign 1 me", channel="inc-1")
    clock.settle()
    (own,) = slack.channel("inc-1").said("tasks")
    assert "☑ 2. Look at the queue — Bo Lindqvist" in own
    listed = slack.asks("Cy", "task list", channel="inc-1")
    assert "Tasks of INC-1, 3 to do" in listed
    assert "More than one task" in slack.asks("Bo", "task done i", channel="inc-1")
    assert "No task is called" in slack.asks("Bo", "task done 9", channel="inc-1")

    (to_cy,) = slack.direct("Cy")
    assert to_cy.endswith(f"Done: 2. Look at the queue\nChannel: <#{slack.channel('inc-1').id}>")
    assert "Cy" in slack.channel("inc-1").members
    slack.asks("Ana", f"task assign list deploys <@{bo}>", channel="inc-1")
    clock.settle()
    (to_bo,) = slack.direct("Bo")  # both came within a minute
    assert to_bo.startswith("*INC-1 · Checkout returns 500*\nSEV1 · triage\nAna Silva gave you a task: 1. ")
    assert "Ana Silva gave you a task: 1. Call the &lt;!channel&gt; bank" in to_bo
    assert "Ana Silva gave you a task: List deploys" in to_bo
    fingers.ticks_in_direct("Bo", "Done: List deploys")
    fingers.ticks("Bo", "Done", channel="inc-1", kind="tasks", near="1. Call the")
    slack.asks("Ana", f"task add Call them again <@{bo}>", channel="inc-1")
    clock.settle()
    (to_bo,) = slack.direct("Bo")
    assert "Done: List deploys" in to_bo
    slack.asks("Bo", f"task assign 3 <@{slack.id_of('Ana')}>", channel="inc-1")
    clock.settle()
    assert "It is not your task any more: 3. Call them again" in slack.direct("Bo")[0]
    assert "Bo Lindqvist gave you a task: 3. Call them again" in slack.direct("Ana")[0]


@ON_SQLITE
def test_what_is_left_of_a_round_goes_on_in_the_next_and_old_rounds_have_nothing_to_press(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, fingers: Fingers
) -> None:
    begin(
        multivac,
        pagerduty,
        clock,
        {**LATER, "tasks": [*LATER["tasks"], {"id": "ask", "text": "Ask the bank"}]},
    )
    clock.forward(minutes=10, seconds=10)
    fingers.ticks("Bo", "Done", channel="inc-1", kind="checklist/time-check", near="Say the time")
    fingers.ticks("Bo", "Ask the bank", channel="inc-1", kind="checklist/time-check", near="Assign to me")
    clock.forward(minutes=10)
    second = slack.channel("inc-1").said("checklist")[1]
    assert second.startswith("Time check, round 2\n☐ Say the time · to do\n")
    assert "☐ Ask the bank · Bo Lindqvist does it · left since round 1" in second
    for number in range(11):
        slack.says("inc-1", "Bo", f"Idea {number}")
    clock.forward(minutes=10)
    _, older, newer = slack.channel("inc-1").ours("checklist")
    assert (buttons(older), buttons(newer)) == (0, 2)
    second, third = slack.channel("inc-1").said("checklist")[1:]
    assert "round 2: 0 of 2 done or skipped. The rest goes on in the newest round, below." in second
    assert "☐ Say the time · to do · left since round 2" in third
    fingers.ticks("Bo", "Done", channel="inc-1", kind="checklist/time-check/3", near="Ask the bank")
    clock.settle()
    assert "☑ Ask the bank — Bo Lindqvist" in slack.channel("inc-1").said("checklist")[2]
    clock.forward(minutes=10)
    assert (
        "round 4\n☐ Say the time · to do · left since round 2\n"
        in slack.channel("inc-1").said("checklist")[2]
    )
    assert "☐ Ask the bank · to do\n" in slack.channel("inc-1").said("checklist")[2]
    slack.asks("Ana", "resolve It is over", channel="inc-1")
    clock.settle()
    assert [buttons(one) for one in slack.channel("inc-1").ours("checklist")] == [0, 0, 0]


@ON_SQLITE
def test_the_digest_of_what_was_missed_is_ticked_too(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, fingers: Fingers
) -> None:
    begin(
        multivac,
        pagerduty,
        clock,
        KEEP,
        {**KEEP, "phase": "tell", "title": "Tell", "tasks": [{"id": "tell-bank", "text": "Tell the bank"}]},
    )
    multivac.stop()
    clock.forward(minutes=40)
    multivac.start_again()
    clock.settle()
    fingers.ticks("Bo", "Done", channel="inc-1", kind="checklist", near="Tell the bank")
    clock.settle()
    _, digest = slack.channel("inc-1").said("checklist")
    assert "• Stabilise, due <!date^" in digest
    assert "☑ Tell the bank — Bo Lindqvist" in digest


@ON_SQLITE
def test_paused_checklists_do_not_come_and_what_fell_due_meanwhile_stays_away(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    begin(multivac, pagerduty, clock, LATER, KEEP)
    assert "No further checklist" in slack.asks("Ana", "checklist pause", channel="inc-1")
    clock.forward(minutes=25)
    assert len(slack.channel("inc-1").said("checklist")) == 1
    refused = slack.asks("Ana", "checklist add", channel="inc-1")
    assert "Say which: checklist add, and one of first-5-minutes, time-check, stabilise." in refused
    assert "“Stabilise” comes now" in slack.asks("Ana", "checklist add Stabilise", channel="inc-1")
    clock.settle()
    assert "is here already" in slack.asks("Ana", "checklist add stabilise", channel="inc-1")
    assert "come again" in slack.asks("Ana", "checklist resume", channel="inc-1")
    assert "3 tasks skipped" in slack.asks("Ana", "checklist skip", channel="inc-1")
    clock.forward(minutes=6)
    assert [text.partition("\n")[0] for text in slack.channel("inc-1").said("checklist")] == [
        "First 5 minutes",
        "Stabilise",
        "Time check, round 3",
    ]


def buttons(message: dict[str, Any]) -> int:
    """How many tasks can be ticked in it."""
    return sum("accessory" in block for block in message["blocks"])
