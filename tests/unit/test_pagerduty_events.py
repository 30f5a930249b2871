"""What becomes of each PagerDuty event: our own bodies, recorded ones, and arbitrary ones."""

from __future__ import annotations

import contextlib
import copy
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.pagerduty.events import EVENTS, Unreadable, read_event
from multivac.incident import Alert, AlertKind, Bridge, Facts, IncidentId, Person, marker_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DOCS = Path(__file__).parents[2] / "docs" / "events.md"
RECORDED = os.environ.get("MULTIVAC_PAYLOADS")


def ref(kind: str, key: str, summary: str | None) -> dict[str, Any]:
    page = f"https://acme.example.com/{kind}s/{key}"
    return {"id": key, "type": f"{kind}_reference", "summary": summary, "html_url": page, "self": page}


ANA = ref("user", "PANA", "Ana Silva")
BO = ref("user", "PBO", "Bo Lund")
SERVICE = ref("service", "PSVC", "Checkout API")
ABOUT = {"incident": ref("incident", "PINC", "Checkout is slow")}


def full(**changed: Any) -> dict[str, Any]:
    return {
        "id": "PINC",
        "type": "incident",
        "html_url": "https://acme.example.com/incidents/PINC",
        "number": 7,
        "status": "triggered",
        "title": "Checkout is slow",
        "urgency": "high",
        "created_at": "2026-11-22T11:58:00Z",
        "service": SERVICE,
        "assignees": [BO],
        "escalation_policy": ref("escalation_policy", "PPOL", "Payments"),
        "priority": ref("priority", "PPRI", "P1"),
        "incident_type": {"name": "major"},
        "conference_bridge": None,
        **changed,
    }


def responder(state: str, message: str) -> dict[str, Any]:
    return {**ABOUT, "type": "incident_responder", "user": BO, "state": state, "message": message}


def action(state: str) -> dict[str, Any]:
    return {
        **ABOUT,
        "id": "01",
        "type": "x",
        "action": ref("action", "PACT", "Restart workers"),
        "state": state,
    }


def custom_fields(value: object) -> list[dict[str, Any]]:
    return [{"name": "environment", "value": value}]


TASK = {**ABOUT, "id": "PTASK", "type": "incident_task", "summary": "Call the bank", "status": "todo"}
WORKFLOW = {**ABOUT, "id": "PWF", "incident_workflow": ref("incident_workflow", "PW", "Major incident")}
ROLE = {"assignee": BO, "role": {"id": "PR", "summary": "Scribe"}, **ABOUT}
BODIES: dict[str, dict[str, Any]] = {
    "incident.triggered": full(),
    "incident.acknowledged": full(status="acknowledged"),
    "incident.unacknowledged": full(),
    "incident.escalated": full(),
    "incident.delegated": full(),
    "incident.reassigned": full(),
    "incident.responder.added": responder("pending", "please look"),
    "incident.responder.replied": responder("accepted", "on my way"),
    "incident.annotated": {**ABOUT, "type": "incident_note", "content": "looks like the database"},
    "incident.status_update_published": {**ABOUT, "type": "x", "message": "we are on it"},
    "incident.priority_updated": full(),
    "incident.service_updated": full(),
    "incident.conference_bridge.updated": {
        **ABOUT,
        "conference_url": "https://meet.example.com/42",
        "conference_numbers": [{"label": "main", "number": "+1 555 0100"}],
    },
    "incident.resolved": full(status="resolved", assignees=[]),
    "incident.reopened": full(),
    "incident.incident_type.changed": full(),
    "incident.action_invocation.created": action("created"),
    "incident.action_invocation.updated": action("running"),
    "incident.action_invocation.terminated": action("completed"),
    "incident.custom_field_values.updated": {
        **ABOUT,
        "custom_fields": [*custom_fields("production"), {"name": "region", "value": "EU"}],
        "changed_custom_fields": custom_fields("staging"),
    },
    "incident.role.assigned": {"type": "x", "incident_role_assignments": [ROLE]},
    "incident.task.created": TASK,
    "incident.task.updated": TASK,
    "incident.task.completed": TASK,
    "incident.workflow.started": WORKFLOW,
    "incident.workflow.completed": WORKFLOW,
    "pagey.ping": {"type": "ping", "message": "hello"},
    "service.created": {**SERVICE, "type": "service"},
    "service.updated": {**SERVICE, "type": "service"},
    "service.deleted": {**SERVICE, "type": "service"},
    "service.custom_field_values.updated": {"service": SERVICE, "custom_fields": custom_fields("x")},
}


def envelope(kind: str, data: object = None, **changed: Any) -> dict[str, Any]:
    event = {
        "id": "01EVENT",
        "event_type": kind,
        "resource_type": kind.partition(".")[0],
        "occurred_at": "2026-11-22T11:59:30.250Z",
        "agent": ANA,
        "client": None,
        "data": BODIES.get(kind) if data is None else data,
    }
    return {"event": {**event, **changed}}


def read(kind: str, data: object = None, **changed: Any) -> Alert:
    body = json.dumps(envelope(kind, data, **changed)).encode()
    return read_event(body, webhook_id="wh-1", received_at=NOW)


