"""The name of a service or a policy at the head of somebody's words."""

from __future__ import annotations

import re

from multivac.errors import MultivacError
from multivac.ports import Pager
from multivac.verbs import Words

_LONGEST = 5  # words
_QUOTED = re.compile(r"""(["'])(.+?)\1(?=\s|$)""")


def team_first(pager: Pager | None, words: Words) -> tuple[str, str]:
    """The service or policy that the words begin with, and what follows it.

    It is in quotes, or the longest name that the pager has; else one word, for the pager to be asked later.
    """
    if words.quoted:
        return words.text, ""
    if (named := _QUOTED.match(words.text)) is not None:
        return named[2].strip(), words.text[named.end() :].strip()
    said = words.text.split()
    try:
        many = _named(pager, said) if pager is not None and len(said) > 1 else 1
    except MultivacError:
        many = 1
    return " ".join(said[:many]), " ".join(said[many:])


def _named(pager: Pager, said: list[str]) -> int:
    """Of how many of the words the longest name is that is there exactly so."""
    begins = [" ".join(said[:many]) for many in range(min(len(said), _LONGEST), 0, -1)]
    known = _names(pager, said[0])
    if (found := next((one for one in begins if one.casefold() in known), None)) is None:
        found = next((one for one in begins[:-1] if one.casefold() in _names(pager, one)), said[0])
    return len(found.split())


def _names(pager: Pager, name: str) -> frozenset[str]:
    """What is called so or has it in its name."""
    found = pager.policies_of_service(name).values()
    return frozenset(one.casefold() for names in found for one in names.split(", "))
