"""What people's requests read and write: the incident, who they are in it, and the trail they leave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from multivac.incident import LEAD, OPEN, IncidentId, Person, Severity, Status
from multivac.playbook import Playbook
from multivac.store import members, policies, storms
from multivac.store.facts import person_from, person_to, titled
from multivac.store.tables import audit, incident, insert_new, member, policy, role, step

RULE = "rule"  # who does what the playbook says
_LAST_ENDED = 50
_ORDER = (incident.c.severity, incident.c.declared_at.desc(), incident.c.id.desc())


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An incident in a list."""

    number: IncidentId
    title: str
    severity: Severity
    status: Status
    declared_at: datetime
    channel: str | None
    lead: Person | None
    lead_accepted: bool
    policy: str  # the playbook's snapshot, which says whether it is private


def in_channel(tx: sa.Connection, channel: str) -> IncidentId | None:
    """The incident whose channel this is."""
    found = tx.scalar(
        sa.select(incident.c.id).where(incident.c.channel_id == channel).order_by(incident.c.id.desc())
    )
    return None if found is None else IncidentId(found)


def announced_as(tx: sa.Connection, channel: str, message: str) -> IncidentId | None:
    """The incident whose announcement this message is."""
    holds = step.c.result.contains(json.dumps({"message": message})[1:-1], autoescape=True)
    rows = tx.execute(sa.select(step.c.incident, step.c.result).where(step.c.name == "announcement", holds))
    found = ((r.incident, json.loads(r.result)) for r in rows)
    return next((IncidentId(number) for number, made in found if made.get("channel") == channel), None)


def is_ours(tx: sa.Connection, number: IncidentId, message: str) -> bool:
    """Whether this message of the incident's channel is one that we posted."""
    holds = step.c.result.contains(json.dumps({"message": message})[1:-1], autoescape=True)
    return tx.scalar(sa.select(step.c.name).where(step.c.incident == number, holds).limit(1)) is not None


def exists(tx: sa.Connection, number: IncidentId) -> bool:
    """Whether there is such an incident."""
    return tx.scalar(sa.select(incident.c.id).where(incident.c.id == number)) is not None


def listed(tx: sa.Connection, *, ended: bool = False, severity: Severity | None = None) -> Sequence[Row]:
    """All open incidents, or the last that have ended: the worst first, then the newest."""
    lead = role.alias()
    chosen = (
        sa.select(*_LISTED, lead.c.person, lead.c.accepted_at)
        .outerjoin(lead, sa.and_(lead.c.incident == incident.c.id, lead.c.name == LEAD))
        .where(incident.c.status.not_in(OPEN) if ended else incident.c.status.in_(OPEN))
        .order_by(*(_ORDER[1:] if ended else _ORDER))
        .limit(_LAST_ENDED if ended else None)
    )
    if severity is not None:
        chosen = chosen.where(incident.c.severity == severity)
    return _rows(tx, chosen)


def row_of(tx: sa.Connection, number: IncidentId) -> Row:
    """One incident as a list has it; there must be one of this number."""
    lead = role.alias()
    its = sa.and_(lead.c.incident == incident.c.id, lead.c.name == LEAD)
    (row,) = _rows(
        tx,
        sa.select(*_LISTED, lead.c.person, lead.c.accepted_at)
        .outerjoin(lead, its)
        .where(incident.c.id == number),
    )
    return row


def _rows(tx: sa.Connection, chosen: sa.Select[Any]) -> Sequence[Row]:
    rows = tx.execute(chosen).all()
    # Apart, since many incidents share few playbooks, each of which is a page long.
    used = sa.select(policy).where(policy.c.digest.in_({r.policy for r in rows}))
    policies = {one.digest: one.body for one in tx.execute(used)}
    return [
        Row(
            number=IncidentId(r.id),
            title=titled(r.title, drill=r.drill),
            severity=Severity(r.severity),
            status=Status(r.status),
            declared_at=r.declared_at,
            channel=r.channel_id,
            lead=None if r.person is None else person_from(json.loads(r.person)),
            lead_accepted=r.accepted_at is not None,
            policy=policies[r.policy],
        )
        for r in rows
    ]


