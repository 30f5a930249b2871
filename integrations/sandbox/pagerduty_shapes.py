"""How PagerDuty's REST API shows its objects. Pure: state in, JSON out."""

from collections.abc import Collection
from datetime import datetime

from integrations.sandbox.pagerduty_model import (
    API,
    FIRST_HANDOFF,
    WEEK,
    Account,
    Alert,
    Incident,
    Json,
    Note,
    Policy,
    Priority,
    Responder,
    Schedule,
    Service,
    User,
    stamp,
)


def user_json(account: Account, user: User) -> Json:
    """Give a user as GET /users/{id} does."""
    return {
        **user.ref(),
        "type": "user",
        "name": user.name,
        "email": user.email,
        "time_zone": user.time_zone,
        "color": "green",
        "role": "user",
        "avatar_url": "https://pd-static-assets.pagerduty.com/users/blank-avatar.png",
        "description": None,
        "invitation_sent": False,
        "job_title": user.job_title,
        "created_via_sso": False,
        "contact_methods": [],
        "notification_rules": [],
        "teams": [team.ref() for team in account.teams.values()],
    }


def service_json(account: Account, service: Service) -> Json:
    """Give a service as GET /services/{id} does."""
    return {
        **service.ref(),
        "type": "service",
        "name": service.name,
        "description": f"The {service.name} service",
        "auto_resolve_timeout": None,
        "acknowledgement_timeout": None,
        "created_at": stamp(service.created_at),
        "status": _service_status(account, service),
        "alert_creation": "create_alerts_and_incidents",
        "integrations": [service.integration_ref()],
        "escalation_policy": account.policies[service.policy].ref(),
        "teams": [account.teams[service.team].ref()] if service.team else [],
        "incident_urgency_rule": {"type": "constant", "urgency": "high"},
        "support_hours": None,
        "scheduled_actions": [],
        "addons": [],
    }


def _service_status(account: Account, service: Service) -> str:
    mine = [incident for incident in account.incidents.values() if incident.service == service.id]
    if any(incident.status == "triggered" for incident in mine):
        return "critical"
    return "warning" if any(incident.open for incident in mine) else "active"


def policy_json(account: Account, policy: Policy) -> Json:
    """Give an escalation policy as GET /escalation_policies/{id} does."""
    return {
        **policy.ref(),
        "type": "escalation_policy",
        "name": policy.name,
        "on_call_handoff_notifications": "if_has_services",
        "escalation_rules": [
            {
                "id": f"{policy.id[:-1]}{level}",
                "escalation_delay_in_minutes": rule.delay_minutes,
                "targets": [_target(account, kind, ident) for kind, ident in rule.targets],
            }
            for level, rule in enumerate(policy.rules, start=1)
        ],
        "services": [service.ref() for service in account.services.values() if service.policy == policy.id],
        "num_loops": 0,
        "teams": [account.teams[policy.team].ref()] if policy.team else [],
        "description": None,
    }


def _target(account: Account, kind: str, ident: str) -> Json:
    return account.users[ident].ref() if kind == "user" else account.schedules[ident].ref()


def schedule_json(account: Account, schedule: Schedule, now: datetime) -> Json:
    """Give a schedule as GET /schedules/{id} does, rendered for the present week."""
    shift = schedule.shift(now)
    entries = []
    if shift:
        user, start, end = shift
        entries = [{"start": stamp(start), "end": stamp(end), "user": account.users[user].ref()}]
    rendered = {"rendered_schedule_entries": entries, "rendered_coverage_percentage": 100.0 if shift else 0.0}
    users = [account.users[user].ref() for user in schedule.users]
    return {
        **schedule.ref(),
        "type": "schedule",
        "name": schedule.name,
        "time_zone": "Etc/UTC",
        "description": None,
        "escalation_policies": [
            policy.ref()
            for policy in account.policies.values()
            if any(("schedule", schedule.id) in rule.targets for rule in policy.rules)
        ],
        "users": users,
        "teams": [],
        "schedule_layers": [
            {
                "id": f"{schedule.id[:-1]}L",
                "name": "Layer 1",
                "start": stamp(FIRST_HANDOFF),
                "end": None,
                "rotation_virtual_start": stamp(FIRST_HANDOFF),
                "rotation_turn_length_seconds": int(WEEK.total_seconds()),
                "users": [{"user": user} for user in users],
                "restrictions": [],
                **rendered,
            }
        ],
        "overrides_subschedule": {"name": "Overrides", "rendered_schedule_entries": []},
        "final_schedule": {"name": "Final Schedule", **rendered},
    }


def priority_json(priority: Priority) -> Json:
    """Give a priority as GET /priorities does."""
    return {
        "id": priority.id,
        "type": "priority",
        "summary": priority.name,
        "self": f"{API}/priorities/{priority.id}",
        "html_url": None,
        "name": priority.name,
        "description": priority.description,
    }


