"""Bringing others in: people, the members of a user group, and those on call for a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from multivac.desk.asking import Change, Reply, Sitting
from multivac.desk.escalating import on_call_for
from multivac.desk.meant import met
from multivac.desk.names import channel_link, reopen_first
from multivac.errors import MultivacError, Refused
from multivac.incident import EntryKind, Person
from multivac.store import members
from multivac.store.cases import Case
from multivac.tongue import phrase, plural, written

_MOST = 30  # at once: more is an announcement
_JOINS = frozenset({"and", "&"})


@dataclass(slots=True)
class _Wanted:
    """Whom to bring in, by their id in the chat, and those who cannot be, in a sentence each."""

    known: dict[str, Person] = field(default_factory=dict)
    not_found: list[str] = field(default_factory=list)


def invite(sitting: Sitting) -> Reply:
    """Have those who are mentioned invited: people, groups, or who is on call for a service.

    A group counts as it is now: who is put into it later is not brought in, who is taken out stays.
    """
    words = sitting.words
    if not (words.people or words.groups or words.text):
        told = phrase("Say whom to bring in: `/incident invite @bo`, a user group, or a service.")
        raise Refused(told)
    case = sitting.case()
    if not case.status.is_open:
        raise Refused(reopen_first(case.id, case.status))
    wanted = _wanted(sitting)

    def ask(tx: sa.Connection, case: Case) -> Change:
        fresh = [
            person.name
            for one, person in wanted.known.items()
            if members.ask_for(tx, case.id, one, by=sitting.ask.by, at=sitting.now)
        ]
        return _invited(sitting, case, wanted, fresh=fresh)

    return sitting.change(ask)


def _invited(sitting: Sitting, case: Case, wanted: _Wanted, *, fresh: Sequence[str]) -> Change:
    names = ", ".join(fresh)
    told = [_they_are_invited(case, names)] if fresh else []
    if wanted.known and not fresh:
        told = [phrase("They are in the channel already.")]
    said = "\n".join([*told, *wanted.not_found])
    if not fresh:
        return Change(said=said)
    entry = written("{name} asks for {names}", name=sitting.person.name, names=names)
    return Change(said=said, kind=EntryKind.PEOPLE, entry=entry, after=names)


def _they_are_invited(case: Case, names: str) -> str:
    if case.channel_id is None:
        return phrase("Invited into its channel as soon as that is open: {names}.", names=names)
    return phrase("Invited into {channel}: {names}.", channel=channel_link(case.channel_id), names=names)


def _wanted(sitting: Sitting) -> _Wanted:
    """Everybody who is meant. Raises `Refused` for a guest who is named, and for too many."""
    wanted = _Wanted()
    for one in sitting.words.people:
        wanted.known[one] = _person(sitting, one)
    in_groups = dict.fromkeys(
        one for group in sitting.words.groups for one in _members(sitting, group, wanted)
    )
    _must_be_few(len({*wanted.known, *in_groups}))
    for one in in_groups:
        person, is_guest = met(sitting, one)
        if is_guest:
            wanted.not_found.append(phrase("{name} is a guest, and was not invited.", name=person.name))
        else:
            wanted.known[one] = person
    service = "" if _JOINS.issuperset(sitting.words.text.lower().split()) else sitting.words.text
    for person in on_call_for(sitting, service) if service else ():
        _add(sitting, wanted, person)
    return wanted


def _must_be_few(number: int) -> None:
    if number > _MOST:
        told = plural(
            "That is {count} person, and at most {most} are brought in at once. Name those who are needed.",
            "Those are {count} people, and at most {most} are brought in at once. Name those who are needed.",
            number,
            most=_MOST,
        )
        raise Refused(told)


def _person(sitting: Sitting, chat_id: str) -> Person:
    person, is_guest = met(sitting, chat_id)
    if is_guest:
        told = phrase(
            "{name} is a guest. Invite them in Slack itself, if they may see all of it.", name=person.name
        )
        raise Refused(told)
    return person


def _members(sitting: Sitting, group: str, wanted: _Wanted) -> Sequence[str]:
    """Who is in a user group now; of one that is gone, cannot be read or is empty, why nobody comes of it."""
    chat = sitting.house.out.chat
    try:
        found = chat.group_members(group) if chat is not None else ()
    except MultivacError as error:
        told = phrase(
            "Nobody of the user group was invited: it could not be read, {why}.", why=str(error).rstrip(".")
        )
        wanted.not_found.append(told)
        return ()
    if not found:
        wanted.not_found.append(phrase("Nobody is in the user group."))
    return found


def _add(sitting: Sitting, wanted: _Wanted, person: Person) -> None:
    """Somebody who is on call, if the chat knows them."""
    chat, found = sitting.house.out.chat, person.slack
    if found is None and person.email and chat is not None:
        try:
            user = chat.find_person(person.email)
        except MultivacError as error:
            wanted.not_found.append(phrase("{name} was not invited: {why}", name=person.name, why=str(error)))
            return
        found = user.id if user is not None and user.active and not user.guest else None
    if found is None:
        wanted.not_found.append(phrase("{name} is on call, and not found in Slack.", name=person.name))
    else:
        wanted.known[found] = person
