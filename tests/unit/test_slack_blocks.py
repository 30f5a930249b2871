"""What messages look like in Slack, that they fit its limits, and that no title can shout."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.slack.blocks import render
from integrations.slack.pieces import Drawn, button
from integrations.slack.text import line, link, person, plain, prose
from multivac.briefing import (
    CaughtUp,
    ChangeLine,
    Checklist,
    Gaps,
    LeadCall,
    Link,
    OperatorNotice,
    Press,
    ResolutionProposed,
    TaskLine,
    UpdateDue,
    Who,
)
from multivac.incident import TaskState
from multivac.verbs import VERBS, Verb
from multivac.verbs.presses import ASKS

AT = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
SHOWN_AT = "<!date^1795356180^{date_short_pretty} {time}|2026-11-22 14:03 UTC>"
ANA = Who(name="Ana Lima", chat_id="U0ANA")
OPS_12 = Link(label="OPS-12", url="https://jira.example/browse/OPS-12")

CHECKLIST = Checklist(
    title="First 5 minutes",
    tasks=(
        TaskLine(text="Confirm impact", state=TaskState.DONE, role="lead", link=None, why_skipped=""),
        TaskLine(
            text="List deploys",
            state=TaskState.OPEN,
            role=None,
            link="https://ci.example/deploys?a=1&b=2",
            why_skipped="",
        ),
        TaskLine(text="Call legal", state=TaskState.SKIPPED, role=None, link=None, why_skipped="not needed"),
    ),
    next_title="Stabilise",
    next_at=AT,
    occurrence=1,
)


def shown(drawn: Drawn) -> str:
    """Everything a reader sees, one block a paragraph."""
    return "\n".join("\n".join(texts(block)) for block in drawn.blocks)


def texts(block: dict[str, Any]) -> list[str]:
    parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
    return [part["text"] for part in parts if part]


def test_a_checklist_says_each_state_in_words_and_what_comes_next() -> None:
    drawn = render(CHECKLIST)
    assert drawn.text == f"Checklist First 5 minutes: 3 tasks, 1 to do. Next: Stabilise, {SHOWN_AT}."
    assert shown(drawn) == (
        "First 5 minutes\n"
        "☑ Confirm impact · lead · done\n"
        "☐ List deploys · to do · <https://ci.example/deploys?a=1&amp;b=2|open the page>\n"
        "⊘ Call legal · skipped: not needed\n"
        "2 of 3 done or skipped.\n"
        "Take a task by saying so here.\n"
        f"Next: Stabilise, {SHOWN_AT}."
    )


def test_a_checklist_that_comes_again_says_so_and_the_last_names_no_next() -> None:
    again = render(replace(CHECKLIST, occurrence=3, next_title=None, tasks=CHECKLIST.tasks[:1]))
    assert again.text == "Checklist First 5 minutes, round 3: 1 task, 0 to do."
    assert shown(again).endswith("☑ Confirm impact · lead · done\n1 of 1 done or skipped.")


def test_checklists_missed_while_away_are_one_digest() -> None:
    said = CaughtUp(missed=(("First 5 minutes", AT), ("Stabilise", AT)), tasks=CHECKLIST.tasks)
    drawn = render(said)
    assert drawn.text == ("2 checklists came due meanwhile: First 5 minutes, Stabilise. 1 task to do.")
    assert shown(drawn).startswith(
        "Came due meanwhile\n"
        f"• First 5 minutes, due {SHOWN_AT}\n• Stabilise, due {SHOWN_AT}\n"
        "☑ Confirm impact · lead · done\n"
    )
    assert shown(drawn).endswith("Take a task by saying so here.")
    assert shown(render(replace(said, tasks=()))).endswith("Nothing is left to do.")


def test_the_lead_call_names_the_lead_and_the_cx_lead_once_each() -> None:
    drawn = render(LeadCall(lead=ANA, ticket=OPS_12, cx_lead=Who(name="Cara", chat_id="U0CARA")))
    assert drawn.text == (
        "<@U0ANA>, you lead this incident. The ticket is "
        "<https://jira.example/browse/OPS-12|OPS-12>. If you cannot, say here who does. "
        "<@U0CARA>, please settle the severity: say here how bad it is for users."
    )
    assert shown(drawn).count("<@") == 2


def test_one_who_is_both_is_mentioned_once() -> None:
    drawn = render(LeadCall(lead=ANA, ticket=None, cx_lead=ANA))
    assert drawn.text == (
        "<@U0ANA>, you lead this incident. If you cannot, say here who does. "
        "Please settle the severity: say here how bad it is for users."
    )


def test_the_lead_call_without_a_ticket() -> None:
    assert shown(render(LeadCall(lead=Who(name="Ana"), ticket=None, cx_lead=None))) == (
        "Ana, you lead this incident. If you cannot, say here who does."
    )


def test_gaps_say_what_is_missing_and_then_that_it_is_mended() -> None:
    open_gap = render(Gaps(lines=("Jira does not answer. Write the ticket by hand.",), mended=()))
    assert open_gap.text == "Something is missing: Jira does not answer. Write the ticket by hand."
    assert shown(open_gap) == (
        "*Something is missing*\n"
        "• Jira does not answer. Write the ticket by hand.\n"
        "Multivac says here what becomes of it."
    )
    closed = render(Gaps(lines=(), mended=("The ticket is written.",)))
    assert closed.text == "Nothing is missing any more. The ticket is written."
    assert shown(closed) == "*Nothing is missing any more*\n✅ The ticket is written."


def test_a_proposed_resolution_asks_and_a_withdrawn_one_takes_it_back() -> None:
    said = ResolutionProposed(by="Bo Chen", at=AT, withdrawn=False)
    assert shown(render(said)) == (
        f"Bo Chen resolved the alert, {SHOWN_AT}.\n"
        "Is it over? Then say so here; else carry on. Nothing changes by itself."
    )
    ways = (Press(label="Resolve", line="INC-1 resolve"), Press(label="It goes on", line="INC-1 continue"))
    asked = render(replace(said, presses=ways, lead=ANA))
    assert "<@U0ANA>: Is it over? Press Resolve; else press It goes on." in asked.text
    assert [one["text"]["text"] for one in asked.blocks[-1]["elements"]] == ["Resolve", "It goes on"]
    assert render(replace(said, over=True)).text.endswith("It is over now.")
    assert render(replace(said, withdrawn=True)).text == (
        f"Bo Chen resolved the alert, {SHOWN_AT}. "
        "The alert came back before anybody agreed: the incident goes on."
    )


def test_a_resolution_of_many_alerts_says_that_it_was_the_last_of_them() -> None:
    said = ResolutionProposed(by="PagerDuty", at=AT, withdrawn=False, alerts=3)
    assert shown(render(said)).startswith(f"PagerDuty resolved the last of 3 alerts, {SHOWN_AT}.")


FINAL = [verb for verb in VERBS if verb.final]


@pytest.mark.parametrize("verb", FINAL, ids=lambda verb: verb.name)
def test_a_button_that_ends_or_hides_something_asks_first_wherever_it_is(verb: Verb) -> None:
    says = verb.example if verb.name not in ASKS else f"{verb.name} something"
    for said in (says, f"INC-1 {says}", f"INC-1 {verb.words[-1]} {says.partition(' ')[2]}".strip()):
        drawn = button(Press(label="Do it", line=said), 1)
        assert drawn["confirm"]["text"]["text"] == verb.help, said
    alone = button(Press(label="Do it", line=f"INC-1 {verb.name}"), 1)
    assert ("confirm" in alone) is (verb.name not in ASKS)  # else a form asks


def test_a_button_that_can_be_taken_back_asks_nothing() -> None:
    lines = [verb.example for verb in VERBS if not verb.final] + ["INC-1 ask resolve Rolled back"]
    assert not [one for one in lines if "confirm" in button(Press(label="Do it", line=one), 1)]


def test_a_change_is_one_quiet_line() -> None:
    drawn = render(ChangeLine(text="Severity is SEV2 now, was SEV3: more users than thought."))
    assert drawn.text == shown(drawn) == "Severity is SEV2 now, was SEV3: more users than thought."
    assert [block["type"] for block in drawn.blocks] == ["context"]


@pytest.mark.parametrize(
    ("every", "words"),
    [(1, "minute"), (30, "30 minutes"), (60, "hour"), (90, "90 minutes"), (120, "2 hours")],
)
def test_a_due_update_says_what_to_write_and_how_often(every: int, words: str) -> None:
    drawn = render(UpdateDue(due_at=AT, every=timedelta(minutes=every), lead=ANA))
    assert drawn.text == (
        f"An update for stakeholders was promised for {SHOWN_AT}. <@U0ANA>, please say here in two sentences "
        f"what users notice and what happens next. One is due every {words}."
    )
    nobody = render(UpdateDue(due_at=AT, every=timedelta(minutes=every), lead=None))
    assert "UTC>. Please say here" in nobody.text


def test_operators_are_told_what_is_wrong_and_what_to_do() -> None:
    drawn = render(OperatorNotice(what="The Slack token is revoked.", do="Install the app again."))
    assert drawn.text == (
        "Multivac needs its operators: The Slack token is revoked. What to do: Install the app again."
    )
    assert shown(drawn) == (
        "*Multivac needs its operators*\nThe Slack token is revoked.\n*What to do:* Install the app again."
    )


def test_outside_words_are_escaped_and_cannot_shout() -> None:
    assert line("a <!channel> & <@U1> @here @Everyone\n\x00\u202eb") == (
        "a &lt;!channel&gt; &amp; &lt;@U1&gt; @\u2060here @\u2060Everyone b"
    )
    assert plain("<!here> & x", 100) == "\u2039!here\u203a & x"
    assert prose(" one \r\n\n\n\n two\ttabs ") == "one\n\ntwo tabs"
    assert line("@\x00here \ud800 lone") == "@\u2060here lone"


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("a&b&c", 8, "a&amp;b…"),
        ("ab cdef", 4, "ab…"),
        ("👍👍", 3, "👍…"),
    ],
)
def test_a_cut_never_halves_an_entity(text: str, limit: int, cut: str) -> None:
    assert line(text, limit) == cut


@pytest.mark.parametrize(
    ("url", "drawn"),
    [
        ("https://x.example/a|b>c<d e", "<https://x.example/a%7Cb%3Ec%3Cd%20e|go>"),
        ("HTTP://x.example", "<HTTP://x.example|go>"),
        ("https://bücher.example/ü", "<https://bücher.example/ü|go>"),
        ("javascript:alert(1)", "go"),
        ("https:///nowhere", "go"),
        ("", "go"),
        ("https://x.example/" + "a" * 2000, "go"),
    ],
)
def test_links_go_to_the_web_or_are_words(url: str, drawn: str) -> None:
    assert link(Link(label="go", url=url)) == drawn


def test_a_label_cannot_break_its_link() -> None:
    assert link(Link(label="a|b>\nc", url="https://x.example")) == "<https://x.example|a¦b&gt; c>"
    assert link(Link(label=" ", url="https://x.example")) == "<https://x.example|link>"


def test_only_a_real_id_is_mentioned() -> None:
    assert person(Who(name="Ana", chat_id="!here")) == "Ana"
    assert person(Who(name="", chat_id=None)) == "somebody"
