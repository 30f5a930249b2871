"""What saying a line does at once, as far as the line itself says: for whoever draws it as a button. Pure."""

from __future__ import annotations

from multivac.verbs.grammar import Spoken, Words, read
from multivac.verbs.verb import Verb

# Said alone they ask for what they lack, in a form or, as a drill, by a list.
ASKS = frozenset(
    {
        "declare",
        "dismiss",
        "drill",
        "followup",
        "handover",
        "impact",
        "merge",
        "note",
        "page",
        "remind",
        "resolve",
        "roles",
        "severity",
        "split",
        "update",
    }
)


def opens_form(line: str) -> bool:
    """Whether the line only names its verb, or what it is about, and that verb then asks for more."""
    said = read(line)
    if isinstance(said, Spoken) and said.verb.name == "decline":
        return said.words.text.isdecimal()  # which it is, and not why
    if not isinstance(said, Spoken) or said.verb.name not in ASKS:
        return False
    words = said.words
    return words.message is not None or words == Words(number=words.number)


def irrevocable(line: str) -> Verb | None:
    """The verb of a line that does at once what cannot simply be taken back."""
    said = read(line)
    return said.verb if isinstance(said, Spoken) and said.verb.final and not opens_form(line) else None
