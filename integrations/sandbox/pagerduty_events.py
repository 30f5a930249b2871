"""V3 webhook bodies, one function per kind of `data`, shaped like the bodies PagerDuty sends.

Pure: state in, JSON out. Which change sends which event is decided in `pagerduty_changes`.
"""

import json
import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.deliveries import Event
from integrations.sandbox.pagerduty_model import (
    WEB,
    Account,
    Incident,
    Json,
    Note,
    Responder,
    Service,
    make_id,
    reference,
    stamp,
)

# Longer texts arrive cut, with `trimmed` set: bodies stay below 55 KB.
LONGEST_TEXT = 10_000


def event(  # noqa: PLR0913  # the envelope has this many parts
    event_type: str,
    data: Json,
    *,
    now: datetime,
    agent: Json | None,
    resource: str,
    scopes: Sequence[str] = (),
) -> Event:
    """Wrap `data` in the envelope; `resource` is what deliveries keep in order, `scopes` what filters see."""
    ident = secrets.token_hex(13).upper()
    envelope = {
        "id": ident,
        "event_type": event_type,
        "resource_type": event_type.partition(".")[0],
        "occurred_at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z",
        "agent": agent,
        "client": None,
        "data": data,
    }
    body = json.dumps({"event": envelope}, separators=(",", ":"), ensure_ascii=False).encode()
    return Event(ident, event_type, resource, body, tuple(scopes))


def incident_data(account: Account, incident: Incident) -> Json:
    """Give the whole incident, as most events carry it; a resolved one has no assignees any more."""
    policy = account.policies[incident.policy]
    service = account.services[incident.service]
    return {
        "id": incident.id,
        "type": "incident",
        "self": incident.ref()["self"],
        "html_url": incident.ref()["html_url"],
        "number": incident.number,
        "status": incident.status,
        "incident_key": incident.key,
        "created_at": stamp(incident.created_at),
        "reopened_at": stamp(incident.reopened_at),
        "title": incident.title,
        "service": service.ref(),
        "assignees": [account.users[user].ref() for user, _ in incident.assignees],
        "escalation_policy": policy.ref(),
        "teams": [account.teams[policy.team].ref()] if policy.team else [],
        "priority": account.priorities[incident.priority].ref() if incident.priority else None,
        "urgency": incident.urgency,
        "conference_bridge": incident.bridge(),
        "resolve_reason": incident.resolve_reason(),
        "incident_type": {"name": incident.type_name},
    }


def note_data(incident: Incident, note: Note) -> Json:
    """Give what `incident.annotated` carries."""
    return {
        "incident": incident.ref(),
        "id": note.id,
        "content": note.text[:LONGEST_TEXT],
        "trimmed": len(note.text) > LONGEST_TEXT,
        "type": "incident_note",
    }


def update_data(incident: Incident, update: Note) -> Json:
    """Give what `incident.status_update_published` carries."""
    return {
        "incident": incident.ref(),
        "id": update.id,
        "message": update.text[:LONGEST_TEXT],
        "trimmed": len(update.text) > LONGEST_TEXT,
        "type": "incident_status_update",
    }


def bridge_data(incident: Incident) -> Json:
    """Give what `incident.conference_bridge.updated` carries."""
    number = incident.bridge_number
    return {
        "incident": incident.ref(),
        "conference_numbers": [{"label": "", "number": number}] if number else None,
        "conference_url": incident.bridge_url,
        "type": "incident_conference_bridge",
    }


def responder_data(account: Account, incident: Incident, responder: Responder, *, replied: bool) -> Json:
    """Give what `incident.responder.added` and `.replied` carry."""
    return {
        "incident": incident.ref(),
        "user": account.users[responder.user].ref(),
        "escalation_policy": None if replied else account.policies[incident.policy].ref(),
        "message": responder.message,
        "state": responder.state,
        "type": "incident_responder",
    }


