"""A webhook body becomes an `Alert`: one visible table of PagerDuty's event types.

`webhook.py` calls `read_event` once the signature is proven. The envelope and the 31 types are
those of PagerDuty's V3 webhooks documentation; docs/events.md shows the same table to people.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from types import MappingProxyType

from integrations.pagerduty.bodies import (
    NOTHING,
    Body,
    address,
    bridge,
    facts_of_incident,
    facts_of_reference,
    ident,
    line,
    moment,
    part,
    parts,
    person,
    words,
)
from multivac.incident import Alert, AlertKind, Bridge, Facts, Person, is_marked
from multivac.tongue import any_of, mark, written

SOURCE = "pagerduty"

_CLOCKS_MAY_DIFFER_BY = timedelta(days=1)
_LONGEST_TYPE = 100
_LONGEST_NOTE = 1000
_LONGEST_UPDATE = 3000
_ANSWERS = {
    "accepted": (mark("{who} agreed to help"), mark("{who} agreed to help: {said}")),
    "declined": (mark("{who} declined to help"), mark("{who} declined to help: {said}")),
}
_OTHER_ANSWER = (mark("{who} answered {answer}"), mark("{who} answered {answer}: {said}"))


class Unreadable(Exception):
    """The body is no JSON or no event; `why` is one line for the operator."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event as far as it can be read: its type, who did it, and what it is about."""

    type: str
    agent: Body
    data: Body
    incident: Body  # a full incident or a reference to one; empty for events about none

    @property
    def actor(self) -> Person | None:
        """The person who did it; None if it was an integration or PagerDuty itself."""
        return person(self.agent) if self.agent else None

    @property
    def by(self) -> str:
        """The name of whoever or whatever did it."""
        return line(words(self.agent.get("summary")), 100) or (self.actor.name if self.actor else "PagerDuty")

    @property
    def subject(self) -> Person | None:
        """The responder whom the event is about."""
        return person(self.data["user"]) if part(self.data, "user") else None


def _did(text: str) -> Callable[[Event], str]:
    return lambda event: written(text, by=event.by)


def _named(reference: Body, otherwise: str) -> str:
    return line(words(reference.get("summary")) or words(reference.get("name")), 200) or otherwise


def _holders(event: Event) -> str:
    held = facts_of_incident(event.incident).assignees or ()
    if not held:
        return written("nobody")
    names = [each.name for each in held[:5]]
    return reduce(lambda these, name: written("{these} and {name}", these=these, name=name), names)


def _triggered(event: Event) -> str:
    return written(
        "{by} triggered the alert on {service}: {title}",
        by=event.by,
        service=_named(part(event.incident, "service"), written("a service")),
        title=line(words(event.incident.get("title")), 200) or written("untitled"),
    )


def _unacknowledged(event: Event) -> str:
    if event.actor is None:
        return written("The acknowledgement ran out: nobody is on the alert")
    return written("{by} took back the acknowledgement", by=event.by)


def _resolved(event: Event) -> str:
    if facts_of_incident(event.incident).merged_into:
        into = _named(part(event.incident, "resolve_reason", "incident"), written("another one"))
        return written("{by} merged the alert into {other}", by=event.by, other=into)
    if not event.agent:
        return written("PagerDuty resolved the alert by itself")
    return written("{by} resolved the alert", by=event.by)


def _escalated(event: Event) -> str:
    return written("{by} escalated the alert to {names}", by=event.by, names=_holders(event))


def _delegated(event: Event) -> str:
    another = written("another escalation policy")
    return written(
        "{by} handed the alert to {policy}, now with {names}",
        by=event.by,
        policy=_named(part(event.incident, "escalation_policy"), another),
        names=_holders(event),
    )


def _reassigned(event: Event) -> str:
    return written("{by} reassigned the alert to {names}", by=event.by, names=_holders(event))


