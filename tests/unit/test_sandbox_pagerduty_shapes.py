"""What the PagerDuty stand-in says has PagerDuty's shape: recorded webhooks, published OpenAPI."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from openapi_schema_validator import OAS30ReadValidator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from integrations.sandbox.pagerduty import TOKEN, PagerDuty
from integrations.sandbox.server import Sandbox
from tests.unit.receiver import Receiver

HEADERS = {
    "Authorization": f"Token token={TOKEN}",
    "From": "ana@example.com",
    "Content-Type": "application/json",
}


@pytest.fixture(scope="module")
def payloads() -> Path:
    folder = os.environ.get("MULTIVAC_PAYLOADS")
    if not folder:
        pytest.skip("no recorded payloads")
    return Path(folder)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.seed()
        yield sandbox


@pytest.fixture(scope="module")
def published(payloads: Path) -> Any:
    return json.loads((payloads / "specs" / "pagerduty-rest-openapi.json").read_text())


def everything(pagerduty: PagerDuty) -> None:
    """Let each kind of event happen once at least."""
    ident = pagerduty.trigger("down", priority="P1")
    pagerduty.acknowledge(ident, by="Bo")
    pagerduty.unacknowledge(ident)
    pagerduty.escalate(ident, by="Ana")
    pagerduty.delegate(ident, "Platform", by="Ana")
    pagerduty.reassign(ident, "Dee", by="Ana")
    pagerduty.add_responder(ident, "Fay", by="Ana")
    pagerduty.responder_replied(ident, "Fay", "accepted")
    pagerduty.annotate(ident, "a note", by="Ana")
    pagerduty.status_update(ident, "an update", by="Ana")
    pagerduty.set_priority(ident, "P2", by="Ana")
    pagerduty.change_service(ident, "edge", by="Ana")
    pagerduty.set_bridge(ident, "https://example.com/bridge", "+1 555 0100")
    pagerduty.change_type(ident, "major_incident", by="Ana")
    pagerduty.set_custom_field(ident, "region", "eu", by="Ana")
    for status in ("created", "updated", "completed"):
        pagerduty.task(ident, "call the bank", by="Ana", status=status, assignee="Bo")
    pagerduty.assign_role(ident, "Incident Commander", "Eli", by="Ana")
    pagerduty.workflow(ident, by="Ana")
    for state in ("created", "running", "completed"):
        pagerduty.action(ident, "restart", by="Ana", state=state)
    pagerduty.resolve(ident, by="Bo")
    pagerduty.reopen(ident, by="Bo")
    pagerduty.ping()
    pagerduty.create_service("new", by="Ana")
    pagerduty.rename_service("new", "newer", by="Ana")
    pagerduty.set_service_field("newer", "tier", "1", by="Ana")
    pagerduty.delete_service("newer", by="Ana")


# Recordings before 2026 lack these; PagerDuty has added them to its bodies since.
ADDED = {"incident_key", "created_at", "reopened_at", "incident_type"}


def differences(recorded: Any, sent: Any, path: str = "") -> list[str]:
    """Name the keys in which two bodies differ; null fits anything, and lists compare by first items."""
    if recorded is None or sent is None:
        return []
    if isinstance(recorded, list) and isinstance(sent, list):
        return differences(recorded[0], sent[0], f"{path}[]") if recorded and sent else []
    if not isinstance(recorded, dict) or not isinstance(sent, dict):
        # A value of a custom field is whatever the field holds; a number was once recorded as a number.
        return [] if isinstance(sent, dict) == isinstance(recorded, dict) else [path]
    ours = [f"{path}.{key} is new" for key in sent.keys() - recorded.keys() - ADDED]
    theirs = [f"{path}.{key} is missing" for key in recorded.keys() - sent.keys()]
    inside = [
        each
        for key in recorded.keys() & sent.keys()
        for each in differences(recorded[key], sent[key], f"{path}.{key}")
    ]
    return ours + theirs + inside


def test_every_event_has_the_shape_that_was_recorded(payloads: Path, sandbox: Sandbox) -> None:
    receiver = Receiver()
    subscription = sandbox.pagerduty.subscribe(receiver.url, "secret")
    everything(sandbox.pagerduty)
    sandbox.pagerduty.redeliver_due()
    sandbox.pagerduty.deliveries.unsubscribe(subscription)
    receiver.stop()
    sent = {webhook.json["event"]["event_type"]: webhook.json for webhook in receiver.webhooks}
    paths = (payloads / "pagerduty").glob("*.json")
    recorded = {path.stem: json.loads(path.read_text()) for path in paths if path.stem != "signature_vectors"}
    assert sent.keys() == recorded.keys()
    wrong = {kind: differences(recorded[kind], sent[kind]) for kind in recorded}
    assert {kind: found for kind, found in wrong.items() if found} == {}


def ask(sandbox: Sandbox, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
    raw = None if body is None else json.dumps(body)
    answer = urllib3.request(verb, f"{sandbox.url}/pagerduty{path}", body=raw, headers=HEADERS)
    return answer.status, json.loads(answer.data)


def breaches(published: Any, path: str, verb: str, answer: tuple[int, Any]) -> list[str]:
    """Name what the OpenAPI document does not allow in an answer; it forgets that many fields may be null."""
    status, body = answer
    registry: Registry[Any] = Registry().with_resource("urn:api", DRAFT4.create_resource(published))
    pointer = f"/paths/{path.replace('/', '~1')}/{verb}/responses/{status}/content/application~1json/schema"
    validator = OAS30ReadValidator({"$ref": f"urn:api#{pointer}"}, registry=registry)
    return [f"{path} {e.message}" for e in validator.iter_errors(body) if e.instance is not None]


def test_what_is_read_fits_the_published_api(sandbox: Sandbox, published: Any) -> None:
    account, pagerduty = sandbox.pagerduty.account, sandbox.pagerduty
    incident = pagerduty.trigger("down", priority="P1")
    pagerduty.acknowledge(incident, by="Bo")
    pagerduty.annotate(incident, "a note", by="Ana")
    pagerduty.add_responder(incident, "Fay", by="Ana")
    lists = ("oncalls", "users", "services", "escalation_policies", "schedules", "priorities", "abilities")
    paths = {f"/{name}": "" for name in (*lists, "incidents", "webhook_subscriptions")}
    paths["/users/{id}"] = account.user("Ana").id
    paths["/services/{id}"] = account.service("edge").id
    paths["/escalation_policies/{id}"] = account.policy("Commerce").id
    paths["/schedules/{id}"] = account.schedule("cx-leads").id
    paths.update(
        dict.fromkeys(("/incidents/{id}", "/incidents/{id}/notes", "/incidents/{id}/alerts"), incident)
    )
    wrong = []
    for path, ident in paths.items():
        wrong += breaches(published, path, "get", ask(sandbox, "GET", path.replace("{id}", ident)))
    assert wrong == []


def test_what_is_written_fits_the_published_api(sandbox: Sandbox, published: Any) -> None:
    account, incident = sandbox.pagerduty.account, sandbox.pagerduty.trigger("down")
    one, ana = f"/incidents/{incident}", account.user("Ana").id
    service = {"id": account.service("edge").id, "type": "service_reference"}
    target = {"responder_request_target": {"id": ana, "type": "user_reference"}}
    asking = {"requester_id": ana, "message": "help", "responder_request_targets": [target]}
    method = {"type": "http_delivery_method", "url": "http://127.0.0.1:9/"}
    hook = {"delivery_method": method, "events": ["pagey.ping"], "filter": {"type": "account_reference"}}
    writes: list[tuple[str, str, str, Any]] = [
        (
            "post",
            "/incidents",
            "/incidents",
            {"incident": {"type": "incident", "title": "x", "service": service}},
        ),
        ("put", "/incidents/{id}", one, {"incident": {"type": "incident", "status": "acknowledged"}}),
        (
            "put",
            "/incidents",
            "/incidents",
            {"incidents": [{"id": incident, "type": "incident", "title": "y"}]},
        ),
        ("post", "/incidents/{id}/notes", f"{one}/notes", {"note": {"content": "x"}}),
        ("post", "/incidents/{id}/status_updates", f"{one}/status_updates", {"message": "x"}),
        ("post", "/incidents/{id}/responder_requests", f"{one}/responder_requests", asking),
        ("post", "/webhook_subscriptions", "/webhook_subscriptions", {"webhook_subscription": hook}),
    ]
    wrong = []
    for verb, path, address, body in writes:
        wrong += breaches(published, path, verb, ask(sandbox, verb.upper(), address, body))
    assert wrong == []
