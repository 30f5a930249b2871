"""PagerDuty as `multivac check` asks it: what only a check wants to know; built by app.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from integrations.pagerduty.bodies import Body, ident, line, parts, words
from integrations.pagerduty.events import EVENTS
from integrations.pagerduty.pager import PagerDutyPager
from multivac.incident import AlertKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """An escalation policy, its schedules (ids and names), and the ids of all whom it may ever call."""

    id: str
    name: str
    used: bool
    schedules: frozenset[str]
    people: frozenset[str]


class PagerDutyDoctor(PagerDutyPager):
    """The adapter with further questions, none of which changes anything in the account."""

    def rotas(self) -> tuple[Rota, ...]:
        """Every escalation policy, with the people of its schedules."""
        listed = self._rest.pages("schedules", what="the schedules")
        shifts = {ident(each.get("id")): _ids(parts(each.get("users"))) for each in listed}
        policies = self._rest.pages("escalation_policies", what="the escalation policies")
        return tuple(_rota(policy, shifts) for policy in policies)

    def wanted_events(self) -> frozenset[str]:
        """The types of events that change a response; the others only go to the timeline."""
        return frozenset(name for name, (kind, _) in EVENTS.items() if kind is not AlertKind.NOTED)


def _rota(policy: Body, shifts: dict[str | None, frozenset[str]]) -> Rota:
    rules = parts(policy.get("escalation_rules"))
    targets = [target for rule in rules for target in parts(rule.get("targets"))]
    users = [target for target in targets if "user" in (words(target.get("type")) or "")]
    schedules = [target for target in targets if ident(target.get("id")) in shifts]
    on_shift = [shifts[ident(schedule.get("id"))] for schedule in schedules]
    return Rota(
        id=ident(policy.get("id")) or "",
        name=line(words(policy.get("name")), 100),
        used=bool(parts(policy.get("services"))),
        schedules=_ids(schedules).union(words(each.get("summary")) or "" for each in schedules),
        people=_ids(users).union(*on_shift),
    )


def _ids(references: Iterable[Body]) -> frozenset[str]:
    return frozenset(key for each in references if (key := ident(each.get("id"))))
