"""What somebody wrote as others read it: whoever is mentioned in it is called by their name."""

from __future__ import annotations

import re
from dataclasses import replace

from multivac.desk.asking import Sitting
from multivac.desk.people import who_is
from multivac.steps.base import Outside
from multivac.verbs import Part

_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|@?([^<>]*))?>")


def spelt(out: Outside, text: str) -> str:
    """The text with names for the chat's ids; who cannot be looked up now keeps the id."""
    named = _PERSON.sub(lambda found: f"@{who_is(out, found[1], '')[0].name}", text)
    return _GROUP.sub(lambda found: f"@{found[2] or found[1]}", named)


def spelt_out(sitting: Sitting) -> Sitting:
    """The request with names in whatever it says besides what its verb acts on."""
    if Part.LINE in sitting.verb.takes:
        return sitting
    out, words, ask = sitting.house.out, sitting.words, sitting.ask
    return replace(
        sitting,
        words=replace(words, text=spelt(out, words.text)),
        ask=replace(ask, quoted=spelt(out, ask.quoted)),
    )
