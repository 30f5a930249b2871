"""Flags: `--name=value` is another way to write the bare token `name:value`, and is read as that. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multivac.verbs.verb import Part, Verb

# What each part can be said by, each with a value that works; in the order in which people are told of them.
_FLAGS: Mapping[Part, tuple[str, ...]] = {
    Part.SEVERITY: ("--severity=sev1",),
    Part.FLAGS: ("--private", "--drill"),
    Part.REACH: ("--service=payments", '--impact="Nobody can pay"'),
    Part.WHEN: ("--in=20m", "--every=15m"),
    Part.AT: ("--at=14:05",),
    Part.OPTIONS: ("--until=resolved", "--after=10m", "--escalate=@bo", "--then=page", "--when=resolved"),
    Part.HARM: ("--customers=no",),
    Part.DUE: ("--due=2026-12-04",),
    Part.NEXT: ("--next=15m",),
}
_ALSO = {"sev": "severity", "services": "service"}
# Words, in which what stands in quotes or backticks is not taken apart.
_PIECE = re.compile(r'(?:"[^"]*"|`[^`]*`|\S)+')
# A phone makes a long dash of two short ones.
_TOKEN = re.compile(r"(--|—)?([a-z][a-z-]*)(?:[=:](.*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One word of a line as it is read; `typed` is what stood there, where that was a flag."""

    word: str
    typed: str = ""


def flags_of(verb: Verb) -> tuple[str, ...]:
    """The flags of a verb, each as it may be typed."""
    return tuple(one for part, said in _FLAGS.items() if part in verb.takes for one in said)


def names_of(part: Part) -> tuple[str, ...]:
    """What the flags of this part are called."""
    return tuple(one.removeprefix("--").partition("=")[0] for one in _FLAGS.get(part, ()))


def as_words(text: str) -> str:
    """The text with backticks around whatever would be read as a flag."""
    return " ".join(f"`{one}`" if one.startswith("--") else one for one in _PIECE.findall(text))


def pieces(verb: Verb, words: Sequence[str]) -> list[Piece]:
    """The words with each flag as its bare token; a flag that the verb does not have stays as it was typed.

    What stands in quotes or backticks is no flag, and the words of a verb whose words are a line are its.
    """
    if Part.LINE in verb.takes:
        return [Piece(one) for one in words]
    names = {name for part in verb.takes for name in names_of(part)}
    return [piece for typed in _PIECE.findall(" ".join(words)) for piece in _read(typed.strip(), names=names)]


def _read(typed: str, *, names: set[str]) -> list[Piece]:
    token = _TOKEN.fullmatch(typed)
    dashes, name, value = token.groups("") if token else ("", "", "")
    name = _ALSO.get(name.lower(), name.lower())
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    said = value[1:-1] if is_quoted else value
    if name in names and (dashes or is_quoted) and '"' not in said:  # a quote that nothing ends may go on
        return [Piece(_bare(name, said), typed if dashes else "")]
    is_strange = dashes == "--"  # a long dash may begin any word
    return [Piece(typed, typed)] if is_strange else [Piece(one) for one in typed.split()]


def _bare(name: str, value: str) -> str:
    if name == "severity":
        return f"sev{value.lower().removeprefix('sev')}"
    return f"{name}:{value}" if value else name
