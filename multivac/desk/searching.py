"""Finding an incident again by words that were in it."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from multivac.briefing import Answer, Press
from multivac.desk.asking import Reply, Sitting
from multivac.desk.looking import may_see_row, row_line
from multivac.errors import Refused
from multivac.store import acts, searching
from multivac.store.acts import Row
from multivac.tongue import phrase

_SHOWN = 10
_MOST_WORDS = 8
_LONGEST_LINE = 150


def search(sitting: Sitting) -> Reply:
    """The newest incidents that have all the words, only those that this person may know of."""
    words = list(dict.fromkeys(sitting.words.text.split()))[:_MOST_WORDS]
    if not words:
        raise Refused(phrase("Write words to look for: `/incident search payment timeout`."))
    with sitting.house.out.database.read() as tx:
        found = list(_seen(tx, sitting, words, most=_SHOWN + 1))
        told = [_told(tx, row, words) for row in found[:_SHOWN]]
    if not found:
        said = " ".join(words)
        none = phrase("No incident has all of this in its title, impact or timeline: {words}", words=said)
        return Answer(lines=(none,))
    lines = [line for lines in told for line in lines]
    if len(found) > _SHOWN:
        lines.append(phrase("There are older ones: add a word to find them."))
    presses = tuple(Press(label=f"INC-{row.number}", line=f"show INC-{row.number}") for row in found[:_SHOWN])
    return Answer(
        title=phrase("Incidents with “{words}”", words=" ".join(words)), lines=tuple(lines), presses=presses
    )


def _seen(tx: sa.Connection, sitting: Sitting, words: list[str], *, most: int) -> Iterator[Row]:
    for number in searching.by_words(tx, words):
        row = acts.row_of(tx, number)
        if may_see_row(tx, sitting, row):
            yield row
            most -= 1
        if most == 0:
            return


def _told(tx: sa.Connection, row: Row, words: list[str]) -> list[str]:
    """The incident, and the line of its timeline that has a word which the title has not."""
    missing = [word for word in words if word.lower() not in row.title.lower()]
    text = searching.entry_with(tx, row.number, missing) if missing else None
    return [row_line(row), *([f"    {_short(text)}"] if text else [])]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}…"
