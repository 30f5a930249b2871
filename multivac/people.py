"""Who is who: maps a person's PagerDuty, Slack and Jira identities where their e-mail cannot.

The composition root loads the map once; whoever meets a person lets it complete what is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from multivac.errors import BadConfig, Finding
from multivac.incident import Person
from multivac.reading import fit, read_yaml
from multivac.values import Email, Strict, wrong

# Ids come first: they name one account for good, while an e-mail may be an alias of another.
_IDENTITIES = ("pagerduty", "slack", "jira", "email")


def _slack_id(text: str) -> str:
    if not (text[:1] in {"U", "W"} and text.isalnum() and text.isupper()):
        raise wrong(
            f"is {text!r}, which is no member id.", "Write U and what follows: Profile, ..., Copy member ID."
        )
    return text


def _phone(text: str) -> str:
    if not re.fullmatch(r"\+?[0-9][0-9 ()/-]{2,30}", text):
        raise wrong(f"is {text!r}, which is no phone number.", "Write it like +31 20 123 4567.")
    return text


Identity = Annotated[str, Field(min_length=1, max_length=200)]
Phone = Annotated[str, AfterValidator(_phone)]


class Mapped(Strict):
    """One person of the map."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="How people call them.")
    email: Email | None = Field(None, description="Their e-mail, as Slack knows it.")
    pagerduty: Identity | None = Field(None, description="Their PagerDuty user id, such as PAB12CD.")
    slack: Annotated[Identity, AfterValidator(_slack_id)] | None = Field(
        None, description="Their Slack member id, such as U012AB3CD."
    )
    jira: Identity | None = Field(None, description="Their account id (Cloud) or user name (Data Center).")

    phone: Phone | None = Field(None, description="Whom to ring when a page cannot be sent.")

    def identities(self) -> Iterator[tuple[str, str]]:
        """The kinds of identity that are known, and each in the form by which it is compared."""
        return identities_of(self)


def identities_of(person: Person | Mapped) -> Iterator[tuple[str, str]]:
    """Yield each known identity as kind and value; an e-mail's case does not count."""
    for kind in _IDENTITIES:
        known = getattr(person, kind)
        if known:
            yield kind, known.lower() if kind == "email" else known


class People:
    """The map of people; one that is empty completes nobody."""

    def __init__(self, mapped: Iterable[Mapped] = ()) -> None:
        self._mapped = tuple(mapped)
        self._by_identity = {identity: entry for entry in self._mapped for identity in entry.identities()}

    def complete(self, person: Person) -> Person:
        """The person with every identity that the map adds; where both know one, the map is right.

        So the same human gets the same key whichever vendor named them.
        """
        entry = self._entry(person)
        if entry is None:
            return person
        known = {kind: getattr(entry, kind) for kind in _IDENTITIES if getattr(entry, kind)}
        name = entry.name if person.name in {"", person.email} else person.name
        return replace(person, name=name, **known)

    def phone_of(self, person: Person) -> str | None:
        """The number of the person, if the map has one."""
        entry = self._entry(person)
        return entry.phone if entry is not None else None

    def _entry(self, person: Person) -> Mapped | None:
        return next(
            (self._by_identity[each] for each in identities_of(person) if each in self._by_identity), None
        )

    def __iter__(self) -> Iterator[Person]:
        """Everybody in the map, as it is written."""
        return (Person(**entry.model_dump(exclude={"phone"})) for entry in self._mapped)

    def __len__(self) -> int:
        return len(self._mapped)


def load_people(path: Path) -> People:
    """Return the map in the file at `path`; raises `BadConfig` with every mistake."""
    written: Any = read_yaml(path) or []
    entries = fit(tuple[Mapped, ...], written, where=lambda key: f"{path.name}: {key}" if key else path.name)
    findings = [*_useless(entries, path.name), *_duplicates(entries, path.name)]
    if findings:
        raise BadConfig(*findings)
    return People(entries)


def _useless(entries: tuple[Mapped, ...], file: str) -> Iterator[Finding]:
    for place, entry in enumerate(entries):
        if not any(entry.identities()):
            yield Finding(
                f"{file}: {place}", f"says nothing of {entry.name}.", "Write email, pagerduty, slack or jira."
            )


def _duplicates(entries: tuple[Mapped, ...], file: str) -> Iterator[Finding]:
    first: dict[tuple[str, str], int] = {}
    for place, entry in enumerate(entries):
        for kind, value in entry.identities():
            other = first.setdefault((kind, value), place)
            if other != place:
                why = f"is {value!r}, as is {other}.{kind} ({entries[other].name})."
                yield Finding(f"{file}: {place}.{kind}", why, "Keep one, or make one entry of both.")
