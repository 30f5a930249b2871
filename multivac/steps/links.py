"""The links that people added to an incident, as they stand now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from multivac.store.cases import Case
from multivac.store.sayings import SayingKind


def links_of(case: Case) -> Mapping[str, str]:
    """Each address with its label, in the order in which they were first added."""
    found: dict[str, str] = {}
    for one in case.said(SayingKind.LINK):
        address = str(one.more["url"])
        if one.text:
            found[address] = one.text
        else:
            found.pop(address, None)
    return found