def _priority_updated(event: Event) -> str:
    priority = facts_of_incident(event.incident).priority
    if not priority:
        return written("Priority removed by {by}", by=event.by)
    return written("Priority {priority} set by {by}", priority=priority, by=event.by)


def _service_updated(event: Event) -> str:
    service = _named(part(event.incident, "service"), written("another service"))
    return written("{by} moved the alert to {service}", by=event.by, service=service)


def _type_changed(event: Event) -> str:
    kind = facts_of_incident(event.incident).incident_type or written("another one")
    return written("{by} changed the incident type to {kind}", by=event.by, kind=kind)


def _responder_added(event: Event) -> str:
    policy = _named(part(event.data, "escalation_policy"), written("a responder"))
    return _quoting(
        event.data.get("message"),
        (mark("{by} asked {name} to help"), mark("{by} asked {name} to help: {said}")),
        by=event.by,
        name=event.subject.name if event.subject else policy,
    )


def _responder_replied(event: Event) -> str:
    answer = line(words(event.data.get("state")), 50)
    return _quoting(
        event.data.get("message"),
        _ANSWERS.get(answer, _OTHER_ANSWER),
        who=event.subject.name if event.subject else event.by,
        answer=answer or written("a request"),
    )


def _quoting(said: object, texts: tuple[str, str], **gaps: str) -> str:
    """The first text, or if something was said besides, the other one with it."""
    quoted, (alone, with_words) = line(words(said), _LONGEST_NOTE), texts
    return written(with_words, said=quoted, **gaps) if quoted else written(alone, **gaps)


def _annotated(event: Event) -> str:
    texts = (mark("{by} noted nothing"), mark("{by} noted: {said}"))
    return _quoting(event.data.get("content"), texts, by=event.by)


def _status_update(event: Event) -> str:
    texts = (mark("{by} published a status update"), mark("{by} published a status update: {said}"))
    return _quoting(event.data.get("message"), texts, by=event.by)


def _bridge_updated(event: Event) -> str:
    known = bridge(event.data)
    if known is None:
        return written("{by} removed the conference bridge", by=event.by)
    where = line(any_of(each for each in (known.url, known.phone) if each))
    return written("{by} set the conference bridge: {where}", by=event.by, where=where)


def _action(text: str) -> Callable[[Event], str]:
    def tell(event: Event) -> str:
        state = line(words(event.data.get("state")), 50) or written("state unknown")
        return written(text, action=_named(part(event.data, "action"), _nameless()), state=state)

    return tell


def _nameless() -> str:
    return written("without a name")


def _task(text: str) -> Callable[[Event], str]:
    return lambda event: written(text, by=event.by, task=_named(event.data, _nameless()))


def _workflow(text: str) -> Callable[[Event], str]:
    return lambda event: written(text, workflow=_named(part(event.data, "incident_workflow"), _nameless()))


def _service(text: str) -> Callable[[Event], str]:
    def tell(event: Event) -> str:
        service = part(event.data, "service") or event.data
        return written(text, by=event.by, service=_named(service, ident(service.get("id")) or _nameless()))

    return tell


def _fields_changed(event: Event) -> str:
    # The changed fields come with their old values; the new ones stand in the list of all.
    changed = {words(each.get("name")) for each in parts(event.data.get("changed_custom_fields"))}
    every = parts(event.data.get("custom_fields"))
    now = line(", ".join(_field(each) for each in every if words(each.get("name")) in changed))
    return written(
        "{by} changed custom fields: {fields}", by=event.by, fields=now or written("not said which")
    )


def _field(field: Body) -> str:
    value = field.get("value")
    held = value if isinstance(value, list) else [value]
    shown = ", ".join(line(words(str(each)), 100) for each in held if isinstance(each, str | int | float))
    name = _named(field, written("unnamed"))
    return written("{field} is now {value}", field=name, value=shown or written("empty"))


