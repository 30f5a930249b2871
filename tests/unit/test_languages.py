"""Every text that people read is there in every language, with the same gaps in it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from multivac import tongue
from multivac.tongue import (
    ENGLISH,
    LANGUAGES,
    PSEUDO,
    lasting,
    listed,
    phrase,
    plural,
    settle_on,
    speaking,
    written,
)

_ROOT = Path(__file__).parents[2]
_KEYWORDS = {"phrase": None, "written": None, "mark": None, "plural": (1, 2)}
_GAP = re.compile(r"\{[^}]*\}")
_ELSEWHERE = tuple(language for language in LANGUAGES if language != ENGLISH)


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    settle_on(ENGLISH)


@cache
def _said() -> frozenset[str | tuple[str, ...]]:
    """Every text in the code, as `make locales` finds it; the try-out speaks English to whoever tries it."""
    found = set()
    for folder in ("multivac", "integrations/slack", "integrations/jira", "integrations/pagerduty"):
        for file, _, text, *_ in extract_from_dir(_ROOT / folder, keywords=_KEYWORDS, comment_tags=()):
            if not file.startswith("demo/"):
                found.add(text)
    return frozenset(found)


@cache
def _catalog(language: str) -> Catalog:
    with (_ROOT / f"multivac/locales/{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def _messages(language: str) -> list[Message]:
    return [message for message in _catalog(language) if message.id]


def _both(text: str | Iterable[str] | None) -> tuple[str, ...]:
    return (text or "",) if text is None or isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("language", _ELSEWHERE)
def test_every_text_is_translated_and_no_translation_is_left_over(language: str) -> None:
    there = {m.id if isinstance(m.id, str) else tuple(m.id) for m in _messages(language) if not m.fuzzy}
    done = {
        m.id if isinstance(m.id, str) else tuple(m.id) for m in _messages(language) if all(_both(m.string))
    }
    assert sorted(map(str, _said() - done)) == [], "run `make locales`, then translate what is empty"
    assert sorted(map(str, there - _said())) == [], "run `make locales`: these are said no more"


@pytest.mark.parametrize("language", _ELSEWHERE)
def test_a_translation_has_the_gaps_of_its_text(language: str) -> None:
    for message in _messages(language):
        gaps = Counter(_GAP.findall(_both(message.id)[-1]))
        for string in _both(message.string):
            missing = gaps - Counter(_GAP.findall(string))
            assert not Counter(_GAP.findall(string)) - gaps, (message.id, string)
            assert set(missing) <= {"{count}"}, (message.id, string)


def test_a_reader_is_answered_in_their_language_and_the_house_keeps_its_own() -> None:
    settle_on(PSEUDO)
    with speaking(ENGLISH):
        assert phrase("Settle the severity") == "Settle the severity"
        assert written("Settle the severity") == "⟦Šéttlé thé šévérîtý~~~~~~~⟧"
    assert phrase("Settle the severity").startswith("⟦")


def test_what_fills_a_gap_is_never_read_as_a_template() -> None:
    hostile = "{0.__class__} {name} %s"
    assert phrase("{name} leads.", name=hostile) == f"{hostile} leads."
    with speaking(PSEUDO):
        assert hostile in phrase("{name} leads.", name=hostile)


def test_other_threads_do_not_hear_to_whom_this_one_speaks() -> None:
    heard: list[str] = []
    with speaking("de"):
        thread = threading.Thread(target=lambda: heard.append(tongue.reader()))
        thread.start()
        thread.join()
    assert heard == [ENGLISH]


def test_a_list_is_joined_as_the_language_does() -> None:
    assert listed(["a", "b", "c"]) == "a, b, and c"
    with speaking("de"):
        assert listed(["a", "b", "c"]) == "a, b und c"


def test_a_count_chooses_its_form() -> None:
    assert plural("{count} alert", "{count} alerts", 1) == "1 alert"
    assert plural("{count} alert", "{count} alerts", 3) == "3 alerts"


@pytest.mark.parametrize(
    ("locale", "language"),
    [("de-DE", "de"), ("ja-JP", "ja"), ("en-GB", "en"), ("fr-FR", None), (None, None), ("en-XA", "en-XA")],
)
def test_a_chats_locale_names_a_language_that_we_speak(locale: str | None, language: str | None) -> None:
    assert tongue.language_of(locale) == language


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "1 hour, 30 minutes"),
        ("de", "1 Stunde, 30 Minuten"),
        ("ja", "1 時間 30 分"),
        ("ko", "1시간 30분"),
    ],
)
def test_how_long_something_takes_is_said_in_words_of_the_language(language: str, said: str) -> None:
    with speaking(language):
        assert lasting(timedelta(minutes=90)) == said


def test_how_long_something_takes_is_said_no_more_exactly_than_anybody_cares() -> None:
    assert lasting(timedelta(days=3, hours=2, minutes=5)) == "3 days, 2 hours"
    assert lasting(timedelta(seconds=30)) == lasting(timedelta(seconds=-30)) == "less than a minute"
    with speaking(PSEUDO):
        assert lasting(timedelta(days=3)) == "⟦3 dàýš~~⟧"
