"""Who somebody of the chat is: their e-mail, and so who they are at the other vendors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from multivac.errors import MultivacError, Refused
from multivac.incident import Person
from multivac.steps.base import Outside
from multivac.store import people as directory
from multivac.store.cases import Case
from multivac.tongue import mark, phrase

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Found:
    """Who somebody is, and whether they are a guest; who is not `sure` to be none is taken for one."""

    person: Person
    is_guest: bool
    sure: bool = True


def who_is(out: Outside, chat_id: str, name: str) -> tuple[Person, bool]:
    """The person with this id of the chat, and whether they are a guest; as `look_up`."""
    found = look_up(out, chat_id, name)
    return found.person, found.is_guest


def look_up(out: Outside, chat_id: str, name: str) -> Found:
    """Who has this id of the chat; if the chat does not answer, as we have met them, else the name alone.

    Who was met lately is not asked for; a guest always is, since what they may do depends on it.
    """
    now = out.clock.now()
    with out.database.read() as tx:
        known = directory.known_as(tx, "slack", chat_id)
    met = known and Found(out.complete(_person(chat_id, known.name or name, known.key)), is_guest=False)
    if met and known and now - known.checked_at < directory.LASTS:
        return met
    found = _ask(out, chat_id, name, now=now)
    return found if found.sure else met or found


def must_be_sure(found: Found) -> None:
    """Raise `Refused` where the chat does not say whether somebody is a guest."""
    if not found.sure:
        told = mark("Slack does not say at the moment who {name} is. Ask again in a minute.")
        raise Refused(phrase(told, name=found.person.name))


def in_channel(out: Outside, case: Case) -> dict[str, Person]:
    """Whoever is in the incident's channel, by their id in the chat, as far as we have met them."""
    with out.database.read() as tx:
        known = {one: directory.known_as(tx, "slack", one) for one, it in case.members.items() if it.is_here}
    return {
        one: out.complete(_person(one, met.name or one, met.key))
        for one, met in known.items()
        if met is not None
    }


def language_at(out: Outside, chat_id: str, *, at_once: bool = False) -> str | None:
    """In which language they read; None if nobody can say.

    Where we have not heard, the chat is asked, unless it is to be said `at_once`.
    """
    if (heard := _heard(out, chat_id)) is None and not at_once:
        _ask(out, chat_id, "", now=out.clock.now())
        heard = _heard(out, chat_id)
    return heard or None


def _heard(out: Outside, chat_id: str) -> str | None:
    with out.database.read() as tx:
        return directory.language_of(tx, "slack", chat_id)


def _person(chat_id: str, name: str, key: str) -> Person:
    return Person(name=name, slack=chat_id, email=key if "@" in key else None)


def _ask(out: Outside, chat_id: str, name: str, *, now: datetime) -> Found:
    nobody = Found(out.complete(Person(name=name or chat_id, slack=chat_id)), is_guest=True)
    try:
        found = out.chat.person(chat_id) if out.chat is not None else None
    except MultivacError as error:
        log.info("person not looked up", chat_id=chat_id, why=str(error))
        return replace(nobody, sure=False)
    if found is None:
        return nobody
    person = out.complete(Person(name=found.name, slack=chat_id, email=found.email))
    if not found.guest:
        met = directory.Identity(
            key=person.key,
            id=chat_id,
            name=found.name,
            active=found.active,
            checked_at=now,
            language=found.language,
        )
        out.database.write(lambda tx: directory.remember(tx, "slack", [met]))
    return Found(person, found.guest)