_LISTED = (
    incident.c.id,
    incident.c.title,
    incident.c.severity,
    incident.c.status,
    incident.c.declared_at,
    incident.c.channel_id,
    incident.c.policy,
    incident.c.drill,
)


# --- who somebody is in an incident ---------------------------------------------------------------


def is_member(tx: sa.Connection, number: IncidentId, chat_id: str) -> bool:
    """Whether the chat told us that they are in the channel."""
    return tx.scalar(_MEMBER, {"number": number, "who": chat_id}) is not None


_MEMBER = sa.select(member.c.joined_at).where(
    member.c.incident == sa.bindparam("number"),
    member.c.chat_id == sa.bindparam("who"),
    member.c.joined_at.is_not(None),
    member.c.left_at.is_(None),
)


def has_left(tx: sa.Connection, number: IncidentId, chat_id: str) -> bool:
    """Whether the chat told us that they are not in the channel any more."""
    here = (member.c.incident == number, member.c.chat_id == chat_id, member.c.left_at.is_not(None))
    return tx.scalar(sa.select(member.c.chat_id).where(*here)) is not None


def acted(tx: sa.Connection, number: IncidentId, key: str) -> bool:
    """Whether this person has asked for anything in the incident but to be let in."""
    theirs = (audit.c.incident == number, audit.c.actor == key, audit.c.verb != "join")
    return tx.scalar(sa.select(audit.c.id).where(*theirs).limit(1)) is not None


def roles_of(tx: sa.Connection, number: IncidentId) -> dict[str, Person]:
    """Who has which role."""
    rows = tx.execute(sa.select(role.c.name, role.c.person).where(role.c.incident == number))
    return {name: person_from(json.loads(stored)) for name, stored in rows}


def leads_since(tx: sa.Connection, number: IncidentId) -> datetime | None:
    """Since when the lead has the role, or when we last saw them do something; None if nobody is there."""
    found = tx.execute(
        sa.select(role.c.person, role.c.since, role.c.gone_at).where(
            role.c.incident == number, role.c.name == LEAD
        )
    ).one_or_none()
    if found is None or found.gone_at is not None:
        return None
    since: datetime = found.since
    return max(filter(None, (since, last_seen(tx, number, person_from(json.loads(found.person))))))


def last_seen(tx: sa.Connection, number: IncidentId, person: Person) -> datetime | None:
    """When we last saw this person do something in the incident, and not a rule in their name."""
    theirs = (audit.c.incident == number, audit.c.actor == person.key, audit.c.via != RULE)
    acted: datetime | None = tx.scalar(sa.select(sa.func.max(audit.c.at)).where(*theirs))
    return max(filter(None, (acted, members.last_seen(tx, number, person))), default=None)


# --- what they change -----------------------------------------------------------------------------


def give_role(tx: sa.Connection, number: IncidentId, name: str, *, to: Person | None, now: datetime) -> None:
    """Give a role to somebody, whoever had it before, or to nobody; who takes it has accepted it."""
    tx.execute(sa.delete(role).where(role.c.incident == number, role.c.name == name))
    if to is not None:
        stored = json.dumps(person_to(to))
        row = {"incident": number, "name": name, "person": stored, "how": "by hand", "since": now}
        insert_new(tx, role, row)


def accept_role(tx: sa.Connection, number: IncidentId, name: str, *, now: datetime) -> bool:
    """Whoever has the role has said that they take it; False if they had before."""
    its = (role.c.incident == number, role.c.name == name, role.c.accepted_at.is_(None))
    return tx.execute(sa.update(role).where(*its).values(accepted_at=now)).rowcount == 1


def settle_severity(tx: sa.Connection, number: IncidentId, severity: Severity, *, by: str) -> None:
    """A person has said how bad it is: alerts do not move it any more, and what is bad waits in no storm."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(severity=severity, severity_by=by))
    if severity.rank <= storms.NEVER_WAITS:
        storms.leave(tx, number)


def set_impact(tx: sa.Connection, number: IncidentId, text: str) -> None:
    """What users notice, in somebody's words."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(impact=text))


