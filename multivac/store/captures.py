"""Messages that people asked to keep, and how far that has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.tables import capture, incident, insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """A message to keep, as a fact of the timeline ("note") or as a task.

    `edition` counts how often it was written; `kept` is the edition that stands in our rows.
    """

    message: str
    kind: str
    by: str
    via: str
    at: datetime
    edition: int = 1
    kept: int = 0
    retracted: bool = False
    task: str | None = None

    @property
    def key(self) -> str:
        """What its entry in the timeline is called; each edition has one of its own."""
        return f"message:{self.message}/{self.edition}"


_ALL = sa.select(capture).where(capture.c.incident == sa.bindparam("number"))


def of_incident(tx: sa.Connection, number: IncidentId) -> Mapping[str, Capture]:
    """Every message that was to be kept, by kind and message: "note/1700000000.000100"."""
    return {
        f"{r.kind}/{r.message}": Capture(
            message=r.message,
            kind=r.kind,
            by=r.by,
            via=r.via,
            at=r.at,
            edition=r.edition,
            kept=r.kept,
            retracted=r.retracted_at is not None,
            task=r.task,
        )
        for r in tx.execute(_ALL, {"number": number})
    }


def begin(tx: sa.Connection, number: IncidentId, new: Capture) -> None:
    """Keep a message; one that was taken back is kept again, one that is kept already stays as it is."""
    insert = insert_into(tx.dialect.name, capture)
    newer = {name: insert.excluded[name] for name in ("by", "via", "at")}
    newer |= {"retracted_at": None, "edition": capture.c.edition + 1}
    row = {
        "incident": number,
        "message": new.message,
        "kind": new.kind,
        "by": new.by,
        "via": new.via,
        "at": new.at,
        "edition": new.edition,
        "kept": new.kept,
    }
    keys = ["incident", "message", "kind"]
    is_back = capture.c.retracted_at.is_not(None)
    tx.execute(insert.on_conflict_do_update(index_elements=keys, set_=newer, where=is_back), row)


def in_channel(tx: sa.Connection, channel: str, message: str) -> IncidentId | None:
    """The incident that keeps this message of its channel."""
    found = tx.scalar(
        sa.select(capture.c.incident)
        .join(incident, incident.c.id == capture.c.incident)
        .where(
            incident.c.channel_id == channel,
            capture.c.message == message,
            capture.c.retracted_at.is_(None),
        )
        .limit(1)
    )
    return None if found is None else IncidentId(found)


def edited(tx: sa.Connection, number: IncidentId, message: str) -> None:
    """The message reads differently now."""
    here = (capture.c.incident == number, capture.c.message == message)
    tx.execute(sa.update(capture).where(*here).values(edition=capture.c.edition + 1))


def kept(tx: sa.Connection, number: IncidentId, one: Capture, *, task: str | None) -> None:
    """Remember that this edition stands in our rows, perhaps as a task."""
    here = (capture.c.incident == number, capture.c.message == one.message, capture.c.kind == one.kind)
    tx.execute(sa.update(capture).where(*here).values(kept=one.edition, task=task))


def retract(tx: sa.Connection, number: IncidentId, one: Capture, *, at: datetime) -> None:
    """Keep the message no more."""
    here = (capture.c.incident == number, capture.c.message == one.message, capture.c.kind == one.kind)
    tx.execute(sa.update(capture).where(*here).values(retracted_at=at))
