"""Whether customers were hit, as whoever resolved the incident said. Pure."""

from __future__ import annotations

from multivac.incident import Status
from multivac.store.cases import Case
from multivac.store.sayings import Saying, SayingKind
from multivac.tongue import mark, phrase

NO, UNKNOWN = "no", "unknown"
SAID = {
    "yes": mark("Customers were hit."),
    NO: mark("No customer was hit."),
    UNKNOWN: mark("It is not known yet whether customers were hit."),
}


def told(end: Saying) -> str:
    """A sentence on it, of a change that ended the incident; "" if nobody said."""
    said = end.more.get("customers")
    return phrase(SAID[said]) if said in SAID else ""


def answer(case: Case) -> str | None:
    """What was said of them when it was resolved last, a key of `SAID`; None if nobody said."""
    resolved = [one for one in case.said(SayingKind.CHANGE) if one.more.get("after") == Status.RESOLVED]
    return resolved[-1].more.get("customers") if resolved else None