def set_playbook(tx: sa.Connection, number: IncidentId, playbook: Playbook) -> None:
    """From now on this incident goes by this playbook."""
    kept = policies.keep(tx, playbook)
    tx.execute(sa.update(incident).where(incident.c.id == number).values(policy=kept))


def set_title(tx: sa.Connection, number: IncidentId, title: str) -> None:
    """A better title; the channel keeps the name it was opened with."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(title=title))


def checklists_from(tx: sa.Connection, number: IncidentId, at: datetime) -> None:
    """Let no phase of the checklists appear that was due by then."""
    tx.execute(sa.update(incident).where(incident.c.id == number).values(checklists_from=at))


def by_hand(tx: sa.Connection, number: IncidentId, declared_by: Person, *, drill: bool) -> None:
    """Remember who declared it, and whether it is only practice."""
    stored = json.dumps(person_to(declared_by))
    tx.execute(sa.update(incident).where(incident.c.id == number).values(declared_by=stored, drill=drill))


# --- the trail ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One request of a person and what came of it; `request` is the same in each redelivery."""

    request: str
    ref: str
    at: datetime
    actor: str
    verb: str
    via: str
    incident: IncidentId | None
    outcome: str
    before: str | None = None
    after: str | None = None


def leave_trail(tx: sa.Connection, act: Act) -> bool:
    """Keep what was asked and done; False if this very request was dealt with before."""
    names = ("request", "ref", "at", "actor", "verb", "via", "incident", "outcome", "before", "after")
    return insert_new(tx, audit, {name: getattr(act, name) for name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A change that nobody asked for: by what, from what to what. `key` is the same if told twice."""

    key: str
    verb: str
    before: str | None
    after: str | None
    actor: str = RULE
    via: str = RULE


def leave_trail_of(tx: sa.Connection, number: IncidentId, moved: Moved, *, at: datetime) -> None:
    """Keep what a rule or an alert has changed, in the trail beside what people did."""
    request = f"{moved.actor}:{number}:{moved.verb}:{moved.key}"
    act = Act(
        request=request,
        ref=hashlib.sha256(request.encode()).hexdigest()[:4].upper(),
        at=at,
        actor=moved.actor,
        verb=moved.verb,
        via=moved.via,
        incident=number,
        outcome="changed",  # "done" is what people asked for
        before=moved.before,
        after=moved.after,
    )
    leave_trail(tx, act)


def last_done(tx: sa.Connection, number: IncidentId, verb: str) -> datetime | None:
    """When somebody last did this to the incident."""
    this = (audit.c.incident == number, audit.c.verb == verb, audit.c.outcome == "done")
    found: datetime | None = tx.scalar(sa.select(sa.func.max(audit.c.at)).where(*this))
    return found


def asked_for(tx: sa.Connection, number: IncidentId, what: str) -> str | None:
    """The key of the person by whose request this came to be wanted, where the trail says what came of it."""
    this = (audit.c.incident == number, audit.c.before == what, audit.c.outcome == "done")
    found: str | None = tx.scalar(sa.select(audit.c.actor).where(*this).limit(1))
    return found


def is_by_rule(tx: sa.Connection, number: IncidentId, what: str) -> bool:
    """Whether a rule that somebody set, and not they themselves, asked for this."""
    this = (audit.c.incident == number, audit.c.before == what, audit.c.via == RULE)
    return tx.scalar(sa.select(audit.c.id).where(*this).limit(1)) is not None


def trail(tx: sa.Connection, *, ref: str | None = None, number: IncidentId | None = None) -> Sequence[Act]:
    """What was asked, the oldest first: by the reference people were given, or of one incident."""
    asked = sa.select(audit).order_by(audit.c.at, audit.c.id)
    if ref is not None:
        asked = asked.where(audit.c.ref == ref)
    if number is not None:
        asked = asked.where(audit.c.incident == number)
    return [
        Act(
            request=r.request,
            ref=r.ref,
            at=r.at,
            actor=r.actor,
            verb=r.verb,
            via=r.via,
            incident=r.incident,
            outcome=r.outcome,
            before=r.before,
            after=r.after,
        )
        for r in tx.execute(asked)
    ]
