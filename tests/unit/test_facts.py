"""What an alert's events add up to does not depend on the order in which they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multivac.incident import Bridge, Facts, Person, Prioritised
from multivac.store.facts import facts_of, forget_acknowledgement, merge

START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ANA = Person(name="Ana", pagerduty="PANA")
BO = Person(name="Bo", email="bo@example.com")

texts = st.none() | st.text(max_size=5)
facts = st.builds(
    Facts,
    title=texts,
    status=st.none() | st.sampled_from(["triggered", "acknowledged", "resolved"]),
    priority=texts,
    prioritised=st.none()
    | st.builds(Prioritised, by=st.just(ANA), priority=st.text(max_size=2), at=st.just(START)),
    service_name=texts,
    assignees=st.none() | st.lists(st.sampled_from([ANA, BO]), max_size=2).map(tuple),
    bridge=st.none() | st.builds(Bridge, url=texts),
    acknowledged_at=st.none() | st.just(START),
)


def _added_up(told: list[tuple[int, Facts]]) -> Facts:
    known = "{}"
    for minute, said in told:
        known = merge(known, said, START + timedelta(minutes=minute))
    return facts_of(known)


@given(st.lists(facts, min_size=1, max_size=4))
def test_the_order_of_delivery_does_not_matter(said: list[Facts]) -> None:
    told = list(enumerate(said))
    assert len({repr(_added_up(list(order))) for order in permutations(told)}) == 1


@given(facts)
def test_what_was_said_is_what_is_known(said: Facts) -> None:
    assert _added_up([(0, said)]) == said


def test_an_event_that_does_not_speak_of_a_fact_leaves_it() -> None:
    assert _added_up([(0, Facts(title="Disk full")), (1, Facts(status="resolved"))]).title == "Disk full"


def test_a_fact_of_a_newer_release_is_passed_over() -> None:
    assert facts_of('{"title": ["Slow", "2026"], "unheard_of": [1, "2026"]}') == Facts(title="Slow")


def test_a_late_event_does_not_undo_a_newer_one() -> None:
    assert _added_up([(5, Facts(status="resolved")), (2, Facts(status="acknowledged"))]).status == "resolved"


def test_of_two_events_of_the_same_instant_the_one_that_came_last_counts() -> None:
    assert _added_up([(1, Facts(status="triggered")), (1, Facts(status="resolved"))]).status == "resolved"


def test_responders_only_grow_and_each_is_listed_once() -> None:
    told = [(1, Facts(responders=(ANA,))), (0, Facts(responders=(BO,))), (2, Facts(responders=(ANA,)))]
    assert _added_up(told).responders == (ANA, BO)


@pytest.mark.parametrize(("minute", "stays"), [(1, False), (-1, True)], ids=["a newer one", "an older one"])
def test_an_unacknowledgement_takes_back_what_came_before_it(minute: int, *, stays: bool) -> None:
    known = merge("{}", Facts(acknowledged_by=ANA), START)
    known = forget_acknowledgement(known, START + timedelta(minutes=minute))
    assert (facts_of(known).acknowledged_by == ANA) is stays
