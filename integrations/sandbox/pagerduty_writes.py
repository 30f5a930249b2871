"""PagerDuty's writing endpoints: incidents, notes, responders, status updates, and the Events API."""

import json
import secrets
from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Route

from integrations.sandbox import pagerduty_shapes as shapes
from integrations.sandbox.pagerduty_doors import Doors
from integrations.sandbox.pagerduty_gate import Gate, Refusal
from integrations.sandbox.pagerduty_model import Incident, Json, Service, stamp
from integrations.sandbox.pagerduty_reads import found
from integrations.sandbox.world import Answer, Call

LARGEST_BULK = 250
LONGEST_KEY = 255
LARGEST_EVENT = 512 * 1024
SEVERITIES = {"critical", "error", "warning", "info"}


class Writes:
    """Answers what changes incidents; the changes themselves are the doors'."""

    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[BaseRoute]:
        """Give the routes below the API's root."""
        enqueue = self._doors.world.endpoint("pagerduty", "POST /v2/enqueue", self.enqueue)
        return [
            self._route("POST", "/incidents", self.create),
            self._route("PUT", "/incidents", self.change_many),
            self._route("PUT", "/incidents/{id}", self.change_one),
            self._route("POST", "/incidents/{id}/notes", self.annotate),
            self._route("POST", "/incidents/{id}/responder_requests", self.request_responders),
            self._route("POST", "/incidents/{id}/status_updates", self.publish_update),
            Route("/v2/enqueue", enqueue, methods=["POST"]),
        ]

    def create(self, call: Call) -> Answer:
        """Create an incident; a key that is open on the service is refused."""
        sender, wanted = self._gate.sender(call), wrapped(call, "incident")
        title, service = self._title_and_service(wanted)
        key = wanted.get("incident_key")
        if key and self._doors.account.open_with_key(service, key):
            raise Refusal(400, "Open incident with matching dedup key already exists on this service")
        ident = self._doors.trigger(
            title,
            service.id,
            urgency=wanted.get("urgency") or "high",
            priority=self._priority(wanted.get("priority")),
            assignees=self._assignees(wanted),
            key=key,
            by=sender.id,
            policy=self._policy(wanted),
        )
        incident = self._doors.account.incidents[ident]
        incident.details = (wanted.get("body") or {}).get("details")
        incident.type_name = (wanted.get("incident_type") or {}).get("name", incident.type_name)
        return Answer(201, {"incident": shapes.incident_json(self._doors.account, incident)})

    def change_one(self, call: Call) -> Answer:
        """Change one incident."""
        sender = self._gate.sender(call)
        incident = found(self._doors.account.incidents, call.path_params["id"])
        self._change(incident, wrapped(call, "incident"), sender.id)
        return Answer(200, {"incident": shapes.incident_json(self._doors.account, incident)})

    def change_many(self, call: Call) -> Answer:
        """Change up to 250 incidents; an unknown one refuses all."""
        sender, account = self._gate.sender(call), self._doors.account
        body = call.form_or_json
        changes = body.get("incidents") if isinstance(body, dict) else None
        if not isinstance(changes, list):
            raise Refusal(400, "Incidents must be an array")
        if len(changes) > LARGEST_BULK:
            raise Refusal(400, f"Cannot update more than {LARGEST_BULK} incidents")
        incidents = [found(account.incidents, change.get("id", "")) for change in changes]
        for incident, change in zip(incidents, changes, strict=True):
            self._change(incident, change, sender.id)
        return Answer(200, {"incidents": [shapes.incident_json(account, incident) for incident in incidents]})

    def annotate(self, call: Call) -> Answer:
        """Add a note."""
        sender = self._gate.sender(call)
        incident = found(self._doors.account.incidents, call.path_params["id"])
        text = wrapped(call, "note").get("content")
        if not text:
            raise Refusal(400, "Content cannot be empty")
        note = self._doors.annotate(incident.id, text, by=sender.id)
        return Answer(200, {"note": shapes.note_json(self._doors.account, note)})

    def request_responders(self, call: Call) -> Answer:
        """Ask people, or whoever is on call in policies, to help; needs the plan's ability."""
        account = self._doors.account
        if "coordinated_responding" not in account.abilities:
            raise Refusal(403)
        self._gate.sender(call)
        incident, body = found(account.incidents, call.path_params["id"]), call.fields
        requester = account.users.get(body.get("requester_id", ""))
        if requester is None:
            raise Refusal(400, "Requester User Not Found")
        message = body.get("message") or ""
        targets = [each["responder_request_target"] for each in body.get("responder_request_targets") or []]
        answered = [
            self._ask(incident, target, requester=requester.id, message=message) for target in targets
        ]
        request = {
            "incident": incident.ref(),
            "requester": requester.ref(),
            "requested_at": stamp(self._doors.now()),
            "message": message,
            "responder_request_targets": [{"responder_request_target": each} for each in answered],
        }
        return Answer(200, {"responder_request": request})

    def publish_update(self, call: Call) -> Answer:
        """Publish a status update."""
        sender = self._gate.sender(call)
        incident = found(self._doors.account.incidents, call.path_params["id"])
        text = call.fields.get("message")
        if not text:
            raise Refusal(400, "Message cannot be empty")
        update = self._doors.status_update(incident.id, text, by=sender.id)
        return Answer(200, {"status_update": shapes.update_json(self._doors.account, update)})

    def enqueue(self, call: Call) -> Answer:
        """Take an event of the Events API v2: trigger, acknowledge or resolve by `dedup_key`."""
        body = call.form_or_json
        if not isinstance(body, dict):
            # Monitors forget the content type; PagerDuty reads JSON all the same.
            body = _loaded(call.raw)
        errors = self._event_errors(call, body)
        if errors:
            return _invalid_event(errors)
        service = next(
            s for s in self._doors.account.services.values() if s.routing_key == body["routing_key"]
        )
        key = body.get("dedup_key") or secrets.token_hex(16)
        self._do_event(body, service, key)
        return Answer(202, {"status": "success", "message": "Event processed", "dedup_key": key})

    def _do_event(self, body: Json, service: Service, key: str) -> None:
        payload = body.get("payload") or {}
        known = self._doors.account.open_with_key(service, key)
        if body["event_action"] == "trigger":
            self._doors.trigger(
                payload["summary"],
                service.id,
                key=key,
                severity=payload["severity"],
                details=payload.get("custom_details"),
            )
        elif known and body["event_action"] == "resolve":
            self._doors.resolve(known.id)
        elif known:
            self._doors.acknowledge_by_monitor(known.id)

    def _event_errors(self, call: Call, body: Json) -> list[str]:
        if len(call.raw) > LARGEST_EVENT:
            return ["Event object is too large"]
        keys = {service.routing_key for service in self._doors.account.services.values()}
        payload = body.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        triggers = body.get("event_action") == "trigger"
        checks = [
            (body.get("routing_key") in keys, "Invalid routing key"),
            (body.get("event_action") in {"trigger", "acknowledge", "resolve"}, "'event_action' is invalid"),
            (
                len(str(body.get("dedup_key") or "")) <= LONGEST_KEY,
                "'dedup_key' is longer than 255 characters",
            ),
            (triggers or bool(body.get("dedup_key")), "'dedup_key' is missing or blank"),
            (not triggers or bool(payload.get("summary")), "'payload.summary' is missing or blank"),
            (not triggers or bool(payload.get("source")), "'payload.source' is missing or blank"),
            (not triggers or payload.get("severity") in SEVERITIES, "'payload.severity' is invalid"),
        ]
        return [problem for fine, problem in checks if not fine]

    def _title_and_service(self, wanted: Json) -> tuple[str, Service]:
        title = wanted.get("title")
        if wanted.get("type") != "incident":
            raise Refusal(400, "Incident type must be incident")
        if not title:
            raise Refusal(400, "Title can't be blank")
        service = self._doors.account.services.get((wanted.get("service") or {}).get("id", ""))
        if service is None:
            raise Refusal(400, "Service Not Found")
        return str(title), service

    def _assignees(self, wanted: Json) -> list[str] | None:
        ids = [each["assignee"]["id"] for each in wanted.get("assignments") or []]
        if any(ident not in self._doors.account.users for ident in ids):
            raise Refusal(400, "Assignee Not Found")
        return ids or None

    def _policy(self, wanted: Json) -> str | None:
        if not wanted.get("escalation_policy"):
            return None
        if wanted.get("assignments"):
            raise Refusal(400, "Cannot specify both an escalation policy and assignees")
        found = self._doors.account.policies.get(wanted["escalation_policy"].get("id"))
        if found is None:
            raise Refusal(400, "Escalation Policy Not Found")
        return found.id

    def _priority(self, wanted: Any) -> str | None:
        name = wanted.get("id") if isinstance(wanted, dict) else wanted
        if not name:
            return None
        try:
            return self._doors.account.priority(name).id
        except KeyError as error:
            raise Refusal(400, "Priority Not Found") from error

    def _change(self, incident: Incident, wanted: Json, by: str) -> None:
        doors = self._doors
        incident.title = wanted.get("title") or incident.title
        incident.urgency = wanted.get("urgency") or incident.urgency
        if wanted.get("status"):
            self._change_status(incident, wanted["status"], by)
        if "priority" in wanted:
            doors.set_priority(incident.id, self._priority(wanted["priority"]), by)
        if wanted.get("escalation_policy"):
            policy = found(doors.account.policies, wanted["escalation_policy"].get("id", ""))
            doors.delegate(incident.id, policy.id, by)
        if wanted.get("escalation_level"):
            doors.escalate(incident.id, by, int(wanted["escalation_level"]))
        self._change_rest(incident, wanted, by)

    def _change_rest(self, incident: Incident, wanted: Json, by: str) -> None:
        doors, assignees = self._doors, self._assignees(wanted)
        if assignees:
            doors.reassign(incident.id, assignees, by)
        if "conference_bridge" in wanted:
            bridge = wanted["conference_bridge"] or {}
            url, number = bridge.get("conference_url"), bridge.get("conference_number")
            doors.set_bridge(incident.id, url, number, by=by)
        if wanted.get("incident_type"):
            doors.change_type(incident.id, wanted["incident_type"]["name"], by)

    def _change_status(self, incident: Incident, status: str, by: str) -> None:
        doors = self._doors
        if status == "resolved":
            if not incident.open:
                raise Refusal(400, code=1001, message="Incident Already Resolved")
            doors.resolve(incident.id, by)
        elif status == "acknowledged":
            if any(user == by for user, _ in incident.acks):
                raise Refusal(400, code=1002, message="Incident Already Acknowledged")
            if not incident.open:
                doors.reopen(incident.id, by)
            doors.acknowledge(incident.id, by)
        elif status == "triggered" and not incident.open:
            doors.reopen(incident.id, by)
        else:
            raise Refusal(400, code=1003, message="Invalid Status Provided")

    def _ask(self, incident: Incident, target: Json, *, requester: str, message: str) -> Json:
        account, ident = self._doors.account, target.get("id", "")
        if target.get("type", "").startswith("escalation_policy"):
            policy = found(account.policies, ident)
            users = account.on_call(policy, 1, self._doors.now())
        else:
            users = [found(account.users, ident).id]
        asked = [self._doors.add_responder(incident.id, user, requester, message=message) for user in users]
        shown = [shapes.responder_json(account, incident, each) for each in asked]
        return {"type": target.get("type"), "id": ident, "incidents_responders": shown}

    def _route(self, verb: str, path: str, handler: Callable[[Call], Answer]) -> Route:
        endpoint = self._doors.world.endpoint("pagerduty", f"{verb} {path}", self._gate.admit(handler))
        return Route(path, endpoint, methods=[verb])


def wrapped(call: Call, name: str) -> Json:
    """Give the object a body wraps under `name`, or refuse with 400."""
    body = call.form_or_json
    wanted = body.get(name) if isinstance(body, dict) else None
    if not isinstance(wanted, dict):
        raise Refusal(400, f"{name.capitalize()} can't be blank")
    return wanted


def _loaded(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _invalid_event(errors: list[str]) -> Answer:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return Answer(400, body)
