"""The noise budget: what may be said in a channel, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from multivac import voice
from multivac.incident import IncidentId, Severity, Status
from multivac.playbook import Playbook
from multivac.steps.table import STEPS
from multivac.store.cases import Cadence, Case, StepRow
from multivac.store.summary import together

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CORE = ("headline", "lead told", "checklist/first")


def case(*said: str, at: datetime = NOON) -> Case:
    """An incident whose channel opened at noon, and in which these were said."""
    rows = {name: StepRow(name, "1", at, "1", at, {"at": at.isoformat()}) for name in said}
    rows["channel"] = StepRow("channel", "1", NOON, "1", NOON)
    return Case(
        id=IncidentId(1),
        title="Checkout",
        severity=Severity.SEV1,
        status=Status.ACTIVE,
        playbook=Playbook(name="story"),
        declared_at=NOON,
        opens_at=NOON,
        status_at=NOON,
        person_acted_at=None,
        channel_name="inc-1",
        channel_id="C1",
        resolution_by=None,
        resolution_at=None,
        resolution_withdrawn=False,
        updated_at=None,
        version=1,
        storm=None,
        queued_at=None,
        severity_by=None,
        impact="",
        declared_by=None,
        drill=False,
        shut_at=None,
        shut_how="",
        checklists_from=None,
        members={},
        tasks={},
        captures={},
        reminders={},
        alerts=together(()),
        roles={},
        summons=(),
        steps=rows,
    )


def held(now: Case, *wanted: str, minutes: float) -> list[str]:
    """What of this is held back, so many minutes after noon."""
    heard = voice.weigh(now, dict.fromkeys(wanted, "1"), now=NOON + timedelta(minutes=minutes))
    assert set(heard.wanted) | set(heard.held) == set(wanted)
    return sorted(heard.held)


def test_every_step_is_known_to_the_voice() -> None:
    names = {step.name for step in STEPS}
    assert names == set(voice.KINDS) | voice.SILENT
    assert not set(voice.KINDS) & voice.SILENT


def test_four_messages_in_the_first_ten_minutes_the_most_needed_first() -> None:
    assert held(case(), *CORE, "checklist/second", "gaps", "resolution", minutes=1) == [
        "checklist/second",
        "resolution",
    ]
    assert held(case(*CORE, "gaps"), "resolution", "update due/1", minutes=9.9) == [
        "resolution",
        "update due/1",
    ]
    assert held(case(*CORE, "gaps"), "resolution", "update due/1", "checklist/second", minutes=10) == []


def test_whoever_is_asked_next_to_lead_is_told_at_once() -> None:
    assert held(case(*CORE, "gaps"), "lead told/2", minutes=3) == []
    assert held(case(*CORE, "lead told/2"), "gaps", minutes=3) == []  # nor does the room for others shrink


def test_a_page_that_fails_is_told_whatever_was_said_before() -> None:
    full = case(*CORE, "lead told/2", "gaps")
    assert held(full, "resolution", "page failed/3", "page failed/4", minutes=3) == ["resolution"]
    assert held(case(*CORE, "page failed/3"), "gaps", minutes=3) == []


def test_what_stands_is_edited_and_what_people_do_is_said() -> None:
    full = case(*CORE, "gaps")
    assert held(full, *CORE, "gaps", minutes=1) == []
    assert held(full, "update/1", "update/2", "change line/3", minutes=1) == []
    assert held(case(*CORE, "update/1", "change line/2"), "gaps", minutes=1) == []


def test_nobody_else_is_mentioned_in_the_first_ten_minutes() -> None:
    assert held(case(*CORE), "update overdue/1", minutes=5) == ["update overdue/1"]
    assert held(case(*CORE), "update overdue/1", minutes=10) == []


@pytest.mark.parametrize(("minutes", "is_held"), [(12, True), (19.9, True), (20, False)])
def test_what_nobody_needs_at_once_keeps_its_distance(minutes: float, is_held: bool) -> None:
    quiet = case(*CORE, "alert line/1", at=NOON + timedelta(minutes=10))
    assert held(quiet, "alert line/2", minutes=minutes) == (["alert line/2"] if is_held else [])
    assert held(quiet, "resolution", minutes=minutes) == []


def test_quiet_makes_wait_what_can_wait() -> None:
    hushed = replace(case(*CORE), cadence=Cadence(quiet_until=NOON + timedelta(minutes=45)))
    asked = ("update due/1", "checklist/second", "resolution", "update/7")
    assert held(hushed, *asked, minutes=30) == ["checklist/second", "update due/1"]
    heard = voice.weigh(hushed, {"update due/1": "1"}, now=NOON + timedelta(minutes=30))
    assert heard.wakes == (NOON + timedelta(minutes=45),)
    assert held(hushed, *asked, minutes=45) == []
