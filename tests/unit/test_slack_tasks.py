"""Tasks in Slack: at most eight can be ticked, and however long they are they fit one message."""

from dataclasses import replace
from datetime import UTC, datetime

from integrations.sandbox.slack_blocks import checked_blocks
from integrations.slack.blocks import render
from integrations.slack.tasklists import MOST_BUTTONS
from integrations.slack.text import said_line
from multivac.briefing import Checklist, Press, TaskLine, clock_time, day_and_time
from multivac.incident import TaskState

AT = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)


def task(number: int, text: str = "Confirm impact", link: str | None = None) -> TaskLine:
    said = f"INC-1 task done {'p' * 40}/1000/{number}"
    press = Press(label="Done", line=said)
    return TaskLine(
        text=text,
        state=TaskState.OPEN,
        role="lead",
        link=link,
        why_skipped="",
        done=press,
        take=press,
        skip=press,
    )


def checklist(*tasks: TaskLine) -> Checklist:
    return Checklist(title="First", tasks=tasks, next_title=None, next_at=None, occurrence=1)


def test_the_first_eight_open_tasks_can_be_ticked_and_the_others_are_listed_in_their_place() -> None:
    done = replace(task(0), state=TaskState.DONE, by="Bo <!here>", at=AT, done=None, take=None, skip=None)
    drawn = render(checklist(task(1), done, *(task(number, f"Task {number}") for number in range(2, 40))))
    assert checked_blocks(drawn.blocks)
    ticked = [block["text"]["text"] for block in drawn.blocks if "accessory" in block]
    assert len(ticked) == MOST_BUTTONS
    assert ticked[:2] == ["☐ Confirm impact · lead · to do", "☐ Task 2 · lead · to do"]
    shown = "\n".join(block.get("text", {}).get("text", "") for block in drawn.blocks)
    assert "☑ Confirm impact · lead — Bo &lt;!here&gt; <!date^1795356180^{time}|14:03 UTC>" in shown
    assert "☐ Task 39 · lead · to do" in shown


def test_tasks_that_are_too_long_for_buttons_are_still_listed() -> None:
    long = [task(number, "x" * 300, f"https://example.com/{'y' * 1400}") for number in range(30)]
    drawn = render(checklist(*long))
    assert checked_blocks(drawn.blocks)
    assert not any("accessory" in block for block in drawn.blocks)


def test_each_reader_is_shown_moments_as_their_own_time() -> None:
    assert said_line(f"{clock_time(AT)} ok") == "<!date^1795356180^{time}|14:03 UTC> ok"
    assert "{date_short_pretty}" in said_line(day_and_time(AT))
    assert said_line("<t:1> <!here> <t:x>") == "<!date^1^{time}|00:00 UTC> &lt;!here&gt; &lt;t:x&gt;"
    kept = "https://sandbox.slack.com/archives/C0AB/p1700000000000100"
    assert said_line(f"Ana: {kept}") == f"Ana: (<{kept}|message>)"
