"""Which open incident an alert joins, and the rule that says so; asked and told by intake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from multivac.incident import Facts, IncidentId, Severity
from multivac.playbook import Playbook, gist
from multivac.store import policies
from multivac.store.tables import IS_OPEN, alert, incident, insert_into, trait
from multivac.tongue import mark

_LINKED, _DEDUP_KEY, _SERVICE, _TITLE = "linked", "dedup key", "service", "title"
WHY_LINKED = mark("linked in PagerDuty")
_LOOKED_AT = 50  # incidents of one kind that are open at once; more is no question of joining any more
_FOR_EVER = timedelta(days=36_500)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An alert as the rules see it: its own key at its source, and its facts."""

    source: str
    key: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Owner:
    """An open incident that an alert joins, and why, in words."""

    number: IncidentId
    why: str


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: str
    value: str | None
    within: timedelta
    why: str


def owner_of(tx: sa.Connection, subject: Subject, playbook: Playbook, *, now: datetime) -> Owner | None:
    """The open incident that the playbook's rules give the alert; None if it has to have its own.

    The rules are asked in this order, the surest first: linked, same deduplication key, same service,
    similar title. Of several incidents that one rule gives, it is the worst, and of those the oldest.
    Two alerts of one moment that could join each other are asked one after the other.
    """
    rules = [rule for rule in _rules(subject, playbook) if rule.value and rule.within]
    _one_after_the_other(tx, [f"{rule.kind}:{rule.value}" for rule in rules])
    candidates = _candidates(tx, rules, now=now)
    for rule in rules:
        if found := _first(tx, candidates[rule.kind], playbook):
            return Owner(found, rule.why)
    return None


def linked_owner(tx: sa.Connection, subject: Subject, playbook: Playbook) -> Owner | None:
    """The open incident of the alert that this one was merged into."""
    into = subject.facts.merged_into
    if into is None or not playbook.join.linked:
        return None
    rows = tx.execute(_MERGED_INTO, {"its_source": subject.source, "its_key": into})
    found = _first(tx, rows.all(), playbook)
    return None if found is None else Owner(found, WHY_LINKED)


def remember(tx: sa.Connection, number: IncidentId, subject: Subject, *, declared_at: datetime) -> None:
    """Keep what later alerts may join this one's incident by."""
    rows = [
        {"kind": kind, "value": value, "declared_at": declared_at, "incident": number}
        for kind, value in had_by(subject).items()
    ]
    if rows:
        tx.execute(_remember(tx.dialect.name), rows)


def had_by(subject: Subject) -> dict[str, str]:
    """What an alert has that others may join its incident by: the value of each kind."""
    facts = subject.facts
    known = {_DEDUP_KEY: facts.dedup_key, _SERVICE: _service(facts), _TITLE: gist(facts.title or "")}
    if facts.merged_into:
        known[_LINKED] = _link(subject.source, facts.merged_into)
    return {kind: value for kind, value in known.items() if value}


@cache
def _remember(dialect: str) -> sa.Executable:
    insert: sa.Executable = insert_into(dialect, trait).on_conflict_do_nothing()
    return insert


def forget(tx: sa.Connection, before: datetime) -> int:
    """Delete what nobody will join by any more: of incidents declared before then that are over."""
    still_open = sa.select(incident.c.id).where(IS_OPEN)
    gone = sa.delete(trait).where(trait.c.declared_at < before, trait.c.incident.not_in(still_open))
    return tx.execute(gone).rowcount


def _rules(subject: Subject, playbook: Playbook) -> Iterator[_Rule]:
    join, facts = playbook.join, subject.facts
    linked = _FOR_EVER if join.linked else timedelta()
    yield _Rule(_LINKED, _link(subject.source, subject.key), linked, WHY_LINKED)
    yield _Rule(_DEDUP_KEY, facts.dedup_key, join.same_dedup_key_within, mark("same deduplication key"))
    yield _Rule(_SERVICE, _service(facts), join.same_service_within, mark("same service"))
    yield _Rule(_TITLE, gist(facts.title or ""), join.similar_title_within, mark("similar title"))