def oncalls(account: Account, now: datetime) -> list[Json]:
    """Give who is on call now, one entry per policy level and target; permanent ones have no start.

    A schedule which no policy uses has no entry, as at PagerDuty.
    """
    entries = []
    for policy in account.policies.values():
        for level, rule in enumerate(policy.rules, start=1):
            for kind, ident in rule.targets:
                entry = _oncall(account, kind, ident, now=now)
                if entry:
                    entries.append({"escalation_policy": policy.ref(), "escalation_level": level, **entry})
    return entries


def _oncall(account: Account, kind: str, ident: str, *, now: datetime) -> Json | None:
    if kind == "user":
        return {"schedule": None, "user": account.users[ident].ref(), "start": None, "end": None}
    schedule = account.schedules[ident]
    shift = schedule.shift(now)
    if shift is None:
        return None
    user, start, end = shift
    return {
        "schedule": schedule.ref(),
        "user": account.users[user].ref(),
        "start": stamp(start),
        "end": stamp(end),
    }


def incident_json(account: Account, incident: Incident, include: Collection[str] = ()) -> Json:
    """Give an incident as GET /incidents/{id} does; `include` turns references into objects."""
    service, policy = account.services[incident.service], account.policies[incident.policy]
    priority = account.priorities[incident.priority] if incident.priority else None
    open_alerts = sum(alert.status == "triggered" for alert in incident.alerts)
    shape = {
        **incident.ref(),
        "type": "incident",
        "summary": f"[#{incident.number}] {incident.title}",
        "incident_number": incident.number,
        "title": incident.title,
        "description": incident.title,
        "created_at": stamp(incident.created_at),
        "updated_at": stamp(incident.updated_at),
        "status": incident.status,
        "incident_key": incident.key,
        "service": service_json(account, service) if "services" in include else service.ref(),
        "assignments": _people_at(account, incident.assignees, "assignee", full="assignees" in include),
        "assigned_via": "escalation_policy",
        "last_status_change_at": stamp(incident.status_at),
        "resolved_at": stamp(incident.resolved_at),
        "alert_counts": {
            "all": len(incident.alerts),
            "triggered": open_alerts,
            "resolved": len(incident.alerts) - open_alerts,
        },
        "is_mergeable": incident.open,
        "incident_type": {"name": incident.type_name},
        "escalation_policy": policy_json(account, policy)
        if "escalation_policies" in include
        else policy.ref(),
        "teams": [account.teams[policy.team].ref()] if policy.team else [],
        "pending_actions": [],
        "acknowledgements": _people_at(
            account, incident.acks, "acknowledger", full="acknowledgers" in include
        ),
        "last_status_change_by": incident.changed_by,
        "priority": priority_json(priority) if priority else None,
        "resolve_reason": incident.resolve_reason(),
        "conference_bridge": incident.bridge(),
        "incidents_responders": [responder_json(account, incident, each) for each in incident.responders],
        "responder_requests": [],
        "urgency": incident.urgency,
    }
    if incident.details:
        shape["body"] = {"type": "incident_body", "details": incident.details}
    return shape


def _people_at(account: Account, people: list[tuple[str, datetime]], role: str, *, full: bool) -> list[Json]:
    shown = [(account.users[user], at) for user, at in people]
    return [{"at": stamp(at), role: user_json(account, user) if full else user.ref()} for user, at in shown]


def note_json(account: Account, note: Note) -> Json:
    """Give a note as GET /incidents/{id}/notes does."""
    return {
        "id": note.id,
        "user": account.users[note.user].ref(),
        "channel": {"summary": "The PagerDuty website or APIs"},
        "content": note.text,
        "created_at": stamp(note.created_at),
        "updated_at": stamp(note.created_at),
    }


def update_json(account: Account, update: Note) -> Json:
    """Give a status update as POST /incidents/{id}/status_updates does."""
    return {
        "id": update.id,
        "message": update.text,
        "sender": account.users[update.user].ref(),
        "created_at": stamp(update.created_at),
    }


def alert_json(account: Account, incident: Incident, alert: Alert) -> Json:
    """Give an alert as GET /incidents/{id}/alerts does."""
    service = account.services[incident.service]
    return {
        "id": alert.id,
        "type": "alert",
        "summary": alert.summary,
        "self": f"{incident.ref()['self']}/alerts/{alert.id}",
        "html_url": f"{incident.ref()['html_url']}/alerts/{alert.id}",
        "created_at": stamp(alert.created_at),
        "resolved_at": stamp(alert.resolved_at),
        "status": alert.status,
        "alert_key": alert.key,
        "service": service.ref(),
        "body": {"type": "alert_body", "contexts": [], "details": alert.details},
        "incident": incident.ref(),
        "suppressed": False,
        "severity": alert.severity,
        "integration": service.integration_ref(),
    }


def responder_json(account: Account, incident: Incident, responder: Responder) -> Json:
    """Give a responder as an incident's `incidents_responders` does."""
    return {
        # Webhooks say "accepted" for what REST calls "joined".
        "state": "joined" if responder.state == "accepted" else responder.state,
        "user": account.users[responder.user].ref(),
        "incident": incident.ref(),
        "updated_at": stamp(responder.requested_at),
        "message": responder.message,
        "requester": account.users[responder.requester].ref(),
        "requested_at": stamp(responder.requested_at),
    }
