"""The rules of a playbook about people: whom to invite, how the lead is chosen, further roles. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from multivac.incident import Severity
from multivac.values import Email, PositiveDuration, Strict

Level = Annotated[int, Field(ge=1, le=20)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Severities = Annotated[tuple[Severity, ...], Field(min_length=1)]
EVERY_SEVERITY = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whom an incident wants in its channel. Levels count in the alert's own escalation policy."""

    alert_policy_levels: tuple[int, ...] = ()
    schedules: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    assignees: bool = False
    responders: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Everything a playbook names that must exist at a vendor, for `multivac check`."""

    schedules: tuple[str, ...]
    policies: tuple[str, ...]
    groups: tuple[str, ...]
    people: tuple[str, ...]
    jira_roles: tuple[str, ...]
    jira_groups: tuple[str, ...]
    components: tuple[str, ...]


class InviteOnCall(Strict):
    """People on call: of the alert's own escalation policy, or of named schedules."""

    levels: Annotated[tuple[Level, ...], Field(min_length=1)] | None = Field(
        None,
        description="Levels of the alert's own escalation policy; level 1 if no schedule is named either.",
    )
    schedules: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="PagerDuty schedules by name or id."
    )

    @property
    def wanted_levels(self) -> tuple[int, ...]:
        """The levels asked for; an empty rule means the first one."""
        return self.levels or (() if self.schedules else (1,))


class Invite(Strict):
    """One kind of people to invite."""

    on_call: InviteOnCall | None = Field(
        None, description="People on call; {} is level 1 of the alert's own policy."
    )
    assignees: Literal[True] | None = Field(None, description="Those PagerDuty assigned the alert to.")
    responders: Literal[True] | None = Field(
        None, description="Those who were added to the alert in PagerDuty."
    )
    group: Name | None = Field(None, description="A Slack user group by its handle or id.")
    people: Annotated[tuple[Email, ...], Field(min_length=1)] | None = Field(
        None, description="People by e-mail."
    )
    severities: Severities = Field(EVERY_SEVERITY, description="The severities this entry is for.")


def gather(invites: Iterable[Invite]) -> Wanted:
    """Everybody these entries ask for, each once."""
    entries = tuple(invites)
    on_calls = [entry.on_call for entry in entries if entry.on_call]
    return Wanted(
        alert_policy_levels=tuple(sorted({level for rule in on_calls for level in rule.wanted_levels})),
        schedules=_once(name for rule in on_calls for name in rule.schedules or ()),
        groups=_once(entry.group for entry in entries if entry.group),
        people=_once(email for entry in entries for email in entry.people or ()),
        assignees=any(entry.assignees for entry in entries),
        responders=any(entry.responders for entry in entries),
    )


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


class OnCallOf(Strict):
    """Who answers now: of a schedule, of a policy, or (neither named) of the alert's own policy."""

    schedule: Name | None = Field(None, description="A PagerDuty schedule by name or id.")
    policy: Name | None = Field(None, description="A PagerDuty escalation policy by id.")
    level: Level = Field(1, description="The level of the policy.")


class AckerRule(Strict):
    """How long to wait for somebody to acknowledge."""

    within: PositiveDuration = Field(
        timedelta(seconds=90), description="How long after the declaration an acknowledgement counts."
    )


class Pool(Strict):
    """A list of people to choose from."""

    jira_role: Name | None = Field(None, description="The people of a role of the Jira project.")
    jira_group: Name | None = Field(None, description="The people of a Jira group.")
    people: Annotated[tuple[Email, ...], Field(min_length=1)] | None = Field(
        None, description="People by e-mail."
    )


class ComponentRule(Strict):
    """A component of the Jira project."""

    component: Name | None = Field(
        None, description="Its name; left out: the component named like the service."
    )


class ByOnCall(Strict):
    """The lead is who is on call."""

    kind: ClassVar[str] = "on_call"
    on_call: OnCallOf = Field(description="Who is on call; {} is level 1 of the alert's own policy.")


