"""What people are offered for a message that they marked: to publish it as an update, to declare it."""

from __future__ import annotations

import re

import structlog

from multivac.briefing import Answer, Press
from multivac.desk.asking import Reply, Sitting
from multivac.desk.names import stands
from multivac.errors import MultivacError, Refused
from multivac.ports import Posted
from multivac.steps.base import Outside, View
from multivac.steps.updates import reached
from multivac.tongue import listed, phrase
from multivac.verbs import as_words

log = structlog.get_logger()

BY_SIGN = "reaction"  # how it was asked
_LONGEST = 1500  # a button holds no more
_LONGEST_TITLE = 120
_MEANS = re.compile(r"private|drill|(?:service|impact):.+", re.IGNORECASE)  # in the line that the button says


def words_at(out: Outside, channel: str, message: str) -> str:
    """What is written there, on one line; nothing if it cannot be read."""
    try:
        said = out.chat.read(Posted(channel, message)) if out.chat is not None else None
    except MultivacError as error:
        log.info("marked message not read", channel=channel, why=str(error))
        return ""
    return " ".join(said.text.split()) if said is not None else ""


def offer_update(sitting: Sitting) -> Reply:
    """The words as they would be published, and the button that does it."""
    case, text = sitting.case(), _cut(sitting.ask.quoted, _LONGEST)
    if not case.status.is_open:
        raise Refused(
            phrase("{stands} Reopen it first, or write a note.", stands=stands(case.id, case.status))
        )
    places = reached(View(case=case, now=sitting.now, out=sitting.house.out))
    return Answer(
        title=phrase("Publish this as an update of INC-{number}?", number=case.id),
        lines=(
            text,
            *((phrase("It goes to {places}.", places=listed(tuple(places.values()))),) if places else ()),
        ),
        presses=(
            Press(label=phrase("Publish"), line=f"INC-{case.id} update {as_words(text)}", stands_out=True),
            Press(label=phrase("Write update"), line=f"INC-{case.id} update"),
        ),
    )


def offer_to_declare(sitting: Sitting) -> Reply:
    """The words as a title, and the button that declares it."""
    title = _cut(sitting.ask.quoted, _LONGEST_TITLE)
    words = as_words(title).split()
    line = " ".join(f'"{word}"' if _MEANS.fullmatch(word) else word for word in words)
    return Answer(
        lines=(phrase("Is this an incident? “{title}”", title=title),),
        presses=(
            Press(
                label=phrase("Declare?"),
                line=f"declare {line}",
                confirm=phrase("Declare it now? A channel opens, and people are invited."),
            ),
        ),
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
