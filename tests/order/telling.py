"""What PagerDuty tells, as drawn by chance: real bodies with another alert, time, person and state put in."""

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from integrations.sandbox.clock import Clock
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.server import Sandbox

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
PEOPLE = ("Ana", "Bo", "Cy")
BY = (*PEOPLE, *[None] * 6)  # or hardly any alert would ever end before a person did something
SERVICES = ("checkout", "search")
ALERTS = ("A", "B", "C")
PRIORITIES = ("P1", "P2", "P3", "P5", None)

# The status that each type leaves an alert in; None: any, for it says what somebody else did.
LEAVES: Mapping[str, str | None] = {
    "incident.triggered": "triggered",
    "incident.acknowledged": "acknowledged",
    "incident.unacknowledged": "triggered",
    "incident.resolved": "resolved",
    "incident.reopened": "triggered",
    "incident.escalated": None,
    "incident.reassigned": None,
    "incident.priority_updated": None,
    "incident.service_updated": None,
}
# These carry a reference to the alert, and nothing of its state.
ASIDE = (
    "incident.annotated",
    "incident.responder.added",
    "incident.responder.replied",
    "incident.conference_bridge.updated",
    "incident.status_update_published",
)

Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event: what a body says and what the model folds."""

    id: str
    type: str
    alert: str
    at: datetime
    by: str | None
    title: str
    service: str
    status: str | None = None
    priority: str | None = None
    assignees: tuple[str, ...] = ()
    who: str | None = None  # the responder
    bridge: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it carries the whole alert."""
        return self.type in LEAVES


@st.composite
def histories(draw: st.DrawFn, *, most: int = 10) -> list[Told]:
    """Events of a few alerts, in the order in which they happened; they may contradict each other."""
    chosen = st.sampled_from([*LEAVES, *ASIDE])
    return [told(draw, number, draw(chosen)) for number in range(draw(st.integers(1, most)))]


def told(draw: st.DrawFn, number: int, type_: str) -> Told:
    """The event that happens as the `number`th, of this type."""
    left = LEAVES.get(type_)
    status = left or draw(st.sampled_from(("triggered", "acknowledged", "resolved")))
    return Told(
        id=f"event-{number}",
        type=type_,
        alert=draw(st.sampled_from(ALERTS)),
        at=START + timedelta(seconds=number),
        by=draw(st.sampled_from(BY)),
        title=draw(st.sampled_from(("It is slow", "It is down"))),
        service=draw(st.sampled_from(SERVICES)),
        status=status if type_ in LEAVES else None,
        priority=draw(st.sampled_from(PRIORITIES)),
        assignees=tuple(draw(st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True))),
        who=draw(st.sampled_from(PEOPLE)),
        bridge=draw(st.sampled_from((None, "https://meet.example.com/1", "https://meet.example.com/2"))),
    )


tellings = st.composite(told)


@st.composite
def deliveries(draw: st.DrawFn, *, most: int = 10) -> list[Told]:
    """A history as it may arrive: each event once or twice, in any order."""
    happened = draw(histories(most=most))
    twice = draw(st.lists(st.sampled_from(happened), max_size=3))
    return list(draw(st.permutations([*happened, *twice])))


def templates() -> dict[str, list[Template]]:
    """Bodies of each type: the stand-in's, and recorded ones where $MULTIVAC_PAYLOADS has them."""
    found = {one["event"]["event_type"]: [one] for one in _of_the_stand_in()}
    folder = os.environ.get("MULTIVAC_PAYLOADS")
    for type_ in (*LEAVES, *ASIDE) if folder else ():
        recorded = Path(str(folder)) / "pagerduty" / f"{type_}.json"
        found[type_].append(json.loads(recorded.read_text()))
    return found


def _of_the_stand_in() -> list[Template]:
    sandbox = Sandbox(Clock(frozen=START))
    sandbox.seed()
    vendor = sandbox.pagerduty
    vendor.subscribe("http://127.0.0.1:9/", "never used")
    vendor.hold_deliveries()
    _everything_happens(vendor)
    return [json.loads(parcel.event.body) for parcel in vendor.deliveries._held or []]


def _everything_happens(vendor: PagerDuty) -> None:
    alert = vendor.trigger("Checkout is slow", "checkout")
    vendor.acknowledge(alert, by="Ana")
    vendor.unacknowledge(alert)
    vendor.escalate(alert)
    vendor.reassign(alert, "Gus", by="Ana")
    vendor.set_priority(alert, "P1", by="Ana")
    vendor.change_service(alert, "search", by="Ana")
    vendor.annotate(alert, "I look at it", by="Ana")
    vendor.add_responder(alert, "Cy", by="Ana")
    vendor.responder_replied(alert, "Cy")
    vendor.set_bridge(alert, "https://meet.example.com/1")
    vendor.status_update(alert, "We are on it", by="Ana")
    vendor.resolve(alert, by="Ana")
    vendor.reopen(alert, by="Ana")


def body_of(event: Told, template: Template) -> bytes:
    """The template with all that the event says."""
    body = copy.deepcopy(dict(template))
    envelope = body["event"]
    envelope["id"] = event.id
    envelope["occurred_at"] = event.at.isoformat().replace("+00:00", "Z")
    envelope["agent"] = _user(event.by) if event.by else None
    data = envelope["data"]
    if event.is_whole:
        data |= _whole(event)
    else:
        data["incident"] = _reference("incident", event.alert, event.title)
        data |= _aside(event)
    return json.dumps(body).encode()


def _whole(event: Told) -> dict[str, Any]:
    return {
        "id": event.alert,
        "incident_key": f"key of {event.alert}",  # or they would join each other
        "title": event.title,
        "status": event.status,
        "urgency": "high",
        "priority": _reference("priority", event.priority, event.priority) if event.priority else None,
        "service": _reference("service", event.service, event.service),
        "assignees": [_user(one) for one in event.assignees],
        "conference_bridge": None,
    }


def _aside(event: Told) -> dict[str, Any]:
    match event.type:
        case "incident.responder.added" | "incident.responder.replied":
            state = "pending" if event.type.endswith("added") else "accepted"
            return {"user": _user(event.who or ""), "state": state}
        case "incident.conference_bridge.updated":
            return {"conference_url": event.bridge, "conference_number": None, "conference_numbers": []}
        case _:
            return {}


def _user(name: str) -> dict[str, Any]:
    return _reference("user", f"P{name.upper()}", name)


def _reference(kind: str, ident: str, summary: str) -> dict[str, Any]:
    page = f"https://acme.example.com/{kind}s/{ident}"
    return {"id": ident, "type": f"{kind}_reference", "summary": summary, "html_url": page, "self": page}
