"""When somebody is at work again, by the zone that they set in the chat. Called by steps that ask people."""

from __future__ import annotations

from datetime import datetime

from multivac.incident import Person
from multivac.playbook.hours import begin_again
from multivac.steps import people
from multivac.steps.base import Attempt


def back_at_work(attempt: Attempt, person: Person | None) -> datetime | None:
    """When the person's working hours begin next; None within them, and of whom nobody knows a zone."""
    chat_id = people.chat_id(attempt.case, person) if person is not None else None
    known = attempt.chat().person(chat_id) if chat_id is not None else None
    if known is None or not known.zone:
        return None
    return begin_again(attempt.now, known.zone, attempt.case.playbook.working_hours)
