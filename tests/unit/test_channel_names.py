"""Names of incident channels: what Slack accepts, whatever the title is made of."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multivac.playbook import Playbook, with_suffix

DECLARED = datetime(2026, 11, 22, 14, 0, 0, 123456, tzinfo=UTC)

HOSTILE = [
    "x" * 10_000,
    "\x00\x07\x1b[31m",
    "<!channel> <@U123> &lt;",
    "\u202eabc\u2066",
    "🔥🔥🔥",
    "データベース障害",
    "-_-_-",
    "",
    "{number}{title}{service}",
]


def is_slack_name(name: str) -> bool:
    return re.fullmatch(r"[a-z0-9_-]{1,79}", name) is not None and name.strip("-_") == name


def named(template: str, title: str, *, number: int = 42, service: str | None = "Checkout API") -> str:
    book = Playbook.model_validate({"name": "tested", "channel": {"name": template}})
    return book.channel_name(number=number, title=title, service=service, opened_at=DECLARED)


templates = st.sampled_from(
    [
        "inc-{number}-{title}",
        "{number}",
        "{service}-{number}",
        "{title}-{service}-{number}-{date}",
        "Inc {number}: {title}!",
    ]
)


@given(
    templates,
    st.text() | st.sampled_from(HOSTILE),
    st.none() | st.text(),
    st.integers(1, 10**15),
    st.integers(0, 2000),
)
def test_any_title_gives_a_name_that_slack_accepts_and_that_holds_the_number(
    template: str, title: str, service: str | None, number: int, attempt: int
) -> None:
    name = named(template, title, number=number, service=service)
    assert is_slack_name(name)
    assert str(number) in name
    again = with_suffix(name, attempt)
    assert is_slack_name(again)
    assert str(number) in again
    assert (again == name) is (attempt == 0)


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_give_valid_names(title: str) -> None:
    assert is_slack_name(named("inc-{number}-{title}", title))
    assert named("inc-{number}-{title}", title).startswith("inc-42")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("checkout returns 500", "inc-42-checkout-returns-500"),
        ("Größe überläuft: Łódź can't ship", "inc-42-grosse-uberlauft-lodz-cant-ship"),
        ("<!channel> DB down", "inc-42-channel-db-down"),
        ("🔥", "inc-42"),
        ("word " * 30, "inc-42" + "-word" * 13),
    ],
)
def test_names_read_well(title: str, expected: str) -> None:
    assert named("inc-{number}-{title}", title) == expected


def test_service_and_date_may_be_part_of_the_name() -> None:
    assert named("inc-{number}-{service}-{date}", "ignored") == "inc-42-checkout-api-20261122"
    assert named("inc-{number}-{service}-{title}", "down", service=None) == "inc-42-down"


def test_a_taken_name_gets_the_next_number() -> None:
    assert [with_suffix("inc-42", attempt) for attempt in range(3)] == ["inc-42", "inc-42-2", "inc-42-3"]
    assert with_suffix("a" * 79, 1) == "a" * 77 + "-2"
