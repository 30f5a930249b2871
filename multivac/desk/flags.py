"""Flags that a verb does not have, or cannot read: nothing is done until it is clear what they are."""

from __future__ import annotations

import re

from multivac.briefing import Answer, Press
from multivac.desk.asking import Sitting
from multivac.tongue import phrase
from multivac.verbs import Verb, flags_of

# The verbs that keep words, in which somebody may quote a command with flags of its own.
_KEEPS_WORDS = re.compile(
    "declare|continue|decline|dismiss|followup|handover|impact|link|mitigate|note|page|rename|remind|reopen|"
    "resolve|search|severity|task|update"
)


def not_understood(sitting: Sitting) -> Answer:
    """Which flags are strange and which there are; they are kept as words if whoever typed them says so."""
    strange, verb = sitting.words.strange, sitting.verb
    if not _KEEPS_WORDS.fullmatch(verb.name):
        return Answer(lines=(told_of(verb, strange),))
    line = sitting.ask.line
    for one in strange:
        line = line.replace(one, f"`{one}`", 1)
    keep = Press(label=phrase("Keep it as words"), line=line)
    return Answer(lines=(told_of(verb, strange),), presses=(keep,))


def told_of(verb: Verb, strange: tuple[str, ...]) -> str:
    """That nothing was done, and what the verb takes instead."""
    known = " ".join(f"`{one}`" for one in flags_of(verb))
    said = " ".join(f"`{one}`" for one in strange)
    if not known:
        return phrase(
            "“{verb}” has no flags, so {said} says nothing to me. Nothing was done.",
            verb=verb.name,
            said=said,
        )
    return phrase(
        "I do not understand {said}. Nothing was done. “{verb}” has these flags: {flags}",
        said=said,
        verb=verb.name,
        flags=known,
    )
