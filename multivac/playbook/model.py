"""The playbook itself, which one an alert gets, and the copy that an incident keeps. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from multivac.incident import Facts, Severity
from multivac.playbook.channels import ChannelRule, name_channel
from multivac.playbook.ends import EndRule
from multivac.playbook.hours import HOURS
from multivac.playbook.people import (
    KINDS,
    AckerRule,
    ByAcker,
    ByOnCall,
    Invite,
    InviteOnCall,
    LeadStrategy,
    Named,
    OnCallOf,
    RoleRule,
    Wanted,
    gather,
    name_all,
)
from multivac.playbook.phases import Drill, Phase, RoleName
from multivac.playbook.rules import DismissRule, JoinRule, Match, SeverityRule, TicketRule
from multivac.values import Duration, PositiveDuration, Strict

_RESTORING = "restoring"
_ACCEPT_WITHIN = {
    Severity.SEV1: timedelta(minutes=2),
    Severity.SEV2: timedelta(minutes=2),
    Severity.SEV3: timedelta(minutes=10),
}


class Playbook(Strict):
    """What to do about one kind of alert."""

    name: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        description="Its name; no other may have it."
    )
    order: int = Field(
        100, description="Playbooks are asked in this order, and the first that matches is used."
    )
    match: Match = Field(Match(), description="What an alert must be like; every key given must hold.")
    unless: Match = Field(
        Match(), description="What an alert must not be like; any key that holds excludes it."
    )
    ignore: bool = Field(
        default=False, description="Whether such alerts never open an incident; they are kept on record."
    )
    open_after: Duration = Field(
        timedelta(), description="How long to wait before opening; an alert resolved by then never opens."
    )
    join: JoinRule = Field(JoinRule(), description="When a further alert joins an open incident.")
    severity: SeverityRule = Field(SeverityRule(), description="How severe such an alert is at first.")
    dismiss: DismissRule = Field(
        DismissRule(), description="When an incident ends as a false alarm by itself."
    )
    channel: ChannelRule = Field(ChannelRule(), description="The incident's channel.")
    invite: tuple[Invite, ...] = Field(
        (Invite(on_call=InviteOnCall()), Invite(assignees=True), Invite(responders=True)),
        description="Whom to invite; each entry is one kind of people.",
    )
    lead: tuple[LeadStrategy, ...] = Field(
        (ByOnCall(on_call=OnCallOf()), ByAcker(acker=AckerRule())),
        description="How the lead is chosen; tried in this order until one gives a person.",
    )
    accept_within: Mapping[Severity, PositiveDuration] = Field(
        dict(_ACCEPT_WITHIN),
        description="How long a lead has to accept before the next is asked; a severity left out: for ever.",
    )
    acknowledge_alerts: bool = Field(
        default=True,
        description="Acknowledge the incident's alerts at the pager once somebody has accepted to lead.",
    )
    roles: Mapping[RoleName, RoleRule] = Field({}, description="Further roles by name, and who takes each.")
    end: EndRule = Field(EndRule(), description="What follows once it is resolved, or forgotten.")
    updates: Mapping[Severity, PositiveDuration] = Field(
        {}, description="How often stakeholders are promised an update; a severity left out: no promise."
    )
    working_hours: str = Field(
        "09-18",
        pattern=HOURS,
        description="People's hours on weekdays: outside, nobody is asked for anything on sev3 to sev5.",
    )
    ticket: TicketRule = Field(TicketRule(), description="What the Jira ticket's words mean.")
    checklists: tuple[Phase, ...] = Field((), description="The phases of the response.")
    drills: tuple[Drill, ...] = Field((), description="Rehearsals of this playbook.")

    @field_validator("lead", mode="before")
    @classmethod
    def _drop_forgotten_strategies(cls, lead: Any, info: ValidationInfo) -> Any:
        """A snapshot may name a strategy that this release no longer has: the next one is tried."""
        if info.context != _RESTORING:
            return lead
        return [entry for entry in lead if not set(KINDS).isdisjoint(entry)]

    def matches(self, facts: Facts) -> bool:
        """Whether this playbook is for such an alert."""
        return all(self.match.answers(facts)) and not any(self.unless.answers(facts))

    def severity_of(self, facts: Facts) -> Severity:
        """How severe the alert is before a person has said so; in doubt the worse."""
        return self.severity.severity_of(facts)

    def channel_name(self, *, number: int, title: str, service: str | None, opened_at: datetime) -> str:
        """A name that Slack accepts, holding the number, whatever the title is made of."""
        return name_channel(
            self.channel.name, number=number, title=title, service=service, opened_at=opened_at
        )

    def wanted(self, severity: Severity) -> Wanted:
        """Whom an incident of this severity wants in its channel."""
        return gather(entry for entry in self.invite if severity in entry.severities)

    def roles_for(self, severity: Severity) -> Mapping[str, RoleRule]:
        """The further roles that an incident of this severity fills."""
        return {name: rule for name, rule in self.roles.items() if severity in rule.severities}

    def phases_for(self, severity: Severity) -> tuple[Phase, ...]:
        """The phases of this severity with its tasks, the earliest first."""
        return self._phases[severity]

    @cached_property
    def _phases(self) -> Mapping[Severity, tuple[Phase, ...]]:
        # Asked in every round of every response.
        return {severity: self._narrowed(severity) for severity in Severity}

    def _narrowed(self, severity: Severity) -> tuple[Phase, ...]:
        narrowed = (phase.for_severity(severity) for phase in self.checklists)
        return tuple(sorted((phase for phase in narrowed if phase), key=lambda phase: phase.at))

    def update_every(self, severity: Severity) -> timedelta | None:
        """How often stakeholders are promised an update; None if they are promised none."""
        return self.updates.get(severity)

    def accept_in(self, severity: Severity) -> timedelta | None:
        """How long whoever is asked to lead has to accept; None if nobody else is asked after them."""
        return self.accept_within.get(severity)

    def named(self) -> Named:
        """Everything the playbook names that must exist at a vendor."""
        return name_all(self.invite, self.lead, self.roles.values())


def choose(playbooks: Sequence[Playbook], facts: Facts) -> Playbook | None:
    """Return the first playbook, by order and then by name, that is for such an alert."""
    ranked = sorted(playbooks, key=lambda playbook: (playbook.order, playbook.name))
    return next((playbook for playbook in ranked if playbook.matches(facts)), None)


def snapshot(playbook: Playbook) -> str:
    """Return the playbook as JSON, defaults included: equal playbooks give equal text; no drills."""
    kept = playbook.model_dump(mode="json", exclude={"drills"})
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=128)
def restore(text: str) -> Playbook:
    """Return the playbook of a snapshot, also of an older release: keys unknown today are ignored."""
    return Playbook.model_validate(json.loads(text), extra="ignore", context=_RESTORING)