class ByAcker(Strict):
    """The lead is who acknowledges first."""

    kind: ClassVar[str] = "acker"
    acker: AckerRule = Field(description="Who acknowledges the alert in PagerDuty; {} waits 90s.")


class ByRoundRobin(Strict):
    """The lead is whoever of a pool has waited longest."""

    kind: ClassVar[str] = "round_robin"
    round_robin: Pool = Field(description="In turn: whoever of the pool has not led for the longest time.")


class ByLeastLoaded(Strict):
    """The lead is whoever of a pool leads the fewest open incidents."""

    kind: ClassVar[str] = "least_loaded"
    least_loaded: Pool = Field(description="Whoever of the pool leads the fewest open incidents.")


class ByComponent(Strict):
    """The lead is who leads the Jira component."""

    kind: ClassVar[str] = "component_lead"
    component_lead: ComponentRule = Field(
        description="Who leads a Jira component; {}: the one named like the service."
    )


class ByName(Strict):
    """The lead is one person, always."""

    kind: ClassVar[str] = "fixed"
    fixed: Email = Field(description="One person by e-mail.")


_STRATEGIES = (ByOnCall, ByAcker, ByRoundRobin, ByLeastLoaded, ByComponent, ByName)
KINDS = tuple(strategy.kind for strategy in _STRATEGIES)


def _tag(value: Any) -> str | None:
    """Name the model for `value`; in angle brackets, so that findings can leave it out of the path."""
    kind = getattr(value, "kind", None)
    if isinstance(value, dict):
        kind = next((key for key in value if key in KINDS), None)
    return f"<{kind}>" if kind else None


LeadStrategy = Annotated[
    Annotated[ByOnCall, Tag("<on_call>")]
    | Annotated[ByAcker, Tag("<acker>")]
    | Annotated[ByRoundRobin, Tag("<round_robin>")]
    | Annotated[ByLeastLoaded, Tag("<least_loaded>")]
    | Annotated[ByComponent, Tag("<component_lead>")]
    | Annotated[ByName, Tag("<fixed>")],
    Discriminator(_tag),
]


class RoleRule(Strict):
    """Who takes a role of its own, besides the lead."""

    on_call: OnCallOf | None = Field(
        None, description="Who is on call; {} is level 1 of the alert's own policy."
    )
    group: Name | None = Field(None, description="A Slack user group; its first member who can be invited.")
    fixed: Email | None = Field(None, description="One person by e-mail.")
    severities: Severities = Field(EVERY_SEVERITY, description="The severities at which the role is filled.")


def name_all(invites: Iterable[Invite], lead: Iterable[LeadStrategy], roles: Iterable[RoleRule]) -> Named:
    """Everything these rules name that must exist at a vendor, each once."""
    invites, lead, roles = tuple(invites), tuple(lead), tuple(roles)
    wanted = gather(invites)
    on_calls = [
        each.on_call for each in (*lead, *roles) if isinstance(each, ByOnCall | RoleRule) and each.on_call
    ]
    pools = [each.round_robin for each in lead if isinstance(each, ByRoundRobin)]
    pools += [each.least_loaded for each in lead if isinstance(each, ByLeastLoaded)]
    fixed = [each.fixed for each in (*lead, *roles) if isinstance(each, ByName | RoleRule) and each.fixed]
    parts = [each.component_lead.component for each in lead if isinstance(each, ByComponent)]
    return Named(
        schedules=_once([*wanted.schedules, *(each.schedule for each in on_calls if each.schedule)]),
        policies=_once(each.policy for each in on_calls if each.policy),
        groups=_once([*wanted.groups, *(each.group for each in roles if each.group)]),
        people=_once([*wanted.people, *(email for pool in pools for email in pool.people or ()), *fixed]),
        jira_roles=_once(pool.jira_role for pool in pools if pool.jira_role),
        jira_groups=_once(pool.jira_group for pool in pools if pool.jira_group),
        components=_once(part for part in parts if part),
    )
