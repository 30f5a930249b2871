"""PagerDuty as `multivac check` asks it: what only a check wants to know; built by app.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from integrations.pagerduty.bodies import Body, ident, line, part, parts, person, words
from integrations.pagerduty.events import EVENTS
from integrations.pagerduty.pager import PagerDutyPager
from integrations.pagerduty.rest import Invalid
from multivac.incident import AlertKind, Person
from multivac.tongue import phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """An escalation policy, its schedules (ids and names), and the ids of all whom it may ever call."""

    id: str
    name: str
    used: bool
    schedules: frozenset[str]
    people: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A webhook subscription of the account: where it delivers, which events, and whether it is on."""

    url: str
    active: bool
    events: tuple[str, ...]


class PagerDutyDoctor(PagerDutyPager):
    """The adapter with further questions, none of which changes anything in the account."""

    def users(self) -> Iterator[Person]:
        """Every user of the account."""
        found = (person(user) for user in self._rest.pages("users", what=phrase("the users")))
        return (each for each in found if each is not None)

    def services(self) -> Iterator[tuple[str, str]]:
        """Every service of the account: id and name."""
        for service in self._rest.pages("services", what=phrase("the services")):
            yield ident(service.get("id")) or "", line(words(service.get("name")))

    def webhook_subscriptions(self) -> Iterator[Subscription]:
        """Every webhook subscription that the token may see."""
        for each in self._rest.pages("webhook_subscriptions", what=phrase("the webhook subscriptions")):
            events = each.get("events")
            yield Subscription(
                url=words(part(each, "delivery_method").get("url")) or "",
                active=each.get("active") is not False
                and not part(each, "delivery_method").get("temporarily_disabled"),
                events=tuple(filter(None, map(words, events))) if isinstance(events, list) else (),
            )

    def whoami(self) -> str:
        """Whose token it is, in words. Raises `GiveUp` if it is nobody's."""
        try:
            answer = self._rest.get("/users/me", what=phrase("our own user"))
        except Invalid:
            # Only a valid key that belongs to the account instead of a person is answered so.
            return f"an API key of the account, writing as {self._from_email}"
        owner = person(part(answer, "user"))
        return owner.name if owner else "a user without a name"

    def schedule_exists(self, name: str) -> bool:
        """Whether there is a schedule with this name or id."""
        return self._schedule(name) is not None

    def schedule_is_used(self, name: str) -> bool:
        """Whether an escalation policy uses this schedule; PagerDuty names nobody for any other."""
        return bool(parts((self._schedule(name) or {}).get("escalation_policies")))

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
