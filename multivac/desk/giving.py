"""Gives roles; and has whoever is given a role or a task by somebody else told, with the change itself."""

from __future__ import annotations

import sqlalchemy as sa

from multivac.desk.asking import Sitting
from multivac.incident import LEAD, Person
from multivac.store import acts, gifts, summons
from multivac.store.gifts import ROLE, TASK, Gift


def give_role(tx: sa.Connection, sitting: Sitting, name: str, *, to: Person | None) -> None:
    """Give the role, whoever had it; None for nobody. Who takes it themselves has accepted it.

    Whoever is made lead by another is asked in the channel, and whoever gets another role is told.
    """
    number, now, by = sitting.incident, sitting.now, sitting.person.name
    is_another = to is not None and _is_another(sitting, to)
    if to is not None and is_another and name == LEAD:
        summons.ask_to_lead(tx, number, to, now=now, by=by)
    acts.give_role(tx, number, name, to=to, now=now)
    if to is not None and is_another and name != LEAD:
        gifts.note(tx, number, Gift(what=ROLE, key=name, to=to, by=by, at=now))
    if to is not None and not is_another:
        acts.accept_role(tx, number, name, now=now)


def task_given(tx: sa.Connection, sitting: Sitting, key: str, *, text: str, to: Person | None) -> None:
    """Have them told, unless they took it themselves."""
    if to is not None and _is_another(sitting, to):
        gift = Gift(what=TASK, key=key, text=text, to=to, by=sitting.person.name, at=sitting.now)
        gifts.note(tx, sitting.incident, gift)


def _is_another(sitting: Sitting, to: Person) -> bool:
    return to.key != sitting.person.key
