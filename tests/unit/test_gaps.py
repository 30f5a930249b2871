"""What is said of what is missing, and of what is now so."""

from __future__ import annotations

from multivac.steps import gaps, mended

_SAID_APART = {"page"}  # in a message of its own


def test_whatever_can_be_missing_has_a_sentence_for_when_it_is_there() -> None:
    assert set(gaps._WORDS) - _SAID_APART == set(mended._SENTENCES) | set(mended._RULES)
