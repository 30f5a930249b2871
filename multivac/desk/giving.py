"""Who is given a role or a task by somebody else has to be told: noted with the change that gives it."""

from __future__ import annotations

import sqlalchemy as sa

from multivac.desk.asking import Sitting
from multivac.incident import LEAD, Person
from multivac.store import gifts
from multivac.store.gifts import ROLE, TASK, Gift


def role_given(tx: sa.Connection, sitting: Sitting, name: str, *, to: Person | None) -> None:
    """Have them told, unless they took it themselves; whoever is to lead is asked in the channel."""
    if to is not None and name != LEAD and _is_another(sitting, to):
        gift = Gift(what=ROLE, key=name, to=to, by=sitting.person.name, at=sitting.now)
        gifts.note(tx, sitting.incident, gift)


def task_given(tx: sa.Connection, sitting: Sitting, key: str, *, text: str, to: Person | None) -> None:
    """Have them told, unless they took it themselves."""
    if to is not None and _is_another(sitting, to):
        gift = Gift(what=TASK, key=key, text=text, to=to, by=sitting.person.name, at=sitting.now)
        gifts.note(tx, sitting.incident, gift)


def _is_another(sitting: Sitting, to: Person) -> bool:
    return to.key != sitting.person.key