def _role_assigned(event: Event) -> str:
    given = next(iter(parts(event.data.get("incident_role_assignments"))), NOTHING)
    holder = person(given["assignee"]) if part(given, "assignee") else None
    return written(
        "{by} gave the PagerDuty role {role} to {name}",
        by=event.by,
        role=_named(part(given, "role"), _nameless()),
        name=holder.name if holder else written("nobody"),
    )


def _ping(event: Event) -> str:
    texts = (mark("PagerDuty sent a test event"), mark("PagerDuty sent a test event: {said}"))
    return _quoting(event.data.get("message"), texts)


def _unknown(event: Event) -> str:
    return f"{event.by}: {line(event.type, _LONGEST_TYPE)}"


_K = AlertKind

EVENTS: Mapping[str, tuple[AlertKind, Callable[[Event], str]]] = MappingProxyType(
    {
        "incident.triggered": (_K.TRIGGERED, _triggered),
        "incident.acknowledged": (_K.ACKNOWLEDGED, _did(mark("{by} acknowledged the alert"))),
        "incident.unacknowledged": (_K.UNACKNOWLEDGED, _unacknowledged),
        "incident.escalated": (_K.ESCALATED, _escalated),
        "incident.delegated": (_K.DELEGATED, _delegated),
        "incident.reassigned": (_K.REASSIGNED, _reassigned),
        "incident.responder.added": (_K.RESPONDER_ADDED, _responder_added),
        "incident.responder.replied": (_K.RESPONDER_REPLIED, _responder_replied),
        "incident.annotated": (_K.ANNOTATED, _annotated),
        "incident.status_update_published": (_K.STATUS_UPDATE, _status_update),
        "incident.priority_updated": (_K.PRIORITY_UPDATED, _priority_updated),
        "incident.service_updated": (_K.SERVICE_UPDATED, _service_updated),
        "incident.conference_bridge.updated": (_K.BRIDGE_UPDATED, _bridge_updated),
        "incident.resolved": (_K.RESOLVED, _resolved),
        "incident.reopened": (_K.REOPENED, _did(mark("{by} reopened the alert"))),
        "incident.incident_type.changed": (_K.TYPE_CHANGED, _type_changed),
        "incident.action_invocation.created": (
            _K.NOTED,
            _action(mark("Automation action {action} was started ({state})")),
        ),
        "incident.action_invocation.updated": (
            _K.NOTED,
            _action(mark("Automation action {action} went on ({state})")),
        ),
        "incident.action_invocation.terminated": (
            _K.NOTED,
            _action(mark("Automation action {action} ended ({state})")),
        ),
        "incident.custom_field_values.updated": (_K.NOTED, _fields_changed),
        "incident.role.assigned": (_K.NOTED, _role_assigned),
        "incident.task.created": (_K.NOTED, _task(mark("{by} added the PagerDuty task {task}"))),
        "incident.task.updated": (_K.NOTED, _task(mark("{by} changed the PagerDuty task {task}"))),
        "incident.task.completed": (_K.NOTED, _task(mark("{by} completed the PagerDuty task {task}"))),
        "incident.workflow.started": (_K.NOTED, _workflow(mark("Workflow {workflow} started"))),
        "incident.workflow.completed": (_K.NOTED, _workflow(mark("Workflow {workflow} completed"))),
        "pagey.ping": (_K.NOTED, _ping),
        "service.created": (_K.NOTED, _service(mark("{by} created the service {service}"))),
        "service.updated": (_K.NOTED, _service(mark("{by} changed the service {service}"))),
        "service.deleted": (_K.NOTED, _service(mark("{by} deleted the service {service}"))),
        "service.custom_field_values.updated": (
            _K.NOTED,
            _service(mark("{by} changed custom fields of the service {service}")),
        ),
    }
)


