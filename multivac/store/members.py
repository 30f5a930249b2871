"""Who is in an incident's channel, who left it, who is to be brought in, and what became of the channel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from multivac.incident import LEAD, OPEN, IncidentId, Person
from multivac.store import acknowledgements, timeline
from multivac.store import people as directory
from multivac.store.facts import person_from
from multivac.store.tables import delivery, entry, incident, insert_into, insert_new, member, role, step

ARCHIVED, UNARCHIVED = "archived", "unarchived"  # how a channel comes to be shut
_NOTED_AGAIN = timedelta(minutes=1)  # who leads is at it all the time, and each note is a write


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person and the channel, as the chat told us; `joined_at` is None for one only asked for."""

    joined_at: datetime | None
    left_at: datetime | None
    invited: bool
    entries: int
    seen_at: datetime | None
    asked_at: datetime | None
    asked_by: str | None

    @property
    def is_here(self) -> bool:
        """Whether they are in the channel."""
        return self.joined_at is not None and self.left_at is None

    @property
    def has_left(self) -> bool:
        """Whether they left, and nobody has asked for them since."""
        return self.left_at is not None and (self.asked_at is None or self.asked_at <= self.left_at)


_OF = sa.select(member).where(member.c.incident == sa.bindparam("number"))


def of(tx: sa.Connection, number: IncidentId) -> Mapping[str, Member]:
    """Everybody who is or was in the channel, or is to be, by their id in the chat."""
    return {
        row.chat_id: Member(
            joined_at=row.joined_at,
            left_at=row.left_at,
            invited=row.invited,
            entries=row.entries,
            seen_at=row.seen_at,
            asked_at=row.asked_at,
            asked_by=row.asked_by,
        )
        for row in tx.execute(_OF, {"number": number})
    }


def came(tx: sa.Connection, number: IncidentId, chat_id: str, *, at: datetime, invited: bool) -> None:
    """They are in the channel now; who was there already keeps the time they came."""
    found = of(tx, number).get(chat_id)
    if found is not None and found.is_here:
        return
    follows = (acknowledgements.ENTRY, timeline.BY_ACTING)
    counted = (entry.c.incident == number, *(entry.c.key.not_like(f"{one}%") for one in follows))
    entries = tx.scalar(sa.select(sa.func.count()).where(*counted)) or 0
    known = {"joined_at": at, "left_at": None, "invited": invited, "entries": entries, "seen_at": None}
    _put(tx, number, chat_id, known=known)


def brought(tx: sa.Connection, number: IncidentId, chat_ids: Sequence[str], *, at: datetime) -> None:
    """We have invited them; what the chat said of them since stands."""
    for chat_id in chat_ids:
        found = of(tx, number).get(chat_id)
        if found is None or found.joined_at is None:
            came(tx, number, chat_id, at=at, invited=True)


def went(tx: sa.Connection, number: IncidentId, chat_id: str, *, at: datetime) -> None:
    """They have left the channel."""
    _put(tx, number, chat_id, known={"left_at": at})


def seen(tx: sa.Connection, number: IncidentId, chat_id: str, *, at: datetime) -> None:
    """They did something in the channel that all can see, or asked something."""
    this = (member.c.incident == number, member.c.chat_id == chat_id)
    tx.execute(sa.update(member).where(*this).values(seen_at=at))


def was_seen(tx: sa.Connection, number: IncidentId, chat_id: str) -> bool:
    """Whether nothing is to be noted of them: they were seen before, or are not in the channel."""
    row = tx.execute(
        sa.select(member.c.seen_at).where(member.c.incident == number, member.c.chat_id == chat_id)
    ).one_or_none()
    return row is None or row.seen_at is not None


def is_lead_unseen(tx: sa.Connection, number: IncidentId, chat_id: str, *, now: datetime) -> bool:
    """Whether it is to be noted that they are at it: they lead, and were not seen within a minute."""
    lead = sa.and_(role.c.incident == member.c.incident, role.c.name == LEAD)
    row = tx.execute(
        sa.select(role.c.person, member.c.seen_at)
        .join(role, lead)
        .where(member.c.incident == number, member.c.chat_id == chat_id)
    ).one_or_none()
    if row is None or (row.seen_at is not None and now - row.seen_at < _NOTED_AGAIN):
        return False
    return _is(row.person, tuple(directory.met(tx, "slack", chat_id)), chat_id)


def last_seen(tx: sa.Connection, number: IncidentId, who: Person) -> datetime | None:
    """When this person last did something in the channel, to the minute; None if nothing was seen."""
    known = directory.identities(tx, "slack", [who.key]).get(who.key)
    ids = [one for one in (who.slack, known.id if known else None) if one]
    seen: datetime | None = tx.scalar(
        sa.select(sa.func.max(member.c.seen_at)).where(member.c.incident == number, member.c.chat_id.in_(ids))
    )
    return seen


