"""The promise of the next update as rows: given with an update, put off, or silenced by people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from multivac.incident import IncidentId
from multivac.store.tables import incident


def updated(tx: sa.Connection, number: IncidentId, *, now: datetime, promised: datetime | None) -> None:
    """An update was written, which promises the next one; None: by the playbook's rhythm."""
    _set(tx, number, updated_at=now, next_update_at=promised, prompts_off=False, snoozed_until=None)


def updated_elsewhere(tx: sa.Connection, number: IncidentId, *, at: datetime) -> None:
    """The same of an update that promises nothing and may be heard late: a newer one counts."""
    is_newer = sa.or_(incident.c.updated_at.is_(None), incident.c.updated_at < at)
    _set(tx, number, is_newer, updated_at=at, next_update_at=None, prompts_off=False, snoozed_until=None)


def begin_anew(tx: sa.Connection, number: IncidentId, *, next_at: datetime | None) -> None:
    """It is open again: the next update is owed then; None: by the playbook's rhythm."""
    _set(tx, number, next_update_at=next_at, prompts_off=False, snoozed_until=None)


def no_more(tx: sa.Connection, number: IncidentId) -> None:
    """Nobody is asked for an update any more, until somebody writes one that promises another."""
    _set(tx, number, prompts_off=True, snoozed_until=None)


def snooze(tx: sa.Connection, number: IncidentId, *, until: datetime) -> None:
    """Nobody is asked for an update before that."""
    _set(tx, number, snoozed_until=until)


def quiet(tx: sa.Connection, number: IncidentId, *, until: datetime | None) -> None:
    """Nothing that can wait is said before that; None: no longer."""
    _set(tx, number, quiet_until=until)


def _set(tx: sa.Connection, number: IncidentId, *only: sa.ColumnElement[bool], **values: Any) -> None:
    tx.execute(sa.update(incident).where(incident.c.id == number, *only).values(**values))
