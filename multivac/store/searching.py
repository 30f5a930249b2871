"""Incidents by words: of the title, the impact, or any entry of the timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.tables import entry, incident

_LOOKED_AT = 5000  # the newest incidents: what is older than these is looked for in an export
_PAGE = 50


def by_words(tx: sa.Connection, words: Sequence[str]) -> Iterator[IncidentId]:
    """The incidents that have every one of these words somewhere, the newest first, as they are asked for."""
    newest = sa.select(incident.c.id).order_by(incident.c.id.desc()).limit(_LOOKED_AT).subquery()
    oldest = sa.select(sa.func.min(newest.c.id)).scalar_subquery()
    found = sa.select(incident.c.id).where(incident.c.id >= oldest, *map(_has, words))
    before = sa.bindparam("before", type_=sa.Integer)
    page = found.where(incident.c.id < before).order_by(incident.c.id.desc()).limit(_PAGE)
    last = 2**31 - 1
    while True:
        numbers = tx.scalars(page, {"before": last}).all()
        yield from map(IncidentId, numbers)
        if len(numbers) < _PAGE:
            return
        last = numbers[-1]


def entry_with(tx: sa.Connection, number: IncidentId, words: Sequence[str]) -> str | None:
    """The newest line of the timeline that has one of these words; None where only title or impact have."""
    its = (entry.c.incident == number, entry.c.retracted_at.is_(None))
    found = sa.select(entry.c.text).where(*its, sa.or_(*(_is_in(entry.c.text, word) for word in words)))
    text: str | None = tx.scalar(found.order_by(entry.c.at.desc(), entry.c.id.desc()).limit(1))
    return text


def _has(word: str) -> sa.ColumnElement[bool]:
    told = (
        sa.select(entry.c.id)
        .where(entry.c.incident == incident.c.id, entry.c.retracted_at.is_(None), _is_in(entry.c.text, word))
        .exists()
    )
    return sa.or_(_is_in(incident.c.title, word), _is_in(incident.c.impact, word), told)


def _is_in(column: sa.Column[str], word: str) -> sa.ColumnElement[bool]:
    # SQLite folds the case of ASCII letters alone, so that other ways to write the word are tried too.
    spelt = {word, word.lower(), word.upper(), word.capitalize()}
    return sa.or_(*(column.icontains(one, autoescape=True) for one in sorted(spelt)))