def documented() -> dict[str, list[str]]:
    rows = [row.strip("| \n").split(" | ") for row in DOCS.read_text().splitlines() if row.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


def test_every_event_type_has_a_body_here_and_a_row_in_the_documentation() -> None:
    assert set(BODIES) == set(EVENTS) == set(documented())
    assert len(EVENTS) == 31


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_the_documentation_says_what_the_code_does(kind: str) -> None:
    what, line, visibly = documented()[kind]
    alert = read(kind)
    assert what == EVENTS[kind][0].value == alert.kind.value
    assert line == alert.text
    acts = what not in {"noted", "annotated"}
    assert acts == (not visibly.startswith(("Timeline.", "Belongs to no incident")))


def test_what_a_person_tells_stakeholders_is_kept_whole_and_nobody_elses() -> None:
    kind = "incident.status_update_published"
    said = {**ABOUT, "message": "We are on it\nand roll back", "trimmed": True}
    assert read(kind, said).message == "We are on it and roll back…"
    ours = f"{marker_of(IncidentId(7), NOW)} Update by Ana"
    assert read(kind, {**ABOUT, "message": ours}).message == ""
    assert read(kind, said, agent=None).message == read("incident.annotated").message == ""


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_an_event_keeps_its_identity_and_names_its_incident(kind: str) -> None:
    alert = read(kind)
    assert (alert.source, alert.vendor_kind, alert.event_id, alert.webhook_id) == (
        "pagerduty",
        kind,
        "01EVENT",
        "wh-1",
    )
    assert alert.key == ("PINC" if kind.startswith("incident.") else None)
    assert alert.occurred_at == datetime(2026, 11, 22, 11, 59, 30, 250000, tzinfo=UTC)
    assert alert.actor == Person(name="Ana Silva", pagerduty="PANA")


def test_a_full_incident_gives_every_fact() -> None:
    bo = Person(name="Bo Lund", email="bo@example.com", pagerduty="PBO")
    talk = {"conference_number": 1000, "conference_url": "https://meet.example.com/1"}
    data = full(assignees=[{**BO, "email": "bo@example.com"}], conference_bridge=talk)
    assert read("incident.triggered", data).facts == Facts(
        title="Checkout is slow",
        number=7,
        url="https://acme.example.com/incidents/PINC",
        status="triggered",
        urgency="high",
        priority="P1",
        incident_type="major",
        service_id="PSVC",
        service_name="Checkout API",
        policy_id="PPOL",
        assignees=(bo,),
        bridge=Bridge(url="https://meet.example.com/1", phone="1000"),
        opened_at=datetime(2026, 11, 22, 11, 58, tzinfo=UTC),
    )


def test_what_only_refers_to_an_incident_says_title_and_address_and_nothing_else() -> None:
    known = Facts(title="Checkout is slow", url="https://acme.example.com/incidents/PINC")
    assert read("incident.annotated").facts == known
    assert read("incident.role.assigned").facts == known


def test_an_acknowledgement_says_who_and_when() -> None:
    facts = read("incident.acknowledged").facts
    assert facts.acknowledged_by == Person(name="Ana Silva", pagerduty="PANA")
    assert facts.acknowledged_at == datetime(2026, 11, 22, 11, 59, 30, 250000, tzinfo=UTC)


def test_a_responder_is_subject_and_counts_unless_they_declined() -> None:
    bo = Person(name="Bo Lund", pagerduty="PBO")
    assert (read("incident.responder.added").subject, read("incident.responder.added").facts.responders) == (
        bo,
        (bo,),
    )
    declined = read("incident.responder.replied", responder("declined", ""))
    assert (declined.subject, declined.facts.responders) == (bo, None)
    assert declined.text == "Bo Lund declined to help"


def test_a_policy_asked_to_respond_is_no_person() -> None:
    data = {
        **responder("pending", ""),
        "user": None,
        "escalation_policy": ref("escalation_policy", "P", "DBA"),
    }
    alert = read("incident.responder.added", data)
    assert (alert.subject, alert.text) == (None, "Ana Silva asked DBA to help")


def test_an_emptied_bridge_and_a_removed_priority_are_said_and_not_passed_over() -> None:
    cleared = read("incident.conference_bridge.updated", {**ABOUT, "conference_url": None})
    assert (cleared.facts.bridge, cleared.text) == (Bridge(), "Ana Silva removed the conference bridge")
    removed = read("incident.priority_updated", full(priority=None))
    assert (removed.facts.priority, removed.text) == ("", "Priority removed by Ana Silva")
    assert read("incident.acknowledged", full(priority=None)).facts.priority is None


@pytest.mark.parametrize(
    ("kind", "agent", "text"),
    [
        ("incident.resolved", None, "PagerDuty resolved the alert by itself"),
        ("incident.resolved", ref("service", "PI", "Datadog"), "Datadog resolved the alert"),
        ("incident.unacknowledged", None, "The acknowledgement ran out: nobody is on the alert"),
        ("incident.escalated", None, "PagerDuty escalated the alert to Bo Lund"),
        ("incident.acknowledged", {"id": "PX", "type": "user_reference"}, "PX acknowledged the alert"),
    ],
)
def test_who_did_it_may_be_a_machine(kind: str, agent: object, text: str) -> None:
    alert = read(kind, agent=agent)
    assert alert.text == text
    assert (alert.actor is None) == (agent is None or "Datadog" in text)


def test_an_event_type_of_the_future_is_noted_under_its_own_name() -> None:
    alert = read("incident.levitated", full())
    assert (alert.kind, alert.vendor_kind, alert.key) == (AlertKind.NOTED, "incident.levitated", "PINC")
    assert alert.text == "Ana Silva: incident.levitated"


def test_an_event_that_should_name_an_incident_and_does_not_is_only_noted() -> None:
    alert = read("incident.triggered", full(id=None))
    assert (alert.kind, alert.key) == (AlertKind.NOTED, None)


@pytest.mark.parametrize("said", [None, 7, "soon", "0001-01-01T00:00:00+14:00", "2999-01-01T00:00:00Z"])
def test_an_absurd_time_falls_back_to_when_it_came(said: object) -> None:
    assert read("incident.triggered", occurred_at=said).occurred_at == NOW


def test_times_are_turned_to_utc() -> None:
    alert = read("incident.triggered", occurred_at="2026-11-22T13:00:00+02:00")
    assert alert.occurred_at == NOW - timedelta(hours=1)
    assert alert.occurred_at.tzinfo is UTC


def test_an_event_without_an_id_keeps_one_over_redeliveries() -> None:
    first, again = read("incident.triggered", id=None), read("incident.triggered", id=None)
    other = read("incident.resolved", id=None)
    assert first.event_id == again.event_id != other.event_id


def test_hostile_words_stay_storable_and_on_one_line() -> None:
    title = "\x00<!channel>\u202e\ud800\n\tx" + "y" * 10_000
    alert = read("incident.triggered", full(title=title))
    assert alert.facts.title is not None
    assert "\x00" not in alert.facts.title
    alert.facts.title.encode()
    assert "\n" not in alert.text
    assert len(alert.text) < 1300
    assert read("incident.triggered", full(html_url="javascript:alert(1)")).facts.url is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe\xfa", b"[]", b'"event"', b'{"event": 7}', b'{"event": {}}', b"[" * 100_000],
)
def test_what_is_no_event_is_unreadable_and_says_why(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        read_event(body, webhook_id=None, received_at=NOW)
    assert caught.value.why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_no_json_at_all_raises_anything_but_unreadable(said: Any) -> None:
    with contextlib.suppress(Unreadable):
        read_event(json.dumps(said).encode(), webhook_id=None, received_at=NOW)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in _paths(each, (*path, key)))]


