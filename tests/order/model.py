"""What a history comes to: a small second reckoning, which sorts events by time and knows nothing of ours.

What the alerts say is reckoned from the events that arrived, sorted by when they happened. Only two
things go by arrival, since people have seen them and channels cannot be unmade: which incident an
alert belongs to, and the title its incident was declared with.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from tests.order.telling import Told

T = TypeVar("T")
SEVERITIES = {"P1": "sev1", "P2": "sev2", "P3": "sev3", "P5": "sev5"}


def newest(events: Iterable[Told], value: Callable[[Told], T | None]) -> T | None:
    """What was said last, of those events that said something."""
    said = [told for one in events if (told := value(one)) is not None]
    return said[-1] if said else None


@dataclass(slots=True)
class AlertModel:
    """All that was heard of one alert."""

    heard: dict[str, Told] = field(default_factory=dict)

    @property
    def events(self) -> list[Told]:
        """Each once, in the order in which they happened."""
        return sorted(self.heard.values(), key=lambda one: one.at)

    @property
    def whole(self) -> list[Told]:
        """Those that carried the whole alert."""
        return [one for one in self.events if one.is_whole]

    @property
    def status(self) -> str | None:
        """Where the alert stands."""
        return newest(self.whole, lambda one: one.status)

    @property
    def title(self) -> str | None:
        """Its title."""
        return newest(self.events, lambda one: one.title)

    @property
    def service(self) -> str | None:
        """Its service."""
        return newest(self.whole, lambda one: one.service)

    @property
    def priority(self) -> str | None:
        """Its priority; an empty text if it was taken away."""
        return newest(self.whole, lambda one: one.priority or _taken_away(one))

    @property
    def severity(self) -> str:
        """How bad its incident is for it; urgency high counts as sev3."""
        return SEVERITIES.get(self.priority or "", "sev3")

    @property
    def assignees(self) -> tuple[str, ...] | None:
        """Who has it; an alert that is over no longer says."""
        return newest(self.whole, lambda one: None if one.status == "resolved" else one.assignees)

    @property
    def acknowledged_by(self) -> str | None:
        """Who took it last, unless it came back since."""
        acker = None
        for one in self.events:
            if one.type == "incident.acknowledged":
                acker = one.by or acker
            if one.type in {"incident.unacknowledged", "incident.reopened"}:
                acker = None
        return acker

    @property
    def responders(self) -> set[str]:
        """Everybody who was asked to help."""
        return {str(one.who) for one in self.events if ".responder." in one.type}

    @property
    def bridge(self) -> str | None:
        """The address of its conference; an empty text if there is none any more."""
        return newest(
            self.events, lambda one: (one.bridge or "") if "conference_bridge" in one.type else None
        )

    @property
    def ended(self) -> tuple[str, str, str] | None:
        """When it ended, who ended it, and how bad it was; None while it is not over."""
        if self.status != "resolved":
            return None
        ends = [one for one in self.events if one.type == "incident.resolved"]
        by = (ends[-1].by or "PagerDuty") if ends else "PagerDuty"
        missed = not ends or any(_is_of_an_open_one(one) and one.at > ends[-1].at for one in self.events)
        # An end whose event never came is known from whatever said last that it is over.
        return (self.whole if missed else ends)[-1].at.isoformat(), by, self.severity

    @property
    def handled_at(self) -> str | None:
        """When a person first did something about it."""
        acts = (one for one in self.events if one.by and one.type != "incident.triggered")
        return next((one.at.isoformat() for one in acts), None)


def _is_of_an_open_one(one: Told) -> bool:
    by_somebody = one.type == "incident.acknowledged" and one.by is not None
    return by_somebody or one.type in {"incident.unacknowledged", "incident.reopened"}


def _taken_away(one: Told) -> str | None:
    return "" if one.type == "incident.priority_updated" else None


@dataclass(slots=True)
class IncidentModel:
    """One incident and its alerts."""

    service: str | None
    title: str | None
    waits: bool  # whether its channel is yet to be opened, so that an early end dismisses it
    alerts: dict[str, AlertModel] = field(default_factory=dict)
    severity: str = ""
    services: set[str | None] = field(default_factory=set)  # all that its alerts were ever of: others join by

    def take(self, name: str, alert: AlertModel) -> None:
        """Have an alert among its own, as it is known now."""
        self.alerts[name] = alert
        self.services.add(alert.service)

    @property
    def is_over(self) -> bool:
        """Whether each of its alerts is."""
        return all(one.ended for one in self.alerts.values())

    @property
    def status(self) -> str:
        """Where it stands: over before it opened, or by itself before a person did anything, it is none."""
        return "dismissed" if self.is_over and (self.waits or not self.was_handled) else "triage"

    @property
    def was_handled(self) -> bool:
        """Whether a person did something before the last of its alerts ended."""
        acts = [one.handled_at for one in self.alerts.values() if one.handled_at]
        return bool(acts) and min(acts) <= self._last_end[0]

    @property
    def expected_severity(self) -> str:
        """The worst of what is open; of what is over, what ended last."""
        standing = [one.severity for one in self.alerts.values() if not one.ended]
        return min(standing) if standing else self._last_end[2]

    @property
    def ended_by(self) -> str | None:
        """Who ended the last of its alerts; None while one is open."""
        return self._last_end[1] if self.is_over else None

    @property
    def ended_at(self) -> str | None:
        """When the last of its alerts ended; None while one is open."""
        return self._last_end[0] if self.is_over else None

    @property
    def _last_end(self) -> tuple[str, str, str]:
        return max(one.ended for one in self.alerts.values() if one.ended)

    @property
    def event_keys(self) -> set[str]:
        """What its timeline must hold of what was told."""
        return {f"event:{ident}" for one in self.alerts.values() for ident in one.heard}


@dataclass(slots=True)
class Model:
    """Everything that was heard, and the incidents that came of it."""

    waits: bool = False
    alerts: dict[str, AlertModel] = field(default_factory=dict)
    incidents: list[IncidentModel] = field(default_factory=list)

    def hear(self, event: Told) -> None:
        """Take one delivery."""
        alert = self.alerts.setdefault(event.alert, AlertModel())
        if event.id in alert.heard:
            return
        alert.heard[event.id] = event
        for one in self.incidents:
            if event.alert in one.alerts:
                one.take(event.alert, alert)
                return
        if alert.status in {"triggered", "acknowledged"} and alert.priority != "P5":
            self._place(event.alert, alert)

    def _place(self, name: str, alert: AlertModel) -> None:
        fitting = [one for one in self.incidents if alert.service in one.services and one.status == "triage"]
        if not fitting:
            fitting = [IncidentModel(alert.service, alert.title, self.waits)]
            self.incidents += fitting
        # The worst, and of those the oldest.
        min(fitting, key=lambda one: one.expected_severity if one.alerts else "").take(name, alert)
