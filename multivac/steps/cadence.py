"""When stakeholders are owed the next update. Asked by the headline and by the prompt."""

from __future__ import annotations

from datetime import datetime

from multivac.steps.base import View


def next_update_due(view: View) -> datetime | None:
    """When the next update is owed: as promised with the last one, else by the playbook's rhythm."""
    case = view.case
    every = view.playbook.update_every(case.severity)
    if not case.status.is_open or case.cadence.is_off:
        return None
    if case.cadence.next_at is None and every is None:
        return None
    due = case.cadence.next_at
    if due is None and every is not None:
        due = (case.updated_at or case.declared_at) + every
    view.look_again(due)
    return due
