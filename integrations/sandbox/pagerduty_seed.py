"""The example company's PagerDuty: users, services, policies with on-calls, priorities, abilities."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from integrations.sandbox.pagerduty_model import (
    Account,
    Policy,
    Priority,
    Rule,
    Schedule,
    Service,
    Team,
    User,
    make_id,
)

if TYPE_CHECKING:
    from integrations.sandbox.pagerduty import PagerDuty

TEAMS = ("Commerce", "Platform")
SCHEDULES = {
    "Commerce primary": "Ana",
    "Commerce shadow": "Bo",
    "Platform primary": "Fay",
    "cx-leads": "Cara",
    "incident-commander": "Eli",
}
# Level by level: schedules by name, users as "@first name" (always on call, no schedule).
POLICIES = {
    "Commerce": (("Commerce primary", "Commerce shadow"), ("@Dee",)),
    "Platform": (("Platform primary",), ("@Dee",)),
    "Customer experience": (("cx-leads",), ("@Dee",)),
    "Incident command": (("incident-commander",), ("@Dee",)),
}
SERVICES = {
    "checkout": "Commerce",
    "payments": "Commerce",
    "cart": "Commerce",
    "search": "Platform",
    "login": "Platform",
    "edge": "Platform",
    "mobile": "Platform",
    "reporting": "Platform",
}
PRIORITIES = {
    "P1": "Critical: many customers cannot use the product",
    "P2": "Major: an important part is down or slow",
    "P3": "Minor: some customers are affected",
    "P4": "Low: nobody is hindered",
    "P5": "Cosmetic",
}
ABILITIES = (
    "teams",
    "urgencies",
    "service_support_hours",
    "manual_alert_creation",
    "coordinated_responding",
    "status_updates",
    "incident_custom_fields",
)


def seed_pagerduty(pagerduty: "PagerDuty", people: Iterable[tuple[str, str]]) -> None:
    """Fill an empty account; `people` are names and e-mail addresses, the first names above among them."""
    with pagerduty.world.lock:
        account = pagerduty.account
        for name, email in people:
            ident = make_id(f"user {email}")
            account.users[ident] = User(ident, name, email)
        for name in TEAMS:
            ident = make_id(f"team {name}")
            account.teams[ident] = Team(ident, name)
        _seed_rotas(account)
        for name, policy in SERVICES.items():
            _add_service(pagerduty, name, account.policy(policy))
        for name, words in PRIORITIES.items():
            ident = make_id(f"priority {name}")
            account.priorities[ident] = Priority(ident, name, words)
        account.abilities = list(ABILITIES)
    pagerduty.world.touch()


def add_services(pagerduty: "PagerDuty", n: int, prefix: str = "storm") -> list[str]:
    """Add services `storm-1` ... `storm-<n>` under the Commerce policy and give their names; no webhooks."""
    names = [f"{prefix}-{number}" for number in range(1, n + 1)]
    with pagerduty.world.lock:
        for name in names:
            _add_service(pagerduty, name, pagerduty.account.policy("Commerce"))
    return names


def _seed_rotas(account: Account) -> None:
    for name, who in SCHEDULES.items():
        ident = make_id(f"schedule {name}")
        account.schedules[ident] = Schedule(ident, name, [account.user(who).id])
    teams = {team.name: team.id for team in account.teams.values()}
    for name, levels in POLICIES.items():
        ident = make_id(f"policy {name}")
        rules = [Rule([_target(account, target) for target in level]) for level in levels]
        account.policies[ident] = Policy(ident, name, rules, teams.get(name))


def _target(account: Account, name: str) -> tuple[str, str]:
    if name.startswith("@"):
        return "user", account.user(name[1:]).id
    return "schedule", account.schedule(name).id


def _add_service(pagerduty: "PagerDuty", name: str, policy: Policy) -> None:
    ident = make_id(f"service {name}")
    pagerduty.account.services[ident] = Service(
        ident, name, policy.id, f"key-{name}", pagerduty.now(), policy.team
    )
