"""Phases of a checklist: when they are due, also when clocks change, and what their conditions mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multivac.playbook import CONDITIONS, Phase, holds

DECLARED = datetime(2026, 11, 22, 14, 0, 0, 123456, tzinfo=UTC)


def phase(**parts: Any) -> Phase:
    return Phase.model_validate(
        {"phase": "look", "title": "Look", "at": "0m", "tasks": [{"id": "look", "text": "Look"}], **parts}
    )


def minutes(due: tuple[datetime, ...]) -> list[float]:
    return [(each - DECLARED) / timedelta(minutes=1) for each in due]


def test_a_phase_is_due_once_from_its_time_on() -> None:
    once = phase(at="10m")
    due = DECLARED + timedelta(minutes=10)
    assert once.due_times(DECLARED, due - timedelta(microseconds=1)) == ()
    assert once.due_times(DECLARED, due) == once.due_times(DECLARED, due + timedelta(days=9)) == (due,)
    assert once.next_due(DECLARED, DECLARED) == due
    assert once.next_due(DECLARED, due) is None


def test_a_repeated_phase_is_due_again_and_again() -> None:
    again = phase(at="20m", repeat={"every": "10m"})
    now = DECLARED + timedelta(minutes=45)
    assert minutes(again.due_times(DECLARED, now)) == [20, 30, 40]
    assert minutes(again.due_times(DECLARED, now, since=DECLARED + timedelta(minutes=30))) == [40]
    assert again.next_due(DECLARED, now) == DECLARED + timedelta(minutes=50)


def test_a_repetition_ends_after_as_many_times_as_it_says() -> None:
    thrice = phase(at="5m", repeat={"every": "5m", "at_most": 3})
    assert minutes(thrice.due_times(DECLARED, DECLARED + timedelta(days=1))) == [5, 10, 15]
    assert thrice.next_due(DECLARED, DECLARED + timedelta(minutes=15)) is None
    daily = phase(repeat={"cron": "0 9 * * *", "at_most": 2})
    assert len(daily.due_times(DECLARED, DECLARED + timedelta(days=30))) == 2
    assert daily.next_due(DECLARED, DECLARED + timedelta(days=2)) is None


rhythms = st.sampled_from(
    [
        {"every": "1m"},
        {"every": "7m"},
        {"cron": "*/20 * * * *"},
        {"cron": "30 2 * * *"},
        {"cron": "0,30 1-3 * * *"},
    ]
)


def within(first: date, last: date) -> st.SearchStrategy[datetime]:
    """Moments between two midnights in UTC; hypothesis wants them without a zone, and adds it."""
    begin, end = (datetime.combine(day, time()) for day in (first, last))
    return st.datetimes(begin, end, timezones=st.just(UTC))


# Both nights in which clocks are set.
moments = within(date(2026, 10, 24), date(2026, 10, 26)) | within(date(2027, 3, 27), date(2027, 3, 29))


@given(rhythms, moments, st.integers(0, 3000), st.integers(0, 600))
def test_one_after_another_gives_the_same_as_all_at_once(
    rhythm: dict[str, str], declared: datetime, passed: int, more: int
) -> None:
    zone = {"zone": "Europe/Berlin"} if "cron" in rhythm else {}
    tested = phase(repeat={**rhythm, **zone})
    since = declared + timedelta(minutes=passed)
    now = since + timedelta(minutes=more)
    whole = tested.due_times(declared, now)
    assert list(whole) == sorted(set(whole))
    assert tested.due_times(declared, now, since=since) == tuple(due for due in whole if due > since)
    following = tested.next_due(declared, since)
    assert following is not None
    assert following == next((due for due in whole if due > since), following) > since


BERLIN = ZoneInfo("Europe/Berlin")


def local(year: int, month: int, day: int, *time: int) -> datetime:
    hour, minute = time
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize("asked_at", [local(2027, 3, 28, 0, 0), local(2027, 3, 28, 3, 10)])
def test_a_time_that_the_clock_skips_comes_once_and_later(asked_at: datetime) -> None:
    nightly = phase(repeat={"cron": "30 2 * * *", "zone": "Europe/Berlin"})
    declared, now = local(2027, 3, 26, 12, 0), local(2027, 3, 29, 12, 0)
    assert nightly.next_due(declared, asked_at) == local(2027, 3, 28, 3, 30)
    assert nightly.due_times(declared, now) == (
        local(2027, 3, 27, 2, 30),
        local(2027, 3, 28, 3, 30),
        local(2027, 3, 29, 2, 30),
    )


def test_a_time_that_the_clock_shows_twice_comes_once() -> None:
    nightly = phase(repeat={"cron": "30 2 * * *", "zone": "Europe/Berlin"})
    due = nightly.due_times(local(2026, 10, 24, 12, 0), local(2026, 10, 26, 12, 0))
    assert due == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC))
    assert nightly.next_due(local(2026, 10, 24, 12, 0), due[0]) == due[1]


def test_a_cron_time_stays_on_the_wall_clock_of_its_zone() -> None:
    morning = phase(at="1h", repeat={"cron": "0 9 * * mon-fri", "zone": "Europe/Berlin"})
    due = morning.due_times(local(2026, 10, 22, 8, 30), local(2026, 10, 26, 12, 0))
    assert due == (local(2026, 10, 23, 9, 0), local(2026, 10, 26, 9, 0))


def test_asking_what_is_due_stays_cheap_in_a_long_incident() -> None:
    again = phase(repeat={"every": "1m"})
    began = perf_counter()
    for day in range(200):
        again.due_times(
            DECLARED, DECLARED + timedelta(days=day), since=DECLARED + timedelta(days=day, minutes=-5)
        )
    assert perf_counter() - began < 0.5


def test_all_of_when_must_hold_and_any_of_unless_skips() -> None:
    tested = phase(when=["active", "lead"], unless=["bridge", "mitigated"])
    assert tested.applies(frozenset({"active", "lead", "ticket"}))
    assert not tested.applies(frozenset({"active"}))
    assert not tested.applies(frozenset({"active", "lead", "bridge"}))
    assert holds((), frozenset())
    assert not holds(("unheard of",), frozenset(CONDITIONS))


def test_a_task_is_done_by_facts_only_if_it_says_so() -> None:
    plain, told = phase(
        tasks=[{"id": "a", "text": "A"}, {"id": "b", "text": "B", "done_when": ["ticket"]}]
    ).tasks
    assert not plain.is_done(frozenset(CONDITIONS))
    assert told.is_done(frozenset({"ticket"}))
    assert not told.is_done(frozenset())


def test_a_link_is_safe_for_any_service_name() -> None:
    task = phase(tasks=[{"id": "a", "text": "A", "link": "https://x.example/{service}?n={number}"}]).tasks[0]
    assert (
        task.link_for(number=7, service="a/b {number}&<")
        == "https://x.example/a%2Fb%20%7Bnumber%7D%26%3C?n=7"
    )
    assert task.link_for(number=7, service=None) is None
