"""In which language something is said: `phrase` for whoever reads it, `written` for what is kept.

Every text that people read is written here in English, as gettext has it: one whole sentence with named
gaps, `phrase("{name} is the lead now.", name=...)`. What fills a gap is never translated, nor read as a
template. `pybabel` finds the texts by these functions' names (`make locales`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from importlib import resources
from io import BytesIO
from typing import Literal

from babel.core import Locale
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from babel.units import format_unit

ENGLISH = "en"
PSEUDO = "en-XA"  # every text made longer and marked, to see what is not translatable or does not fit
LANGUAGES = (ENGLISH, "de", "ja", "ko")

_READER: ContextVar[str | None] = ContextVar("reader", default=None)
_house = [ENGLISH]  # of this process: one daemon serves one workspace


def settle_on(language: str) -> None:
    """Make this the house's: of channels, timelines and tickets, and of whoever has no other."""
    _house[0] = language


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Speak to whoever reads this language, within; None is for those of whom we do not know it."""
    token = _READER.set(language)
    try:
        yield
    finally:
        _READER.reset(token)


def phrase(text: str, /, **gaps: object) -> str:
    """The text in the reader's language, its named gaps filled."""
    return _filled(reader(), text, gaps)


def plural(one: str, many: str, count: int, /, **gaps: object) -> str:
    """As `phrase`, by the reader's plural rule; the gap {count} is filled by itself."""
    language = reader()
    if language == PSEUDO:
        return _pseudo(one if count == 1 else many).format(count=count, **gaps)
    return _catalog(language).ngettext(one, many, count).format(count=count, **gaps)


def written(text: str, /, **gaps: object) -> str:
    """As `phrase`, in the language of the house: for the timeline, the channel, the other vendors."""
    return _filled(_house[0], text, gaps)


def mark(text: str) -> str:
    """The text as it is: to be found by translators where it stands, and said later by `phrase`."""
    return text


def listed(parts: Sequence[str], *, style: Literal["standard", "or", "unit"] = "standard") -> str:
    """The parts in a row, as the reader's language joins them: "a, b and c"."""
    return format_list(list(parts), style=style, locale=_locale())


def lasting(span: timedelta) -> str:
    """How long something takes or took, in words and not too exactly: "1 hour, 30 minutes"."""
    hours, minutes = divmod(max(int(span.total_seconds() // 60), 0), 60)
    days, hours = divmod(hours, 24)
    parts = [
        format_unit(count, f"duration-{unit}", locale=_locale())
        for count, unit in ((days, "day"), (hours, "hour"), (minutes, "minute"))
        if count
    ]
    if not parts:
        return phrase("less than a minute")
    said = listed(parts[:2], style="unit")
    return _pseudo(said) if reader() == PSEUDO else said


def any_of(parts: Iterable[str]) -> str:
    """The parts, of which one is meant, in a row: "a or b or c"; "" if there are none."""
    row = list(parts)
    joined = row[0] if row else ""
    for other in row[1:]:
        joined = phrase("{these} or {other}", these=joined, other=other)
    return joined


def called(language: str) -> str:
    """What those who speak a language call it."""
    return str(Locale(language).get_display_name(language)).capitalize()


def reader() -> str:
    """The language in which `phrase` speaks now."""
    return _READER.get() or _house[0]


def _locale() -> str:
    return ENGLISH if reader() == PSEUDO else reader()


def language_of(locale: str | None) -> str | None:
    """The language of a chat's locale such as de-DE; None for one that we do not speak."""
    short = (locale or "").replace("_", "-").partition("-")[0].lower()
    return locale if locale == PSEUDO else short if short in LANGUAGES else None


def _filled(language: str, text: str, gaps: dict[str, object]) -> str:
    if not text:
        return ""  # to gettext the empty text is the catalog's header
    said = _pseudo(text) if language == PSEUDO else _catalog(language).gettext(text)
    return said.format(**gaps) if gaps else said


@functools.cache
def _catalog(language: str) -> Translations:
    """The texts of a language, read once when it is first spoken; those of English are empty."""
    if language == ENGLISH:
        return Translations()
    source = resources.files("multivac.locales").joinpath(f"{language}.po")
    with source.open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


_LETTERS = str.maketrans("aeiouycnsAEIOUCNS", "àéîöûýçñšÀÉÎÖÛÇÑŠ")
_GAPS = re.compile(r"(\{[^}]*\}|`[^`]*`)")  # names of gaps, and words of the grammar, stay as they are


@functools.cache
def _pseudo(text: str) -> str:
    """The text as a language would have it that needs four tenths more room."""
    parts = _GAPS.split(text)
    plain = "".join(part if at % 2 else part.translate(_LETTERS) for at, part in enumerate(parts))
    return f"⟦{plain}{'~' * max(1, len(text) * 4 // 10)}⟧"
