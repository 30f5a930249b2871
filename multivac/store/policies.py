"""The playbooks that incidents were declared with: each kept once, never changed, and so read once."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from multivac.playbook import Playbook, restore, snapshot
from multivac.store.tables import insert_new, policy

_MOST = 128
_restored: dict[str, Playbook] = {}  # by their digest, which says all that is in them
_BODY = sa.select(policy.c.body).where(policy.c.digest == sa.bindparam("its_digest"))


def keep(tx: sa.Connection, playbook: Playbook) -> str:
    """Keep a playbook as it is now; gives the digest to find it by."""
    body = snapshot(playbook)
    digest = hashlib.sha256(body.encode()).hexdigest()
    insert_new(tx, policy, {"digest": digest, "body": body})
    return digest


def find(tx: sa.Connection, digest: str) -> Playbook:
    """The playbook of an incident, by its digest."""
    found = _restored.get(digest)
    if found is None:
        found = restore(tx.execute(_BODY, {"its_digest": digest}).scalar_one())
        if len(_restored) >= _MOST:
            _restored.clear()  # costs a few rounds more
        _restored[digest] = found
    return found
