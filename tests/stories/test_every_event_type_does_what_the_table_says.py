"""Each of PagerDuty's 31 event types, from its webhook to what people see; see docs/events.md."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Room, Slack

TABLE = Path(__file__).parents[2] / "docs" / "events.md"
Act = Callable[[PagerDuty, str], object]
QUIET = ["headline", "checklist/first-5-minutes", "lead told"]  # what any incident says
BRIDGE = "https://meet.example.com/42"


@dataclass(frozen=True, slots=True)
class Row:
    """How an event comes about, its line in the timeline, and what of it is to be seen."""

    act: Act
    line: str
    seen: Callable[[Room], object] = lambda room: room.kinds() == QUIET


def _acknowledged(pagerduty: PagerDuty, alert: str) -> None:
    pagerduty.acknowledge(alert, by="Gus")


def _unacknowledged(pagerduty: PagerDuty, alert: str) -> None:
    pagerduty.acknowledge(alert, by="Gus")
    pagerduty.unacknowledge(alert, by="Gus")


def _replied(pagerduty: PagerDuty, alert: str) -> None:
    pagerduty.add_responder(alert, "Cy", by="Ana")
    pagerduty.responder_replied(alert, "Cy", message="on my way")


def _reopened(pagerduty: PagerDuty, alert: str) -> None:
    pagerduty.resolve(alert, by="Gus")
    pagerduty.reopen(alert, by="Gus")


EVENTS: dict[str, Row] = {
    "incident.triggered": Row(
        lambda _, alert: alert,
        "triggered the alert on checkout: Checkout is slow",
        lambda room: "INC-1" in room.topic,
    ),
    "incident.acknowledged": Row(
        _acknowledged,
        "Gus Moreau acknowledged the alert",
        lambda room: "acknowledged by Gus Moreau" in room.headline and "Gus" in room.members,
    ),
    "incident.unacknowledged": Row(
        _unacknowledged,
        "Gus Moreau took back the acknowledgement",
        lambda room: "not acknowledged yet" in room.headline,
    ),
    "incident.escalated": Row(
        lambda pd, alert: pd.escalate(alert, by="Ana"),
        "Ana Silva escalated the alert to Dee Okafor",
        lambda room: "Dee" in room.members and "*Responders:* Dee Okafor" in room.headline,
    ),
    "incident.delegated": Row(
        lambda pd, alert: pd.delegate(alert, "Customer experience", by="Ana"),
        "Ana Silva handed the alert to Customer experience, now with Cara Mbeki",
        lambda room: "Cara" in room.members and "*Responders:* Cara Mbeki" in room.headline,
    ),
    "incident.reassigned": Row(
        lambda pd, alert: pd.reassign(alert, "Gus", by="Ana"),
        "Ana Silva reassigned the alert to Gus Moreau",
        lambda room: "Gus" in room.members and "*Responders:* Gus Moreau" in room.headline,
    ),
    "incident.responder.added": Row(
        lambda pd, alert: pd.add_responder(alert, "Cy", by="Ana", message="please look"),
        "Ana Silva asked Cy Tanaka to help: please look",
        lambda room: "Cy" in room.members,
    ),
    "incident.responder.replied": Row(
        _replied,
        "Cy Tanaka agreed to help: on my way",
        lambda room: "Cy" in room.members and "Cy Tanaka" in room.headline,
    ),
    "incident.annotated": Row(
        lambda pd, alert: pd.annotate(alert, "looks like the database", by="Ana"),
        "Ana Silva noted: looks like the database",
    ),
    "incident.status_update_published": Row(
        lambda pd, alert: pd.status_update(alert, "we are on it", by="Ana"),
        "Ana Silva published a status update: we are on it",
        lambda room: "we are on it\nUpdate by Ana Silva (PagerDuty)" in room.said("update")[0],
    ),
    "incident.priority_updated": Row(
        lambda pd, alert: pd.set_priority(alert, "P1", by="Ana"),
        "Priority P1 set by Ana Silva",
        lambda room: "SEV1" in room.headline and room.topic.startswith("SEV1") and "Dee" in room.members,
    ),
    "incident.service_updated": Row(
        lambda pd, alert: pd.change_service(alert, "search", by="Ana"),
        "Ana Silva moved the alert to search",
        lambda room: "*Services*\nsearch" in room.headline,
    ),
    "incident.conference_bridge.updated": Row(
        lambda pd, alert: pd.set_bridge(alert, BRIDGE, "+1 555 0100"),
        "Ana Silva set the conference bridge: https://meet.example.com/42 or +1 555 0100",
        lambda room: f"<{BRIDGE}|Join the call>" in room.headline and room.bookmarks["Bridge"] == BRIDGE,
    ),
    "incident.resolved": Row(
        lambda pd, alert: pd.resolve(alert, by="Gus"),
        "Gus Moreau resolved the alert",
        lambda room: "Is it over?" in room.said("resolution")[0],
    ),
    "incident.reopened": Row(
        _reopened,
        "Gus Moreau reopened the alert",
        lambda room: all("goes on" in said for said in room.said("resolution")),
    ),
    "incident.incident_type.changed": Row(
        lambda pd, alert: pd.change_type(alert, "major_incident", by="Ana"),
        "Ana Silva changed the incident type to",
    ),
    "incident.action_invocation.created": Row(
        lambda pd, alert: pd.action(alert, "Restart workers", by="Ana"),
        "Automation action Restart workers was started (created)",
    ),
    "incident.action_invocation.updated": Row(
        lambda pd, alert: pd.action(alert, "Restart workers", by="Ana", state="running"),
        "Automation action Restart workers went on (running)",
    ),
    "incident.action_invocation.terminated": Row(
        lambda pd, alert: pd.action(alert, "Restart workers", by="Ana", state="completed"),
        "Automation action Restart workers ended (completed)",
    ),
    "incident.custom_field_values.updated": Row(
        lambda pd, alert: pd.set_custom_field(alert, "environment", "production", by="Ana"),
        "Ana Silva changed custom fields: environment is now production",
    ),
    "incident.role.assigned": Row(
        lambda pd, alert: pd.assign_role(alert, "Scribe", "Bo", by="Ana"),
        "Ana Silva gave the PagerDuty role Scribe to Bo Lindqvist",
    ),
    "incident.task.created": Row(
        lambda pd, alert: pd.task(alert, "Call the bank", "Ana"),
        "Ana Silva added the PagerDuty task Call the bank",
    ),
    "incident.task.updated": Row(
        lambda pd, alert: pd.task(alert, "Call the bank", "Ana", status="updated"),
        "Ana Silva changed the PagerDuty task Call the bank",
    ),
    "incident.task.completed": Row(
        lambda pd, alert: pd.task(alert, "Call the bank", "Ana", status="completed"),
        "Ana Silva completed the PagerDuty task Call the bank",
    ),
    "incident.workflow.started": Row(lambda pd, alert: pd.workflow(alert), "Workflow Major incident started"),
    "incident.workflow.completed": Row(
        lambda pd, alert: pd.workflow(alert), "Workflow Major incident completed"
    ),
}
OF_NO_INCIDENT: dict[str, Act] = {
    "pagey.ping": lambda pd, _: pd.ping(),
    "service.created": lambda pd, _: pd.create_service("wallet", by="Ana"),
    "service.updated": lambda pd, _: pd.rename_service("cart", "basket", by="Ana"),
    "service.deleted": lambda pd, _: pd.delete_service("mobile", by="Ana"),
    "service.custom_field_values.updated": lambda pd, _: pd.set_service_field("cart", "tier", "1", by="Ana"),
}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """An alert on checkout, with everything done that it asks for."""
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    return alert


@pytest.mark.parametrize("event_type", EVENTS)
def test_an_event_of_an_incident_is_in_the_timeline_and_does_its_part(
    alert: str, multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, slack: Slack, event_type: str
) -> None:
    row = EVENTS[event_type]
    row.act(pagerduty, alert)
    clock.settle()
    assert any(row.line in line for line in multivac.timeline()), multivac.timeline()
    assert event_type in {record.event_type for record in pagerduty.deliveries.records}
    assert row.seen(slack.channel("inc-1")), slack.channel("inc-1").headline
    assert {record.status for record in pagerduty.deliveries.records} == {202}


@pytest.mark.parametrize("event_type", OF_NO_INCIDENT)
def test_an_event_of_no_incident_is_counted_and_changes_nothing(
    alert: str, multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, slack: Slack, event_type: str
) -> None:
    before = multivac.timeline()
    OF_NO_INCIDENT[event_type](pagerduty, alert)
    clock.settle()
    assert multivac.timeline() == before
    assert slack.channel("inc-1").kinds() == QUIET
    assert multivac.numbers() == (1,)
    assert multivac.metric("multivac_alerts_total", outcome="noted") == 1
    assert pagerduty.deliveries.records[-1].event_type == event_type
    assert pagerduty.deliveries.records[-1].status == 202


def test_the_table_in_the_docs_is_played_row_by_row() -> None:
    rows = [line.split("`")[1] for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [*EVENTS, *OF_NO_INCIDENT]
