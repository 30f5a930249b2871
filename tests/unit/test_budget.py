"""Rate limits are kept, the worst incident goes first, and nobody waits for ever."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multivac.budget import Errand, Limiter, OwnTanks, Rate
from multivac.store import migrate
from multivac.store.database import Database
from multivac.store.tanks import SharedTanks

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CREATE = Rate(20, 20)
numbers = count()


class Hand:
    """A clock moved by hand, and a limiter that goes by it."""

    def __init__(self) -> None:
        self.now = NOON
        self.limiter = Limiter(OwnTanks(), lambda: self.now)

    def ask(self, errand: Errand | None, rate: Rate | None = CREATE) -> datetime | None:
        return self.limiter.ask("create", rate, errand)

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    migrate.upgrade(opened)
    yield opened
    opened.stop()


def errand(severity: int, *, who: str = "", since: datetime = NOON, matters: int = 0) -> Errand:
    return Errand(who=who or f"someone {next(numbers)}", severity=severity, matters=matters, since=since)


def served(hand: Hand, errands: list[Errand]) -> list[Errand]:
    """Let each come back at the time it was told until all were served; in the order of their service."""
    told = dict.fromkeys(errands, hand.now)
    order: list[Errand] = []
    while told:
        one = min(told, key=lambda each: told[each])
        hand.now = max(hand.now, told[one])
        at = hand.ask(one)
        if at is None:
            order.append(one)
            del told[one]
        else:
            assert at > hand.now
            told[one] = at
    return order


def test_a_fifth_is_kept_for_sev1_and_sev2() -> None:
    hand = Hand()
    assert [hand.ask(errand(4)) is None for _ in range(18)] == [True] * 16 + [False] * 2
    assert [hand.ask(errand(severity)) is None for severity in (1, 2, 1, 2, 1)] == [True] * 4 + [False]


def test_who_has_to_wait_is_told_a_time_at_which_the_call_may_be_made() -> None:
    hand = Hand()
    waiting = [errand(4, who=f"inc {number}") for number in range(20)]
    told = {one: at for one in waiting if (at := hand.ask(one)) is not None}
    assert len(told) == 4
    first = min(told, key=lambda one: told[one])
    hand.now = told[first]
    assert hand.ask(first) is None


def test_a_rate_that_is_cut_down_still_lets_everybody_through() -> None:
    hand = Hand()
    rate = Rate(60, 4).times(0.1)
    waiting = errand(5)
    assert hand.ask(waiting, rate) is None
    hand.pass_seconds(60)
    assert hand.ask(waiting, rate) is None


def test_the_worst_goes_first_and_among_equals_the_oldest() -> None:
    hand = Hand()
    for _ in range(16):
        hand.ask(errand(3))
    late = NOON + timedelta(seconds=1)
    waiting = [errand(5), errand(3, since=late), errand(4), errand(3)]
    order = served(hand, waiting)
    assert [(one.severity, one.since) for one in order] == [(3, NOON), (3, late), (4, NOON), (5, NOON)]


def test_the_oldest_still_moves_while_worse_ones_keep_coming() -> None:
    hand = Hand()
    for _ in range(20):
        hand.ask(errand(1))
    old = errand(5, since=NOON - timedelta(minutes=5))
    assert hand.ask(old) is not None
    for _ in range(40):
        hand.pass_seconds(3)
        if hand.ask(old) is None:
            return
        hand.ask(errand(1, since=hand.now))
        hand.ask(errand(1, since=hand.now))
    raise AssertionError("the oldest waited for ever")


def test_who_does_not_come_back_holds_up_nobody() -> None:
    hand = Hand()
    for _ in range(16):
        hand.ask(errand(3))
    gone, here = errand(3), errand(4)
    told = hand.ask(gone)
    assert told is not None
    assert hand.ask(here) is not None
    hand.now = told + timedelta(seconds=6)
    assert hand.ask(here) is None


def test_a_refusal_of_the_vendors_holds_everybody_back_for_as_long_as_it_says() -> None:
    hand = Hand()
    hand.limiter.shut("create", timedelta(seconds=30))
    assert hand.ask(errand(1)) == NOON + timedelta(seconds=30)
    assert hand.ask(errand(1), rate=None) == NOON + timedelta(seconds=30)
    hand.pass_seconds(30)
    assert hand.ask(errand(1), rate=None) is None


def test_what_is_asked_for_nobodys_sake_is_counted_and_never_put_off() -> None:
    hand = Hand()
    assert [hand.ask(None) for _ in range(30)] == [None] * 30
    assert hand.ask(errand(1)) is not None


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    hand = Hand()
    for _ in range(20):
        hand.ask(errand(1))
    hand.limiter.shut("create", timedelta(seconds=60))
    hand.pass_seconds(-3600)
    waiting = errand(1)
    hand.ask(waiting)
    hand.pass_seconds(10)
    assert hand.ask(waiting) is None


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 20)), max_size=120))
def test_never_more_calls_than_the_vendor_allows(asked: list[tuple[int, float]]) -> None:
    hand, made = Hand(), list[datetime]()
    for severity, pause in asked:
        hand.pass_seconds(pause)
        if hand.ask(errand(severity, since=hand.now)) is None:
            made.append(hand.now)
    for first, at in enumerate(made):
        for last, end in enumerate(made[first:], first + 1):
            assert last - first <= CREATE.burst + (end - at).total_seconds() * CREATE.per_minute / 60 + 1e-6


def test_replicas_keep_one_budget_and_heed_each_others_refusals(database: Database) -> None:
    limiters = [Limiter(SharedTanks(database), lambda: NOON) for _ in range(2)]
    allowed = [limiters[turn % 2].ask("create", CREATE, errand(4)) is None for turn in range(40)]
    assert sum(allowed) == 16
    limiters[0].shut("post", timedelta(seconds=30))
    assert limiters[1].ask("post", CREATE, errand(1)) == NOON + timedelta(seconds=30)
