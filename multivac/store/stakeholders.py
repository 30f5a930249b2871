"""Stakeholders who asked to be told of an incident directly; of what each said, the latest counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store import sayings
from multivac.store.cases import Case
from multivac.store.sayings import Saying, SayingKind

_KIND = SayingKind.STAKEHOLDER


def begin(tx: sa.Connection, number: IncidentId, who: str, *, at: datetime) -> None:
    """Have somebody (the chat's id) told from now on."""
    sayings.add(tx, number, kind=_KIND, text="", by=who, at=at, more={"who": who, "tell": True})


def end(tx: sa.Connection, number: IncidentId, who: str, *, at: datetime) -> None:
    """Have them told no more."""
    sayings.add(tx, number, kind=_KIND, text="", by=who, at=at, more={"who": who, "tell": False})


def told(case: Case) -> Mapping[str, Saying]:
    """Everybody who is to be told (the chat's ids), with when they last asked for it."""
    latest = {str(one.more["who"]): one for one in case.said(_KIND)}
    return {who: one for who, one in latest.items() if one.more["tell"]}
