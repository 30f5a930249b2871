"""Titles of one cause read alike once what differs is taken out."""

import time

import pytest

from multivac.playbook import gist


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Disk of db-1.example.com at 91%", "disk of db-7.example.com at 100 %"),
        ("[FIRING:1] HighLatency checkout 2026-03-02T12:00:00Z", "[FIRING:12] HighLatency checkout"),
        ("Timeout calling https://pay.example.com/v2?id=7", "Timeout calling https://bank.example.com/x"),
        ("Pod web-7f9c4d-x2x1 restarts", "Pod web-1a2b3c-y9z8 restarts"),
        (
            "Job 550e8400-e29b-41d4-a716-446655440000 failed",
            "JOB 6ba7b810-9dad-11d1-80b4-00c04fd430c8 FAILED",
        ),
    ],
)
def test_what_differs_between_alerts_of_one_cause_does_not_count(one: str, other: str) -> None:
    assert gist(one) == gist(other) is not None


@pytest.mark.parametrize("title", ["", "500", "Alert", "Alert #17", "2026-03-02 12:00", "???"])
def test_a_title_with_too_few_words_is_like_no_other(title: str) -> None:
    assert gist(title) is None


def test_different_words_are_different() -> None:
    assert gist("Checkout is slow") != gist("Search is slow")


def test_no_title_takes_long() -> None:
    began = time.perf_counter()
    for nasty in ("a" * 100_000, "a." * 50_000, "a-" * 50_000 + "!", "://" * 30_000, "@" * 100_000):
        gist(nasty)
    assert time.perf_counter() - began < 0.5