def read_event(body: bytes, *, webhook_id: str | None, received_at: datetime) -> Alert:
    """The alert of one webhook body; raises `Unreadable` only if the body is no event at all.

    `received_at` stands in for a time of the event that is missing or absurd. An event type that
    PagerDuty may add one day is `NOTED`, and so is one that should name an incident and does not.
    """
    envelope = _envelope(body)
    event = _event(envelope)
    kind, tell = EVENTS.get(event.type, (AlertKind.NOTED, _unknown))
    key = ident(event.incident.get("id"))
    at = _occurred_at(envelope, received_at)
    return Alert(
        source=SOURCE,
        key=key,
        kind=kind if key else AlertKind.NOTED,
        vendor_kind=event.type,
        event_id=ident(envelope.get("id")) or f"body:{hashlib.sha256(body).hexdigest()}",
        webhook_id=ident(webhook_id),
        occurred_at=at,
        actor=event.actor,
        subject=event.subject if key else None,
        text=line(tell(event), _LONGEST_NOTE + 200),
        message=_message(event, kind) if key else "",
        facts=_facts(event, kind, at),
    )


def _message(event: Event, kind: AlertKind) -> str:
    """What a person told stakeholders, who were not told it by us; of a long one the end may be missing."""
    said = line(words(event.data.get("message")), _LONGEST_UPDATE)
    if kind is not AlertKind.STATUS_UPDATE or event.actor is None or is_marked(said):
        return ""
    return f"{said}…" if said and event.data.get("trimmed") is True else said


def _envelope(body: bytes) -> Body:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON") from error
    envelope = part(said, "event")
    if not envelope:
        raise Unreadable('the body has no "event" object')
    if not words(envelope.get("event_type")):
        raise Unreadable('the event has no "event_type"')
    return envelope


def _event(envelope: Body) -> Event:
    kind, data = line(words(envelope.get("event_type")), _LONGEST_TYPE), part(envelope, "data")
    about = NOTHING if kind.startswith(("service.", "pagey.")) else _incident(data)
    return Event(type=kind, agent=part(envelope, "agent"), data=data, incident=about)


def _incident(data: Body) -> Body:
    """Find the incident: the body itself, beside the body, or in a role assignment."""
    if data.get("type") in ("incident", "incident_reference"):
        return data
    assignments = parts(data.get("incident_role_assignments"))
    beside = [part(data, "incident"), *(part(each, "incident") for each in assignments)]
    return next((each for each in beside if each), NOTHING)


def _occurred_at(envelope: Body, received_at: datetime) -> datetime:
    said = moment(envelope.get("occurred_at"))
    return said if said and said <= received_at + _CLOCKS_MAY_DIFFER_BY else received_at


def _facts(event: Event, kind: AlertKind, at: datetime) -> Facts:
    if not event.incident:
        return _facts_of_service(event) if event.type.startswith("service.") else Facts()
    if event.incident is not event.data:
        return _with_what_the_kind_adds(facts_of_reference(event.incident), event, kind, at=at)
    return _with_what_the_kind_adds(facts_of_incident(event.data), event, kind, at=at)


def _facts_of_service(event: Event) -> Facts:
    service = part(event.data, "service") or event.data
    return Facts(
        service_id=ident(service.get("id")),
        service_name=words(service.get("summary")),
        url=address(service.get("html_url")),
    )


def _with_what_the_kind_adds(known: Facts, event: Event, kind: AlertKind, *, at: datetime) -> Facts:
    match kind:
        case AlertKind.ACKNOWLEDGED:
            return replace(known, acknowledged_by=event.actor, acknowledged_at=at)
        case AlertKind.PRIORITY_UPDATED if event.data.get("priority", known) is None:
            # None would mean that nothing was said; an empty name says that there is none now.
            return replace(known, priority="")
        case AlertKind.RESPONDER_ADDED | AlertKind.RESPONDER_REPLIED:
            comes = event.subject if event.data.get("state") != "declined" else None
            return replace(known, responders=(comes,) if comes else None)
        case AlertKind.BRIDGE_UPDATED:
            return replace(known, bridge=bridge(event.data) or Bridge())
        case _:
            return known
