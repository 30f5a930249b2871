"""Whatever comes from outside, in any field of anything we say: it is quiet, well-formed, within the limits.

What is said is made from the fields of its own class, so that no field and no new message is left out.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from integrations.sandbox.slack_blocks import MOST_IN_VIEW, checked_blocks
from integrations.slack.blocks import draw_home, render
from integrations.slack.forms import draw_form
from integrations.slack.text import line, link, plain, prose
from multivac.briefing import Answer, Asked, Field, Form, Home, Link, Message, Press, Reminding, TaskLine, Who

LOUD = (
    "<!here>",
    "<!channel>",
    "<!subteam^S0EVIL>",
    "<@U0EVIL>",
    "<#C0EVIL>",
    "<#C0EVIL12>",
    "<http://evil.example|x>",
    "@channel",
    "@here",
    "&lt;!here&gt;",
    "|>",
    "<t:1795356180>",
    "<d:1>" * 250,
    "https://evil.slack.com/archives/C1/p1",
    "x" * 4_000,
)
OURS = re.compile(
    r"<!date\^-?\d+\^(\{date_short_pretty\} )?\{time\}\|([\d-]+ )?[\d:]+ UTC>"
    r"|<@U0ANA>|<!subteam\^S0SRE>|<#[CG][A-Z0-9]+>|<https?://[^<>|\s]+\|[^<>|\n]+>"
)

outside = st.lists(st.sampled_from(LOUD) | st.text(max_size=12), max_size=5).map("".join)
named = outside.map("It: ".__add__)  # where some of the words are ours
links = st.one_of(outside, outside.map("https://x.example/".__add__))
grammar = st.sampled_from(("INC-1 lead me", "INC-1 resolve", "INC-1 task done 7", "help"))


def field(name: str, kind: Asked, label: str, hint: str, named: list[str], filled: str) -> Field:
    """A field as the desk makes it: with choices where there is something to choose."""
    chosen = kind in {Asked.CHOICE, Asked.TICKS}
    choices = tuple((str(place), each) for place, each in enumerate(named)) if chosen else ()
    given = ("0",) if chosen else {Asked.LINE: (filled,), Asked.PROSE: (filled,)}.get(kind, ())
    return Field(name=name, label=label, kind=kind, hint=hint, choices=choices, filled=given)


asked = st.builds(
    field,
    st.uuids().map(str),
    st.sampled_from(Asked),
    named,
    st.just("") | named,
    st.lists(named, min_size=1, max_size=9),
    outside,
)

PLAIN: Mapping[type, st.SearchStrategy[Any]] = {
    str: outside,
    bool: st.booleans(),
    int: st.integers(0, 10**9),
    datetime: st.datetimes(min_value=datetime(1990, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - it adds the zone
    timedelta: st.timedeltas(min_value=timedelta(0)),
}
# What is not from outside, by our own classes; and of which there are never more.
GIVEN: Mapping[tuple[type, str], st.SearchStrategy[Any]] = {
    (Who, "chat_id"): st.sampled_from((None, "U0ANA", "S0SRE", "<!here>", "U0<!here>")),
    (Link, "url"): links,
    (TaskLine, "link"): st.none() | links,
    (Press, "line"): grammar,
    (Press, "label"): named,
    (Press, "confirm"): st.sampled_from(("", "Is it <!here>?")),
    (Answer, "lines"): st.lists(named, min_size=1, max_size=40).map(tuple),
    (Reminding, "told"): st.lists(named, max_size=9).map(tuple),
    (Form, "line"): grammar,
    (Form, "title"): named,
    (Form, "send"): named,
    (Form, "intro"): st.lists(named, max_size=5).map(tuple),
    (Form, "kept"): st.just(()),
    (Form, "as_of"): st.just(""),
    (Form, "fields"): st.lists(asked, min_size=1, max_size=8).map(tuple),
}
MOST = {Press: 5, Answer: 3, TaskLine: 30}


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Every value of a type that is made of our dataclasses."""
    match get_origin(kind), get_args(kind):
        case _ if kind in PLAIN:
            return PLAIN[kind]
        case origin, (each, last) if origin is tuple and last is ...:
            return st.lists(anything(each), max_size=MOST.get(each, 20)).map(tuple)
        case origin, each if origin is tuple:
            return st.tuples(*map(anything, each))
        case _, (_, *_) as each:
            return st.one_of(*map(anything, each))
    return made_of_fields(kind) if is_dataclass(kind) else one_of_few(kind)