@given(st.data())
def test_no_mutation_of_a_body_raises_anything_but_unreadable(data: st.DataObject) -> None:
    body = copy.deepcopy(envelope(data.draw(st.sampled_from(sorted(EVENTS)))))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from([path for path in _paths(body) if path]))
        place = body
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = data.draw(JSON)
    try:
        alert = read_event(json.dumps(body).encode(), webhook_id=None, received_at=NOW)
    except Unreadable:
        return
    repr(alert).encode()
    assert alert.text
    assert alert.occurred_at.tzinfo is UTC


def recorded() -> list[Path]:
    return sorted(Path(RECORDED or "absent").glob("pagerduty/*.*.json"))


@pytest.mark.skipif(not RECORDED, reason="MULTIVAC_PAYLOADS is not set: no recorded PagerDuty bodies here")
def test_every_event_type_was_recorded() -> None:
    assert {path.stem for path in recorded()} == set(EVENTS)


@pytest.mark.skipif(not RECORDED, reason="MULTIVAC_PAYLOADS is not set: no recorded PagerDuty bodies here")
@pytest.mark.parametrize("path", recorded(), ids=lambda path: path.stem)
def test_a_recorded_body_is_read_whole(path: Path) -> None:
    body = path.read_bytes()
    event = json.loads(body)["event"]
    alert = read_event(body, webhook_id="wh-1", received_at=NOW)
    about = event["data"].get("incident") or next(
        (each["incident"] for each in event["data"].get("incident_role_assignments", ())), event["data"]
    )
    assert alert.kind == EVENTS[path.stem][0]
    assert alert.key == (about["id"] if path.stem.startswith("incident.") else None)
    assert alert.event_id == event["id"]
    assert alert.occurred_at == datetime.fromisoformat(event["occurred_at"])
    assert "without a name" not in alert.text
    assert "not said" not in alert.text
    if event["data"].get("type") == "incident":
        unsaid = {
            "responders",
            "bridge",
            "priority",
            "acknowledged_by",
            "acknowledged_at",
            "incident_type",
            "opened_at",
            "dedup_key",
            "merged_into",
            "resolved_by",  # is told by the event's agent, not by the incident
        }
        if alert.facts.status == "resolved":
            unsaid.add("assignees")  # PagerDuty has emptied the list by then
        said = {name for name in Facts.__slots__ if getattr(alert.facts, name) is not None}
        assert said | unsaid == set(Facts.__slots__)
