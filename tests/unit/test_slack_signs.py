"""What people do to messages is told from what Slack, bots and we ourselves do to them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.slack.signs import read_sign
from integrations.slack.text import typed, words
from multivac.desk import Deed

TS = "1700000000.000100"
KEEPS = {"pushpin": "note", "ballot_box_with_check": "task"}
OURS = [{"user_id": "U0BOT", "is_bot": True}]


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"event_id": "Ev1", "authorizations": OURS, "event": {"type": kind, **more}}


def reaction(name: str, user: str = "U0ANA") -> dict[str, Any]:
    item = {"type": "message", "channel": "C0INC", "ts": TS}
    return event("reaction_added", reaction=name, user=user, item=item)


def edit(before: str, after: str, **more: Any) -> dict[str, Any]:
    old, new = {"text": before, "ts": TS, "user": "U0ANA"}, {"text": after, "user": "U0ANA", **more}
    return event("message", subtype="message_changed", channel="C0INC", message=new, previous_message=old)


def test_a_reaction_says_what_to_keep_in_whatever_skin_colour() -> None:
    sign = read_sign(reaction("pushpin::skin-tone-2"), KEEPS)
    assert sign is not None
    assert (sign.request, sign.by, sign.channel, sign.message) == ("event:Ev1", "U0ANA", "C0INC", TS)
    assert (sign.deed, sign.kind, sign.via) == (Deed.KEEP, "note", "reaction")
    task = read_sign(reaction("ballot_box_with_check"), KEEPS)
    assert task is not None
    assert task.kind == "task"


@pytest.mark.parametrize(
    "body",
    [
        reaction("heart"),
        reaction("pushpin", user="U0BOT"),
        event("pin_added", user="U0BOT", item={"channel": "C0INC", "message": {"ts": TS}}),
        event("pin_added", user="U0ANA", item={"type": "file"}),
        edit("a", "a"),
        edit("a", "b", bot_id="B0"),
        event("message", text="hello", user="U0ANA"),
        event("message", text="hello", user="U0ANA", ts=TS, thread_ts=TS),
        event("message", text="hello", user="U0BOT", ts="1700000001.000100", thread_ts=TS),
        event("message", text="hello", bot_id="B0", ts="1700000001.000100", thread_ts=TS),
        event("reaction_removed", reaction="white_check_mark", user="U0ANA", item={"ts": TS}),
        {"event": None},
    ],
)
def test_what_is_nothing_to_us_is_no_sign(body: dict[str, Any]) -> None:
    assert read_sign(body, KEEPS) is None


def test_a_tick_and_a_word_in_its_thread_answer_a_message() -> None:
    tick = read_sign(reaction("white_check_mark"), KEEPS)
    said = event("message", text="done", user="U0ANA", channel="C0INC", ts="1700000001.000100", thread_ts=TS)
    reply = read_sign(said, KEEPS)
    assert tick is not None
    assert reply is not None
    assert (tick.deed, tick.message, tick.via) == (Deed.ANSWER, TS, "reaction")
    assert (reply.deed, reply.message, reply.via) == (Deed.ANSWER, TS, "reply")


def test_an_edit_is_told_by_its_words() -> None:
    sign = read_sign(edit("a", "b"), KEEPS)
    assert sign is not None
    assert (sign.deed, sign.message) == (Deed.EDIT, TS)


def test_what_was_written_is_read_as_plain_text() -> None:
    link = "<https://x.example|x> <https://y.example>"
    said = f"<@U0ANA> in <#C0|ops>: {link} <!here> <!date^1^{{time}}|1 o'clock> &lt;b&gt;"
    assert words(said) == "@U0ANA in #ops: x (https://x.example) https://y.example @here 1 o'clock <b>"


def test_what_was_typed_is_read_as_typed_and_a_mention_stays_one() -> None:
    links = "<http://x.example|x.example> <mailto:a@x.example|a@x.example>"
    said = f"lead <@U0ANA|ana b> &gt; <!subteam^S0|@sre> <#C0|ops> <#C1|> {links}"
    assert typed(said) == "lead <@U0ANA> > <!subteam^S0|@sre> #ops <#C1> http://x.example a@x.example"
    assert typed("&amp;lt;!here&amp;gt; &lt;@U0ANA&gt;") == "&lt;!here&gt; <@U0ANA>"


@given(st.text())
def test_whatever_was_written_can_be_read(text: str) -> None:
    words(text)


@given(st.text())
def test_whatever_was_typed_reads_as_typed(text: str) -> None:
    assert typed(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")) == text