def made_of_fields(kind: Any) -> st.SearchStrategy[Any]:
    known = get_type_hints(kind)
    names = [one.name for one in fields(kind)]
    made = {name: GIVEN[kind, name] for name in names if (kind, name) in GIVEN}
    return st.builds(kind, **{name: anything(known[name]) for name in names if name not in made}, **made)


def one_of_few(kind: Any) -> st.SearchStrategy[Any]:
    if kind is type(None):
        return st.none()
    assert issubclass(kind, Enum), f"of what is {kind} made?"
    return st.sampled_from(kind)


@pytest.mark.parametrize("kind", get_args(Message), ids=lambda kind: kind.__name__)
@settings(max_examples=30)
@given(st.data())
def test_whatever_is_said_fits_and_is_quiet(kind: type, data: st.DataObject) -> None:
    drawn = render(data.draw(anything(kind)))
    assert 1 <= len(drawn.text) <= 4_000
    quiet(drawn.text)
    holds(drawn.blocks)
    assert len({block["block_id"] for block in drawn.blocks}) == len(drawn.blocks)


@settings(max_examples=30)
@given(anything(Form))
def test_whatever_is_asked_in_a_form_fits_and_is_quiet(form: Form) -> None:
    view = draw_form(form, channel="C0INC1")
    View(**view).validate_json()
    for part in ("title", "submit", "close"):
        assert 1 <= len(view[part]["text"]) <= 24
        quiet(view[part]["text"])
    holds(view["blocks"], most=MOST_IN_VIEW)


@settings(max_examples=30)
@given(anything(Home))
def test_whatever_somebodys_own_page_shows_fits_and_is_quiet(home: Home) -> None:
    holds(draw_home(home)["blocks"], most=MOST_IN_VIEW)


def holds(blocks: list[dict[str, Any]], *, most: int = 50) -> None:
    """Blocks that Slack takes, and without anything active but our own markup."""
    checked_blocks(blocks, most=most)
    for block in blocks:
        as_the_sdk_knows_it = Block.parse(block)
        assert as_the_sdk_knows_it is not None
        as_the_sdk_knows_it.validate_json()
    for text in texts(blocks):
        quiet(text)
    json.dumps(blocks, ensure_ascii=False).encode()


def texts(part: Any) -> Iterator[str]:
    """Every text object in it: those of buttons, menus, and what is asked before one is pressed, too."""
    if isinstance(part, list):
        for each in part:
            yield from texts(each)
    elif isinstance(part, dict):
        if part.get("type") in {"mrkdwn", "plain_text"}:
            yield part["text"]
        for each in part.values():
            yield from texts(each)


def quiet(text: str) -> None:
    """Nothing active is left once our own markup is taken out."""
    rest = OURS.sub("", text)
    assert "<" not in rest
    assert ">" not in rest
    assert not re.search("@(here|channel|everyone|group)", rest, re.IGNORECASE)
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("made", [line, prose, plain])
@given(outside, st.integers(1, 4000))
def test_no_text_grows_beyond_its_limit(made: Callable[[str, int], str], text: str, limit: int) -> None:
    safe = made(text, limit)
    assert len(safe) <= limit
    assert "<" not in safe
    assert not re.search("@(here|channel|everyone)", safe, re.IGNORECASE)


@given(anything(Link))
def test_every_link_is_well_formed_or_no_link(made: Link) -> None:
    drawn = link(made)
    assert "<" not in drawn or OURS.fullmatch(drawn)
