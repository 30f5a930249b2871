"""Links that people add to an incident: dashboards, documents, the change that caused it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import sqlalchemy as sa

from multivac.briefing import Answer
from multivac.desk.asking import Change, Reply, Sitting
from multivac.errors import Refused
from multivac.incident import EntryKind
from multivac.steps.links import links_of
from multivac.store import sayings
from multivac.store.cases import Case
from multivac.store.sayings import SayingKind
from multivac.tongue import mark, phrase, written

_MOST = 10
_LONGEST = 1000
_LONGEST_LABEL = 60
_GONE = "none"
_ADDRESS = re.compile(r"[(<]?https?://", re.IGNORECASE)


def link(sitting: Sitting) -> Reply:
    """Add a link, give it another label, or (label "none") take it away; without a word show them."""
    words = sitting.words.text.split()
    if not words:
        return _list(sitting.case())
    at = next((at for at, one in enumerate(words) if _ADDRESS.match(one)), 0)
    address = words[at].removesuffix(")") if words[at].startswith("(") else words[at]
    address = _checked(address.lstrip("(<").removesuffix(">"))
    others = [*words[:at], *words[at + 1 :]]  # what is a link already has its label in front
    label = " ".join(others)[:_LONGEST_LABEL]
    if label == _GONE:
        return _take_away(sitting, address)
    name = label or (urlsplit(address).hostname or address)

    def add(tx: sa.Connection, case: Case) -> Change:
        known = links_of(case)
        if address not in known and len(known) >= _MOST:
            told = phrase(
                "There are {most} links already. Take one away first: `/incident link <address> none`.",
                most=_MOST,
            )
            raise Refused(told)
        return _keep(tx, sitting, case, address=address, label=name)

    return sitting.change(add)


def _take_away(sitting: Sitting, address: str) -> Reply:
    def take(tx: sa.Connection, case: Case) -> Change:
        if address not in links_of(case):
            raise Refused(phrase("No such link is here. `/incident link` shows those that are."))
        return _keep(tx, sitting, case, address=address, label="")

    return sitting.change(take)


def _keep(tx: sa.Connection, sitting: Sitting, case: Case, *, address: str, label: str) -> Change:
    """Keep the link, or without a label that it was taken away."""
    said, line = (
        phrase("The headline does not link it any more."),
        mark("{name} took away the link {address}"),
    )
    if label:
        said = phrase("The headline links it now, as “{label}”.", label=label)
        line = mark("{name} added the link {label}: {address}")
    name, before = sitting.person.name, links_of(case).get(address)
    more = {"url": address}
    sayings.add(tx, case.id, kind=SayingKind.LINK, text=label, by=name, at=sitting.now, more=more)
    entry = written(line, name=name, label=label, address=address)
    return Change(said=said, kind=EntryKind.NOTE, entry=entry, before=before, after=label or None)


def _checked(address: str) -> str:
    """The address, if it is one of the web. Raises `Refused`."""
    try:
        parts = urlsplit(address)
        is_of_the_web = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
        is_open = parts.username is None and parts.password is None
    except ValueError:
        is_of_the_web = is_open = False
    if not is_of_the_web or len(address) > _LONGEST:
        told = phrase(
            "“{said}” is no address of the web. Write it as https://…, then a label.", said=address[:100]
        )
        raise Refused(told)
    if not is_open:
        raise Refused(phrase("The address holds a user or a password, which everybody here would read."))
    return address


def _list(case: Case) -> Answer:
    known = links_of(case)
    if not known:
        return Answer(
            lines=(
                phrase(
                    "INC-{number} has no links yet. Write `/incident link https://… Dashboard`.",
                    number=case.id,
                ),
            )
        )
    lines = tuple(f"{label}: {address}" for address, label in known.items())
    return Answer(title=phrase("Links of INC-{number}", number=case.id), lines=lines)