def _service(facts: Facts) -> str | None:
    return facts.service_id or facts.service_name


def _link(source: str, key: str) -> str:
    return f"{source}:{key}"


def _one_after_the_other(tx: sa.Connection, what: Iterable[str]) -> None:
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        tx.execute(
            _LOCK_EACH, {"names": sorted(set(what))}
        )  # in one order, so that no two wait for each other


# One statement for all: in a storm each round to the database counts.
_LOCK_EACH = sa.text("select pg_advisory_xact_lock(hashtext(one)) from unnest(cast(:names as text[])) as one")


def _candidates(tx: sa.Connection, rules: Iterable[_Rule], *, now: datetime) -> dict[str, list[Any]]:
    """The open incidents that each kind of rule gives, asked for at once; the worst first."""
    asked: dict[str, Any] = dict.fromkeys(_ASKED)
    for rule in rules:
        asked[_value(rule.kind)], asked[_since(rule.kind)] = rule.value, max(now - rule.within, _EPOCH)
    found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    rows = tx.execute(_CANDIDATES, asked).all()
    for row in sorted(rows, key=lambda row: (Severity(row.severity).rank, row.declared_at, row.id)):
        found[row.by].append(row)
    return found


def _first(tx: sa.Connection, rows: Iterable[Any], playbook: Playbook) -> IncidentId | None:
    shared = (row for row in rows if may_share(playbook, policies.find(tx, row.policy)))
    return next((IncidentId(row.id) for row in shared), None)


def may_share(mine: Playbook, its: Playbook) -> bool:
    """Nothing private is told in public, nor hidden in private what is public."""
    if mine.channel.private or its.channel.private:
        return mine.channel.private and its.channel.private and mine.name == its.name
    return True


_OPEN_ONES = (
    sa.select(incident.c.id, incident.c.severity, incident.c.declared_at, incident.c.policy)
    .where(IS_OPEN)
    .order_by(incident.c.severity, incident.c.declared_at, incident.c.id)
    .limit(_LOOKED_AT)
)
_KINDS = (_LINKED, _DEDUP_KEY, _SERVICE, _TITLE)


def _value(kind: str) -> str:
    return f"value_{_KINDS.index(kind)}"


def _since(kind: str) -> str:
    return f"since_{_KINDS.index(kind)}"


def _since_then(kind: str) -> sa.BindParameter[datetime]:
    return sa.bindparam(_since(kind), type_=trait.c.declared_at.type)


def _having(kind: str) -> sa.Select[Any]:
    return _OPEN_ONES.join(trait, trait.c.incident == incident.c.id).where(
        trait.c.kind == sa.literal(kind),
        trait.c.value == sa.bindparam(_value(kind), type_=sa.Text),
        trait.c.declared_at >= _since_then(kind),
    )


def _by(kind: str, found: sa.Select[Any]) -> sa.Select[Any]:
    return sa.select(sa.literal_column(f"'{kind}'", sa.Text).label("by"), found.subquery())


_OF_SERVICE = _OPEN_ONES.where(  # incidents of releases that kept no traits
    incident.c.service == sa.bindparam(_value(_SERVICE), type_=sa.Text),
    incident.c.declared_at >= _since_then(_SERVICE),
)
_CANDIDATES = sa.union_all(*(_by(kind, _having(kind)) for kind in _KINDS), _by(_SERVICE, _OF_SERVICE))
_ASKED = [name for kind in _KINDS for name in (_value(kind), _since(kind))]
_MERGED_INTO = _OPEN_ONES.join(alert, alert.c.incident == incident.c.id).where(
    alert.c.source == sa.bindparam("its_source"), alert.c.key == sa.bindparam("its_key")
)