def custom_fields_data(incident: Incident, before: Json) -> Json:
    """Give what `incident.custom_field_values.updated` carries; the changed ones show their old values."""
    return {
        "incident": incident.ref(),
        "custom_fields": [_field(name, value, "incidents") for name, value in incident.custom_fields.items()],
        "changed_custom_fields": [_field(name, value, "incidents") for name, value in before.items()],
        "type": "incident_field_values",
    }


def service_fields_data(service: Service, before: Json) -> Json:
    """Give what `service.custom_field_values.updated` carries."""
    return {
        "service": service.ref(),
        "custom_fields": [_field(name, value) for name, value in service.custom_fields.items()],
        "changed_custom_fields": [_field(name, value) for name, value in before.items()],
        "type": "service_field_values",
    }


def service_data(account: Account, service: Service) -> Json:
    """Give what `service.created`, `.updated` and `.deleted` carry."""
    return {
        **service.ref(),
        "alert_creation": "create_alerts_and_incidents",
        "teams": [account.teams[service.team].ref()] if service.team else [],
        "type": "service",
    }


def task_data(account: Account, incident: Incident, name: str, *, status: str, assignee: str | None) -> Json:
    """Give what `incident.task.created`, `.updated` and `.completed` carry."""
    return {
        "name": name,
        "description": name,
        "id": make_id(f"task {incident.id} {name}"),
        "summary": name,
        "type": "incident_task",
        "status": status,
        "assignees": [account.users[assignee].ref()] if assignee else [],
        "incident": incident.ref(),
    }


def role_data(account: Account, incident: Incident, role: str, *, assignee: str) -> Json:
    """Give what `incident.role.assigned` carries."""
    assignment = {
        "assignee": account.users[assignee].ref(),
        "id": str(uuid.uuid4()),
        "incident": incident.ref(),
        "old_assignee": None,
        "role": {"id": make_id(f"role {role}"), "summary": role, "type": "role_reference"},
        "status": "active",
        "type": "role_assignment_reference",
    }
    return {"type": "incident_role_assignment", "incident_role_assignments": [assignment]}


def workflow_data(account: Account, incident: Incident, name: str) -> Json:
    """Give what `incident.workflow.started` and `.completed` carry."""
    flow = reference("incident_workflow", "incident_workflows", make_id(f"workflow {name}"), name)
    flow["html_url"] = f"{WEB}/incident-workflows/workflows/{flow['id']}"
    trigger_id = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    trigger = reference(
        "workflow_trigger", "incident_workflows/triggers", trigger_id, "Manual Incident Trigger"
    )
    return {
        "id": make_id(f"run {incident.id} {name}"),
        "type": "incident_workflow_instance",
        "summary": name,
        "incident_workflow": flow,
        "workflow_trigger": {**trigger, "html_url": None},
        "incident": incident.ref(),
        "service": account.services[incident.service].ref(),
    }


def action_data(incident: Incident, name: str, state: str) -> Json:
    """Give what `incident.action_invocation.created`, `.updated` and `.terminated` carry."""
    action = make_id(f"action {name}", prefix="01", length=26)
    run = make_id(f"run {incident.id} {name}", prefix="01", length=26)
    page = f"{WEB}/rundeck-actions/actions/{action}"
    return {
        "id": run,
        "self": reference("invocation", "automation/invocations", run, name)["self"],
        "html_url": f"{page}/invocations/{run}/report",
        "incident": incident.ref(),
        "action": {**reference("action", "automation/actions", action, name), "html_url": page},
        "state": state,
        "type": "incident_action_invocation",
    }


def ping_data() -> Json:
    """Give what `pagey.ping` carries."""
    return {"message": "Hello from your friend Pagey!", "type": "ping"}


def _field(name: str, value: Any, namespace: str | None = None) -> Json:
    shape = {
        "data_type": "string",
        "field_type": "multi_value" if isinstance(value, list) else "single_value",
        "id": make_id(f"field {name}"),
        "name": name,
    }
    return {**shape, **({"namespace": namespace} if namespace else {}), "type": "field_value", "value": value}