def ask_for(tx: sa.Connection, number: IncidentId, chat_id: str, *, by: str, at: datetime) -> bool:
    """Have them brought in, also if they left; False if they are in the channel."""
    found = of(tx, number).get(chat_id)
    if found is not None and found.is_here:
        return False
    _put(tx, number, chat_id, known={"asked_at": at, "asked_by": by})
    return True


def _put(tx: sa.Connection, number: IncidentId, chat_id: str, *, known: Mapping[str, Any]) -> None:
    insert = insert_into(tx.dialect.name, member)
    newer = {name: insert.excluded[name] for name in known}
    row = {"incident": number, "chat_id": chat_id, **known}
    tx.execute(insert.on_conflict_do_update(index_elements=["incident", "chat_id"], set_=newer), row)


# --- what people do to the channel ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """News as the chat delivers it: `at` is by its clock; `about` the same for all that concerns one thing.

    It is empty where it does not matter in which order such news comes.
    """

    id: str
    kind: str
    at: datetime
    about: str = ""


def heard(tx: sa.Connection, event: Event, *, now: datetime) -> bool:
    """Note that the chat told us of an event; False if it did before, or told us meanwhile of a later one."""
    row = {"event_id": event.id, "kind": event.kind, "occurred_at": event.at, "received_at": now}
    if not insert_new(tx, delivery, {**row, "about": event.about or None, "outcome": "heard"}):
        return False
    return not event.about or tx.scalar(_LATER, {"same": event.about, "this": event.at}) is None


_LATER = (
    sa.select(delivery.c.event_id)
    .where(
        delivery.c.about == sa.bindparam("same"),
        delivery.c.occurred_at > sa.bindparam("this", type_=delivery.c.occurred_at.type),
    )
    .limit(1)
)


def renamed(tx: sa.Connection, number: IncidentId, name: str) -> bool:
    """The channel has this name; False if that was known."""
    done = tx.execute(
        sa.update(incident)
        .where(incident.c.id == number, incident.c.channel_name != name)
        .values(channel_name=name)
    )
    return done.rowcount == 1


def shut(tx: sa.Connection, number: IncidentId, *, how: str, at: datetime) -> bool:
    """Nobody can write in the channel any more; False if that was known."""
    done = tx.execute(
        sa.update(incident)
        .where(incident.c.id == number, incident.c.shut_at.is_(None))
        .values(shut_at=at, shut_how=how)
    )
    return done.rowcount == 1


def unarchived(tx: sa.Connection, number: IncidentId, *, how: str, at: datetime) -> None:
    """People can write in the channel again, and we cannot."""
    since = sa.func.coalesce(incident.c.shut_at, sa.literal(at, incident.c.shut_at.type))
    tx.execute(sa.update(incident).where(incident.c.id == number).values(shut_at=since, shut_how=how))


def opened(tx: sa.Connection, number: IncidentId) -> str | None:
    """Everybody can write in it again; gives how it had been shut, None if they could all the time."""
    how: str | None = tx.scalar(sa.select(incident.c.shut_how).where(incident.c.id == number))
    tx.execute(sa.update(incident).where(incident.c.id == number).values(shut_at=None, shut_how=None))
    return how


def all_out(tx: sa.Connection, number: IncidentId, *, at: datetime) -> None:
    """Nobody is in the channel any more, through no doing of their own: whoever was is to be brought in."""
    here = (member.c.incident == number, member.c.joined_at.is_not(None), member.c.left_at.is_(None))
    tx.execute(sa.update(member).where(*here).values(joined_at=None, asked_at=at, asked_by=None))


def is_posted_as(tx: sa.Connection, number: IncidentId, name: str, *, message: str) -> bool:
    """Whether this message of the chat is what the step of this name has posted."""
    made = tx.scalar(sa.select(step.c.result).where(step.c.incident == number, step.c.name == name))
    return made is not None and json.loads(made).get("message") == message


def account_closed(
    tx: sa.Connection, keys: Sequence[str], chat_id: str, *, at: datetime | None
) -> tuple[IncidentId, ...]:
    """Note it at every role they have in an open incident, or (None) that it is open again; gives those."""
    rows = tx.execute(
        sa.select(role)
        .join(incident, incident.c.id == role.c.incident)
        .where(incident.c.status.in_(OPEN))
        .order_by(role.c.incident)
    ).all()
    theirs = [(row.incident, row.name) for row in rows if _is(row.person, keys, chat_id)]
    for number, name in theirs:
        tx.execute(sa.update(role).where(role.c.incident == number, role.c.name == name).values(gone_at=at))
    return tuple(IncidentId(number) for number in dict.fromkeys(number for number, _ in theirs))


def _is(stored: str, keys: Sequence[str], chat_id: str) -> bool:
    person = person_from(json.loads(stored))
    return person.key in keys or person.slack == chat_id
