"""Durations as operators write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multivac.values import parse_duration, say_duration


@given(st.integers(0, 10**8))
def test_a_duration_reads_back_as_it_was_written(seconds: int) -> None:
    assert parse_duration(say_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), (0, 0), ("0s", 0), ("1h 30m", 5400)],
)
def test_durations_have_units(written: object, seconds: int) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written", [30, "30", "", "m", "10 minutes", "-5m", "30m1h", True, None, "9" * 30 + "d", "1.5h"]
)
def test_anything_else_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match=r"duration|ten years"):
        parse_duration(written)
