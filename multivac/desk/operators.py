"""Those who run Multivac, by name, for whoever needs one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from multivac.incident import Person
from multivac.steps.base import Outside
from multivac.store import people as directory
from multivac.tongue import phrase

_MOST = 4  # more are no help to whoever looks for one


def with_names(no: str, *, out: Outside, admins: Collection[str]) -> str:
    """What only those who run Multivac may do, and who they are, if they are few and all known."""
    with out.database.read() as tx:
        names = sorted(set(_names(tx, out, admins)))
    if not names or len(admins) > _MOST:
        return no
    return phrase("{refusal} They are: {names}.", refusal=no, names=", ".join(names))


def _names(tx: sa.Connection, out: Outside, admins: Collection[str]) -> Iterator[str]:
    by_id = {one.id: one.name for one in directory.everybody(tx, "slack")}
    for one in admins:
        name = out.complete(Person(name=one, email=one)).name if "@" in one else by_id.get(one)
        known = directory.identities(tx, "slack", [one]).get(one)
        if name == one and known is not None and known.name:
            name = known.name
        if name:
            yield name
