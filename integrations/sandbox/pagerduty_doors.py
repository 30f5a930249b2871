"""What people and monitors do in PagerDuty: each door changes the account and tells the subscribers.

Tests, the demo and the control routes come through here, and so do the REST and Events endpoints,
so that a change looks the same whoever makes it. People are named by id, e-mail, name or first name;
`by=None` means a monitor did it.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from integrations.sandbox import pagerduty_events as events
from integrations.sandbox.deliveries import Deliveries
from integrations.sandbox.pagerduty_model import (
    Account,
    Alert,
    Incident,
    Json,
    Note,
    Responder,
    Service,
    make_id,
)
from integrations.sandbox.world import World

P = ParamSpec("P")
R = TypeVar("R")


def locked(method: Callable[Concatenate["Doors", P], R]) -> Callable[Concatenate["Doors", P], R]:
    """Run a door under the world's lock, and say afterwards that something changed."""

    @wraps(method)
    def door(self: "Doors", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.world.lock:
            outcome = method(self, *args, **kwargs)
        self.world.touch()
        return outcome

    return door


class Doors:
    """The changes an account goes through; unknown people or objects raise KeyError."""

    world: World
    account: Account
    deliveries: Deliveries

    def now(self) -> datetime:
        """Tell the sandbox's time."""
        return self.world.clock.now()

    @locked
    def trigger(  # noqa: PLR0913  # an incident has this many facets
        self,
        title: str,
        service: str = "checkout",
        *,
        urgency: str = "high",
        priority: str | None = None,
        assignees: Sequence[str] | None = None,
        key: str | None = None,
        by: str | None = None,
        severity: str = "critical",
        details: Any = None,
        policy: str | None = None,
    ) -> str:
        """Open an incident and give its id; a key that is open on this service only adds an alert to it."""
        owner = self.account.service(service)
        known = self.account.open_with_key(owner, key) if key else None
        if known is None:
            known = self._open(title, owner, key=key or secrets.token_hex(16), by=by)
            known.urgency = urgency
            known.policy = policy or known.policy
            known.priority = self.account.priority(priority).id if priority else None
            self._assign(known, [self.account.user(who).id for who in assignees] if assignees else None)
            if by is None:
                self._add_alert(known, title, severity=severity, details=details)
            self._tell_whole("incident.triggered", known, by)
        else:
            self._add_alert(known, title, severity=severity, details=details)
        return known.id

    @locked
    def acknowledge(self, incident: str, by: str) -> None:
        """Acknowledge: somebody looks at it."""
        found, user = self.account.incidents[incident], self.account.user(by)
        found.acks = [ack for ack in found.acks if ack[0] != user.id] + [(user.id, self.now())]
        self._set_status(found, "acknowledged", by)
        self._tell_whole("incident.acknowledged", found, by)

    @locked
    def acknowledge_by_monitor(self, incident: str) -> None:
        """Acknowledge through the Events API, which names no person."""
        found = self.account.incidents[incident]
        self._set_status(found, "acknowledged", None)
        self._tell_whole("incident.acknowledged", found, None)

    @locked
    def unacknowledge(self, incident: str, by: str | None = None) -> None:
        """Let the acknowledgement run out; by itself (None) or by a person."""
        found = self.account.incidents[incident]
        found.acks.clear()
        self._set_status(found, "triggered", by)
        self._tell_whole("incident.unacknowledged", found, by)

    @locked
    def resolve(self, incident: str, by: str | None = None) -> None:
        """Resolve, by a person or (None) because the monitor reports recovery."""
        self._resolve(self.account.incidents[incident], by)

    @locked
    def merge(self, incident: str, into: str, by: str) -> None:
        """Merge: the incident's alerts go over to the other one, and it is resolved itself."""
        found, target = self.account.incidents[incident], self.account.incidents[into]
        target.alerts += found.alerts
        found.alerts, found.merged_into = [], target
        self._resolve(found, by)

    def _resolve(self, found: Incident, by: str | None) -> None:
        found.resolved_at = self.now()
        found.assignees.clear()
        found.acks.clear()
        for alert in found.alerts:
            alert.status, alert.resolved_at = "resolved", alert.resolved_at or found.resolved_at
        self._set_status(found, "resolved", by)
        self._tell_whole("incident.resolved", found, by)

    @locked
    def reopen(self, incident: str, by: str) -> None:
        """Open a resolved incident again, assigned as its policy says."""
        found = self.account.incidents[incident]
        found.resolved_at, found.reopened_at, found.level = None, self.now(), 1
        self._assign(found, None)
        self._set_status(found, "triggered", by)
        self._tell_whole("incident.reopened", found, by)

    @locked
    def escalate(self, incident: str, by: str | None = None, level: int | None = None) -> None:
        """Go to the next level of the policy, or to a given one; the last level stays."""
        found = self.account.incidents[incident]
        rules = self.account.policies[found.policy].rules
        found.level = min(level or found.level + 1, len(rules))
        found.acks.clear()
        found.status = "triggered"
        self._assign(found, None)
        self._tell_whole("incident.escalated", found, by)

    @locked
    def delegate(self, incident: str, policy: str, by: str) -> None:
        """Hand the incident to another escalation policy."""
        found = self.account.incidents[incident]
        found.policy, found.level = self.account.policy(policy).id, 1
        self._assign(found, None)
        self._tell_whole("incident.delegated", found, by)

    @locked
    def reassign(self, incident: str, to: str | Sequence[str], by: str | None = None) -> None:
        """Assign the incident to one or several people."""
        found = self.account.incidents[incident]
        names = [to] if isinstance(to, str) else to
        self._assign(found, [self.account.user(who).id for who in names])
        self._tell_whole("incident.reassigned", found, by)

    @locked
    def add_responder(self, incident: str, who: str, by: str, *, message: str | None = None) -> Responder:
        """Ask somebody to help."""
        found = self.account.incidents[incident]
        text = message or f'Please help with "{found.title}"'
        responder = Responder(self.account.user(who).id, self.account.user(by).id, text, self.now())
        found.responders.append(responder)
        data = events.responder_data(self.account, found, responder, replied=False)
        self._tell("incident.responder.added", found, data, by=by)
        return responder

    @locked
    def responder_replied(
        self, incident: str, who: str, answer: str = "accepted", *, message: str = ""
    ) -> None:
        """Let a person who was asked answer: "accepted" or "declined"."""
        found, user = self.account.incidents[incident], self.account.user(who)
        responder = next((each for each in found.responders if each.user == user.id), None)
        if responder is None:
            raise KeyError(who)
        responder.state, responder.message = answer, message or responder.message
        data = events.responder_data(self.account, found, responder, replied=True)
        self._tell("incident.responder.replied", found, data, by=who)

    @locked
    def annotate(self, incident: str, text: str, by: str) -> Note:
        """Leave a note."""
        found = self.account.incidents[incident]
        note = self._note("note", text, by)
        found.notes.append(note)
        self._tell("incident.annotated", found, events.note_data(found, note), by=by)
        return note

    @locked
    def status_update(self, incident: str, text: str, by: str) -> Note:
        """Publish an update for stakeholders."""
        found = self.account.incidents[incident]
        update = self._note("update", text, by)
        found.updates.append(update)
        self._tell("incident.status_update_published", found, events.update_data(found, update), by=by)
        return update

    @locked
    def set_priority(self, incident: str, priority: str | None, by: str | None) -> None:
        """Change or (None) take away the priority; by automation if by nobody."""
        found = self.account.incidents[incident]
        found.priority = self.account.priority(priority).id if priority else None
        self._tell_whole("incident.priority_updated", found, by)

    @locked
    def change_service(self, incident: str, service: str, by: str) -> None:
        """Move the incident to another service; assignments stay."""
        found = self.account.incidents[incident]
        found.service = self.account.service(service).id
        self._tell_whole("incident.service_updated", found, by)

    @locked
    def set_bridge(
        self, incident: str, url: str | None, number: str | None = None, *, by: str = "Ana"
    ) -> None:
        """Set the conference bridge's address and telephone number."""
        found = self.account.incidents[incident]
        found.bridge_url, found.bridge_number = url, number
        self._tell("incident.conference_bridge.updated", found, events.bridge_data(found), by=by)

    @locked
    def change_type(self, incident: str, type_name: str, by: str) -> None:
        """Change the incident type, say to "major_incident"."""
        found = self.account.incidents[incident]
        found.type_name = type_name
        self._tell_whole("incident.incident_type.changed", found, by)

    @locked
    def set_custom_field(self, incident: str, name: str, value: Any, *, by: str) -> None:
        """Change one custom field of an incident."""
        found = self.account.incidents[incident]
        before = {name: found.custom_fields.get(name)}
        found.custom_fields[name] = value
        data = events.custom_fields_data(found, before)
        self._tell("incident.custom_field_values.updated", found, data, by=by)

    @locked
    def task(
        self, incident: str, name: str, by: str, *, status: str = "created", assignee: str | None = None
    ) -> None:
        """Let a task of PagerDuty's own be `created`, `updated` or `completed`."""
        found = self.account.incidents[incident]
        whose = self.account.user(assignee).id if assignee else None
        shown = "completed" if status == "completed" else "todo"
        data = events.task_data(self.account, found, name, status=shown, assignee=whose)
        self._tell(f"incident.task.{status}", found, data, by=by)

    @locked
    def assign_role(self, incident: str, role: str, to: str, *, by: str) -> None:
        """Give somebody a role of PagerDuty's own, say "Incident Commander"."""
        found = self.account.incidents[incident]
        data = events.role_data(self.account, found, role, assignee=self.account.user(to).id)
        self._tell("incident.role.assigned", found, data, by=by)

    @locked
    def workflow(self, incident: str, name: str = "Major incident", by: str | None = None) -> None:
        """Let an incident workflow start and complete."""
        found = self.account.incidents[incident]
        data = events.workflow_data(self.account, found, name)
        self._tell("incident.workflow.started", found, data, by=by)
        scopes = (found.service,)
        self._send("incident.workflow.completed", data, agent=None, resource=found.id, scopes=scopes)

    @locked
    def action(self, incident: str, name: str, by: str, *, state: str = "created") -> None:
        """Let an automation action be `created`, `running` or `completed`."""
        found = self.account.incidents[incident]
        suffix = {"created": "created", "running": "updated"}.get(state, "terminated")
        data = events.action_data(found, name, state)
        self._tell(f"incident.action_invocation.{suffix}", found, data, by=by)

    @locked
    def ping(self, by: str = "Ana") -> None:
        """Send what the "Send Test Event" button sends, to every subscription."""
        user = self.account.user(by)
        agent = {"id": user.id, "type": "user_reference"}
        self._send("pagey.ping", events.ping_data(), agent=agent, resource="pagey")

    @locked
    def create_service(self, name: str, policy: str = "Commerce", by: str | None = None) -> str:
        """Add a service and give its id; its routing key is `key-<name>`."""
        ident, owner = make_id(f"service {name}"), self.account.policy(policy)
        service = Service(ident, name, owner.id, f"key-{name}", self.now(), owner.team)
        self.account.services[ident] = service
        self._tell_service("created", service, by)
        return ident

    @locked
    def rename_service(self, service: str, name: str, by: str | None = None) -> None:
        """Give a service another name."""
        found = self.account.service(service)
        found.name = name
        self._tell_service("updated", found, by)

    @locked
    def delete_service(self, service: str, by: str | None = None) -> None:
        """Delete a service without incidents; ValueError if it has any, for they stay readable."""
        found = self.account.service(service)
        if any(incident.service == found.id for incident in self.account.incidents.values()):
            raise ValueError(f"{service} has incidents")
        del self.account.services[found.id]
        self._tell_service("deleted", found, by)

    @locked
    def set_service_field(self, service: str, name: str, value: Any, *, by: str) -> None:
        """Change one custom field of a service."""
        found = self.account.service(service)
        before = {name: found.custom_fields.get(name)}
        found.custom_fields[name] = value
        agent = self.account.user(by).ref()
        data = events.service_fields_data(found, before)
        event_type = "service.custom_field_values.updated"
        self._send(event_type, data, agent=agent, resource=found.id, scopes=(found.id,))

    @locked
    def set_on_call(self, schedule: str, who: str | None) -> None:
        """Make somebody the one on call on a schedule, or nobody (None); no webhook says so."""
        found = self.account.schedule(schedule)
        found.users = [self.account.user(who).id] if who else []

    def _open(self, title: str, service: Service, *, key: str, by: str | None) -> Incident:
        self.account.numbers += 1
        now, number = self.now(), self.account.numbers
        incident = Incident(
            id=make_id(f"incident {number}", prefix="Q", length=14),
            number=number,
            title=title,
            service=service.id,
            policy=service.policy,
            key=key,
            created_at=now,
            updated_at=now,
            status_at=now,
            changed_by=self.account.user(by).ref() if by else service.ref(),
        )
        self.account.incidents[incident.id] = incident
        return incident

    def _add_alert(self, incident: Incident, summary: str, *, severity: str, details: Any) -> None:
        ident = make_id(f"alert {incident.id} {len(incident.alerts)}", prefix="Q", length=14)
        incident.alerts.append(Alert(ident, incident.key, summary, severity, self.now(), details))

    def _assign(self, incident: Incident, users: Sequence[str] | None) -> None:
        policy = self.account.policies[incident.policy]
        chosen = self.account.on_call(policy, incident.level, self.now()) if users is None else users
        incident.assignees = [(user, self.now()) for user in chosen]

    def _set_status(self, incident: Incident, status: str, by: str | None) -> None:
        incident.status, incident.status_at = status, self.now()
        service = self.account.services[incident.service]
        # REST names the service where no person did it; webhooks name its integration.
        incident.changed_by = self.account.user(by).ref() if by else service.ref()

    def _note(self, kind: str, text: str, by: str) -> Note:
        return Note(make_id(f"{kind} {secrets.token_hex(8)}"), text, self.account.user(by).id, self.now())

    def _agent(self, incident: Incident, by: str | None) -> Json:
        return (
            self.account.user(by).ref() if by else self.account.services[incident.service].integration_ref()
        )

    def _tell_whole(self, event_type: str, incident: Incident, by: str | None) -> None:
        self._tell(event_type, incident, events.incident_data(self.account, incident), by=by)

    def _tell(self, event_type: str, incident: Incident, data: Json, *, by: str | None) -> None:
        incident.updated_at = self.now()
        agent = self._agent(incident, by)
        self._send(event_type, data, agent=agent, resource=incident.id, scopes=(incident.service,))

    def _tell_service(self, what: str, service: Service, by: str | None) -> None:
        agent = self.account.user(by).ref() if by else None
        data = events.service_data(self.account, service)
        self._send(f"service.{what}", data, agent=agent, resource=service.id, scopes=(service.id,))

    def _send(
        self, event_type: str, data: Json, *, agent: Json | None, resource: str, scopes: Sequence[str] = ()
    ) -> None:
        self.deliveries.send(
            events.event(event_type, data, now=self.now(), agent=agent, resource=resource, scopes=scopes)
        )
