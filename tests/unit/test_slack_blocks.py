"""What messages look like in Slack, that they fit its limits, and that no title can shout."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from integrations.slack.blocks import render
from integrations.slack.pieces import Drawn, button
from integrations.slack.text import line, link, person, plain, prose
from multivac.briefing import (
    Announcement,
    CaughtUp,
    ChangeLine,
    Checklist,
    Gaps,
    Headline,
    Held,
    LatestUpdate,
    LeadCall,
    Link,
    Message,
    OperatorNotice,
    Press,
    ResolutionProposed,
    StormLine,
    StormNotice,
    TaskLine,
    UpdateDue,
    Who,
)
from multivac.incident import Bridge, Severity, Status, TaskState
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


# Properties: whatever comes from outside, the result is quiet, well-formed and within the limits.

loud = st.sampled_from(
    [
        "<!here>",
        "<@U0EVIL>",
        "<#C0EVIL>",
        "<http://evil.example|x>",
        "@channel",
        "@here",
        "&lt;!here&gt;",
        "|>",
    ]
)
outside = st.lists(st.one_of(loud, st.text(max_size=12), st.just("x" * 10_000)), max_size=5).map("".join)
people = st.builds(Who, name=outside, chat_id=st.sampled_from([None, "U0ANA", "<!here>"]))
links = st.builds(Link, label=outside, url=st.one_of(outside, outside.map("https://x.example/".__add__)))
moments = st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
several = st.lists(outside, max_size=70).map(tuple)
tasks = st.lists(
    st.builds(
        TaskLine,
        text=outside,
        state=st.sampled_from(TaskState),
        role=st.none() | outside,
        link=st.none() | links.map(lambda made: made.url),
        why_skipped=outside,
    ),
    max_size=70,
).map(tuple)
updates = st.none() | st.builds(LatestUpdate, text=outside, by=outside, at=moments)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        Headline,
        number=st.integers(1, 10**9),
        title=outside,
        severity=st.sampled_from(Severity),
        status=st.sampled_from(Status),
        started_at=moments,
        services=several,
        lead=st.none() | people,
        roles=st.lists(st.builds(Held, role=outside, who=people), max_size=30).map(tuple),
        update=updates,
        ticket=st.none() | links,
        alerts=st.lists(links, max_size=70).map(tuple),
        bridge=st.none() | st.builds(Bridge, url=st.none() | outside, phone=st.none() | outside),
        responders=several,
        on_call_as_of=st.none() | moments,
        next_update_due=st.none() | moments,
        summary=outside,
    ),
    st.builds(
        Announcement,
        number=st.integers(1, 10**9),
        title=outside,
        severity=st.sampled_from(Severity),
        status=st.sampled_from(Status),
        started_at=moments,
        lead=st.none() | people,
        channel=outside,
        impact=outside,
        update=updates,
        fixed_by=outside,
        ended_at=st.none() | moments,
    ),
    st.builds(
        Checklist,
        title=outside,
        tasks=tasks,
        next_title=st.none() | outside,
        next_at=st.none() | moments,
        occurrence=st.integers(1, 99),
    ),
    st.builds(CaughtUp, missed=st.lists(st.tuples(outside, moments), max_size=70).map(tuple), tasks=tasks),
    st.builds(LeadCall, lead=people, ticket=st.none() | links, cx_lead=st.none() | people),
    st.builds(Gaps, lines=several, mended=several),
    st.builds(ResolutionProposed, by=outside, at=moments, withdrawn=st.booleans()),
    st.builds(ChangeLine, text=outside),
    st.builds(
        UpdateDue,
        due_at=moments,
        every=st.timedeltas(min_value=timedelta(0)),
        lead=st.none() | people,
    ),
    st.builds(OperatorNotice, what=outside, do=outside),
    st.builds(
        StormNotice,
        since=moments,
        over_at=st.none() | moments,
        worst=st.lists(st.builds(StormLine, title=outside, channel=outside), max_size=12).map(tuple),
        every=st.timedeltas(min_value=timedelta(0)),
    ),
)
LIMIT = {"header": 150, "section": 3000, "context": 3000}
OURS = re.compile(
    r"<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[\d-]+ [\d:]+ UTC>"
    r"|<@U0ANA>|<#[CG][A-Z0-9]+>|<https?://[^<>|\s]+\|[^<>|\n]+>"
)


@given(messages)
def test_whatever_is_said_fits_and_is_quiet(message: Message) -> None:
    holds(message)


def holds(message: Message) -> None:
    """A message as Slack takes it, and without anything active but our own markup."""
    drawn = render(message)
    assert 1 <= len(drawn.blocks) <= 50
    assert len({block["block_id"] for block in drawn.blocks}) == len(drawn.blocks)
    assert all(len(block["block_id"]) <= 255 for block in drawn.blocks)
    for block in drawn.blocks:
        fits(block)
        as_the_sdk_knows_it = Block.parse(block)
        assert as_the_sdk_knows_it is not None
        as_the_sdk_knows_it.validate_json()
    assert sum(len(text) for block in drawn.blocks for text in texts(block)) <= 12_000
    assert 1 <= len(drawn.text) <= 4_000
    for text in [drawn.text, *(text for block in drawn.blocks for text in texts(block))]:
        quiet(text)
    json.dumps(drawn.blocks, ensure_ascii=False).encode()


def fits(block: dict[str, Any]) -> None:
    assert len(block.get("fields", [])) <= 10
    assert len(block.get("elements", [])) <= 10
    assert all(1 <= len(field["text"]) <= 2000 for field in block.get("fields", []))
    assert all(1 <= len(text) <= LIMIT[block["type"]] for text in texts(block))


def quiet(text: str) -> None:
    """Nothing active is left once our own markup is taken out."""
    rest = OURS.sub("", text)
    assert "<" not in rest
    assert ">" not in rest
    assert not re.search("@(here|channel|everyone|group)", rest, re.IGNORECASE)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


@given(outside, st.integers(1, 4000))
def test_no_text_grows_beyond_its_limit(text: str, limit: int) -> None:
    for made in (line(text, limit), prose(text, limit), plain(text, limit)):
        assert len(made) <= limit
        assert "<" not in made
        assert not re.search("@(here|channel|everyone)", made, re.IGNORECASE)


@given(links)
def test_every_link_is_well_formed_or_no_link(made: Link) -> None:
    drawn = link(made)
    assert "<" not in drawn or OURS.fullmatch(drawn)
