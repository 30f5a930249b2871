"""Checklists come phase by phase when they are due, and no longer than the incident lasts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Status
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

EVERY_5M = {"every": "5m"}
FIRST: dict[str, Any] = {
    "phase": "first",
    "title": "First things",
    "at": "0m",
    "tasks": [{"id": "look", "text": "Look at it.", "role": "lead"}],
}


def phase(title: str, at: str, **more: Any) -> dict[str, Any]:
    name = title.lower().replace(" ", "-")
    return {"phase": name, "title": title, "at": at, "tasks": [{"id": name, "text": f"{title}!"}], **more}


def begin(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *phases: dict[str, Any]) -> str:
    multivac.start({"checklists": [FIRST, *phases]})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    return alert


def titles(slack: Slack) -> list[str]:
    return [text.partition("\n")[0] for text in slack.channel("inc-1").said("checklist")]


def test_a_phase_comes_when_it_is_due(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    begin(multivac, pagerduty, clock, phase("Stabilise", "10m"), phase("Communicate", "15m"))
    clock.forward(minutes=9, seconds=50)
    assert titles(slack) == ["First things"]
    clock.forward(seconds=10)
    assert titles(slack) == ["First things", "Stabilise"]
    assert "Next: Communicate, <!date^" in slack.channel("inc-1").said("checklist")[1]
    clock.forward(minutes=5)
    assert titles(slack) == ["First things", "Stabilise", "Communicate"]
    assert "Next:" not in slack.channel("inc-1").said("checklist")[2]


def test_a_phase_repeats_as_often_as_it_may(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    begin(multivac, pagerduty, clock, phase("Time check", "20m", repeat={"every": "10m", "at_most": 3}))
    clock.forward(minutes=29)
    assert titles(slack) == ["First things", "Time check"]
    clock.forward(minutes=2)
    assert titles(slack) == ["First things", "Time check, round 2"]  # in place: nobody has written since
    for number in range(11):
        slack.says("inc-1", "Bo", f"Idea {number}")
    clock.forward(hours=2)
    assert titles(slack) == [
        "First things",
        "Time check, round 2: 0 of 1 done or skipped. The rest goes on in the newest round, below.",
        "Time check, round 3",
    ]


def test_a_phase_waits_for_its_condition(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = begin(multivac, pagerduty, clock, phase("Acked", "5m", when=["acknowledged"]))
    clock.forward(minutes=7)
    assert titles(slack) == ["First things"]
    pagerduty.acknowledge(alert, by="Ana")
    clock.settle()
    assert titles(slack) == ["First things", "Acked"]


def test_a_repeated_phase_that_waited_comes_once(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    again = phase("Time check", "5m", when=["active"], repeat={"every": "5m"})
    begin(multivac, pagerduty, clock, again)
    clock.forward(minutes=21)
    assert titles(slack) == ["First things"]
    multivac.becomes(Status.ACTIVE)
    clock.settle()
    assert titles(slack) == ["First things", "Time check, round 4"]
    clock.forward(minutes=5)
    assert titles(slack) == ["First things", "Time check, round 5"]


def test_a_phase_that_is_no_longer_needed_does_not_come(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = begin(multivac, pagerduty, clock, phase("Find somebody", "5m", unless=["acknowledged"]))
    pagerduty.acknowledge(alert, by="Ana")
    clock.forward(minutes=30)
    assert titles(slack) == ["First things"]


def test_a_task_ticks_itself_when_the_facts_show_that_it_is_done(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    acked = {"id": "ack", "text": "Acknowledge.", "done_when": ["acknowledged"]}
    multivac.start({"checklists": [{**FIRST, "tasks": [*FIRST["tasks"], acked]}]})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert "☐ Acknowledge. · to do" in slack.channel("inc-1").said("checklist")[0]
    pagerduty.acknowledge(alert, by="Ana")
    clock.settle()
    (first,) = slack.channel("inc-1").said("checklist")
    assert "☑ Acknowledge. · done" in first
    assert "☐ Look at it. · lead · to do" in first


@pytest.mark.parametrize("status", [Status.RESOLVED, Status.DISMISSED])
def test_no_checklist_comes_after_the_end(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, status: Status
) -> None:
    begin(multivac, pagerduty, clock, phase("Stabilise", "10m"), phase("Again", "20m", repeat=EVERY_5M))
    multivac.becomes(status)
    clock.forward(hours=3)
    assert titles(slack) == ["First things"]


def test_a_cron_time_is_meant_in_its_zone_when_the_clocks_change(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.clock.set(datetime(2026, 3, 27, 12, tzinfo=UTC))  # Friday; on Sunday Berlin goes to summer time
    morning = phase("New day", "1h", repeat={"cron": "0 9 * * *", "zone": "Europe/Berlin"})
    begin(multivac, pagerduty, clock, morning)
    clock.forward(hours=19, minutes=59)
    assert titles(slack) == ["First things"]
    clock.forward(minutes=1)  # Saturday 08:00 UTC
    assert titles(slack)[1:] == ["New day"]
    clock.forward(hours=22, minutes=59)
    assert titles(slack)[1:] == ["New day"]
    clock.forward(minutes=1)  # Sunday 07:00 UTC
    assert titles(slack)[1:] == ["New day, round 2"]


def test_a_cron_time_that_the_clocks_skip_comes_once(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    world.clock.set(datetime(2026, 3, 28, 12, tzinfo=UTC))
    begin(
        multivac,
        pagerduty,
        clock,
        phase("Night", "1h", repeat={"cron": "30 2 * * *", "zone": "Europe/Berlin"}),
    )
    clock.forward(hours=13, minutes=29)  # Sunday 01:29 UTC
    assert titles(slack) == ["First things"]
    clock.forward(hours=12)
    assert titles(slack) == ["First things", "Night"]


def test_what_fell_due_while_we_were_away_comes_as_one_digest(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    later = [
        phase("Stabilise", "10m"),
        phase("Communicate", "15m"),
        phase("Time check", "20m", repeat=EVERY_5M),
    ]
    begin(multivac, pagerduty, clock, *later)
    multivac.stop()
    clock.forward(minutes=34)
    multivac.start_again()
    clock.settle()
    assert titles(slack) == ["First things", "Came due meanwhile"]
    first, digest = slack.channel("inc-1").said("checklist")
    assert "Next: Time check, <!date^" in first  # neither of the two that the digest tells of
    for told in ("• Stabilise, due <!date^", "• Communicate, due <!date^", "☐ Stabilise! · to do"):
        assert told in digest

    multivac.stop()
    multivac.start_again()
    clock.forward(minutes=1)
    assert titles(slack) == ["First things", "Came due meanwhile", "Time check, round 4"]


def test_one_phase_that_came_late_is_posted_as_it_is(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    begin(multivac, pagerduty, clock, phase("Stabilise", "10m"))
    multivac.stop()
    clock.forward(minutes=40)
    multivac.start_again()
    clock.settle()
    assert titles(slack) == ["First things", "Stabilise"]


def test_lists_of_a_severity_come_with_that_severity(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    alert = begin(multivac, pagerduty, clock, phase("Tell management", "2m", severities=["sev1"]))
    clock.forward(minutes=5)
    assert titles(slack) == ["First things"]
    pagerduty.set_priority(alert, "P1", by="Ana")
    clock.settle()
    assert titles(slack) == ["First things", "Tell management"]


def test_a_checklist_of_another_severity_has_nothing_to_press_until_it_counts_again(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    first = {"phase": "first", "title": "First things", "at": "0m", "severities": ["sev1", "sev2"]}
    tasks = [{"id": "impact", "text": "Say what users see.", "role": "lead"}]
    playbook = PLAYBOOK | {"checklists": [first | {"tasks": tasks}], "lead": [{"on_call": {}}]}
    multivac.start(playbook, settings={"slack__signing_secret": "what-slack-signs-with"})
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()

    def has_buttons() -> bool:
        (posted,) = slack.channel("inc-1").ours("checklist")
        return "Done" in str(posted["blocks"])

    assert has_buttons()
    slack.asks("Ana", "severity sev3", channel="inc-1")
    clock.settle()
    assert not has_buttons()
    slack.asks("Ana", "severity sev2", channel="inc-1")
    clock.settle()
    assert has_buttons()
