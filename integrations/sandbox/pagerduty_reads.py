"""PagerDuty's reading endpoints: on-calls, users, services, policies, schedules, priorities, incidents."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.routing import BaseRoute, Route

from integrations.sandbox import pagerduty_shapes as shapes
from integrations.sandbox.pagerduty_doors import Doors
from integrations.sandbox.pagerduty_gate import Gate, Refusal
from integrations.sandbox.pagerduty_model import Incident, Json
from integrations.sandbox.world import Answer, Call

Thing = TypeVar("Thing")
PAGE = 25
LARGEST_PAGE = 100
FURTHEST = 10_000
STATUSES = {"triggered", "acknowledged", "resolved"}


def found(table: Mapping[str, Thing], ident: str) -> Thing:
    """Give an object of the account, or refuse with 404."""
    if ident not in table:
        raise Refusal(404)
    return table[ident]


def page(call: Call, name: str, items: list[Json]) -> Answer:
    """Answer one page of a list with classic pagination."""
    limit, offset = number(call, "limit", PAGE), number(call, "offset", 0)
    if limit + offset > FURTHEST:
        raise Refusal(400, "Offset must be less than 10,000")
    limit = min(limit, LARGEST_PAGE)
    total = len(items) if call.query.get("total") == ["true"] else None
    window = items[offset : offset + limit]
    more = offset + limit < len(items)
    return Answer(200, {name: window, "limit": limit, "offset": offset, "more": more, "total": total})


def number(call: Call, name: str, default: int) -> int:
    """Give a query parameter that must be a whole number, or refuse with 400."""
    value = call.query.get(name, [str(default)])[0]
    if not value.isdigit():
        raise Refusal(400, f"{name.capitalize()} is not a number")
    return int(value)


def moment(call: Call, name: str) -> datetime | None:
    """Give a query parameter that must be an ISO 8601 instant, or refuse with 400."""
    value = call.query.get(name, [""])[0]
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError as error:
        raise Refusal(400, f"{name.capitalize()} is not a valid date") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Reads:
    """Answers every GET."""

    def __init__(self, doors: Doors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[BaseRoute]:
        """Give the routes below the API's root."""
        return [
            self._get("/oncalls", self.oncalls),
            self._get("/users", self.users),
            self._get("/users/me", self.me),
            self._get("/users/{id}", self.user),
            self._get("/services", self.services),
            self._get("/services/{id}", self.service),
            self._get("/escalation_policies", self.policies),
            self._get("/escalation_policies/{id}", self.policy),
            self._get("/schedules", self.schedules),
            self._get("/schedules/{id}", self.schedule),
            self._get("/priorities", self.priorities),
            self._get("/abilities", self.abilities),
            self._get("/incidents", self.incidents),
            self._get("/incidents/{id}", self.incident),
            self._get("/incidents/{id}/notes", self.notes),
            self._get("/incidents/{id}/alerts", self.alerts),
        ]

    def oncalls(self, call: Call) -> Answer:
        """Answer who is on call, narrowed by policy, schedule and user."""
        moment(call, "since")
        moment(call, "until")
        entries = shapes.oncalls(self._doors.account, self._doors.now())
        for name in ("escalation_policy", "schedule", "user"):
            wanted = call.query.get(f"{name}_ids[]")
            if wanted:
                entries = [entry for entry in entries if entry[name] and entry[name]["id"] in wanted]
        if call.query.get("earliest") == ["true"]:
            entries = _earliest(entries)
        return page(call, "oncalls", [self._expanded(entry, call) for entry in entries])

    def users(self, call: Call) -> Answer:
        """List users; `query` narrows by name or e-mail."""
        account = self._doors.account
        listed = _named(account.users, call, lambda user: f"{user.name} {user.email}")
        return page(call, "users", [shapes.user_json(account, user) for user in listed])

    def me(self, call: Call) -> Answer:
        """Answer whose token it is; account keys belong to nobody."""
        user = self._gate.person(call)
        if user is None:
            raise Refusal(400, "This endpoint requires a user-level API token", message="Bad Request")
        return Answer(200, {"user": shapes.user_json(self._doors.account, user)})

    def user(self, call: Call) -> Answer:
        """Answer one user."""
        account = self._doors.account
        return Answer(200, {"user": shapes.user_json(account, found(account.users, call.path_params["id"]))})

    def services(self, call: Call) -> Answer:
        """List services; `query` narrows by name."""
        account = self._doors.account
        listed = _named(account.services, call, lambda service: service.name)
        return page(call, "services", [shapes.service_json(account, service) for service in listed])

    def service(self, call: Call) -> Answer:
        """Answer one service."""
        account = self._doors.account
        service = found(account.services, call.path_params["id"])
        return Answer(200, {"service": shapes.service_json(account, service)})

    def policies(self, call: Call) -> Answer:
        """List escalation policies; `query` narrows by name."""
        account = self._doors.account
        listed = _named(account.policies, call, lambda policy: policy.name)
        return page(call, "escalation_policies", [shapes.policy_json(account, policy) for policy in listed])

    def policy(self, call: Call) -> Answer:
        """Answer one escalation policy."""
        account = self._doors.account
        policy = found(account.policies, call.path_params["id"])
        return Answer(200, {"escalation_policy": shapes.policy_json(account, policy)})

    def schedules(self, call: Call) -> Answer:
        """List schedules; `query` narrows by name."""
        account, now = self._doors.account, self._doors.now()
        listed = _named(account.schedules, call, lambda schedule: schedule.name)
        return page(call, "schedules", [shapes.schedule_json(account, schedule, now) for schedule in listed])

    def schedule(self, call: Call) -> Answer:
        """Answer one schedule."""
        account = self._doors.account
        schedule = found(account.schedules, call.path_params["id"])
        return Answer(200, {"schedule": shapes.schedule_json(account, schedule, self._doors.now())})

    def priorities(self, call: Call) -> Answer:
        """List priorities, highest first."""
        listed = [shapes.priority_json(each) for each in self._doors.account.priorities.values()]
        return page(call, "priorities", listed)

    def abilities(self, _call: Call) -> Answer:
        """Answer what the account's plan can do."""
        return Answer(200, {"abilities": list(self._doors.account.abilities)})

    def incidents(self, call: Call) -> Answer:
        """List incidents, oldest first unless `sort_by` says otherwise."""
        account = self._doors.account
        listed = [i for i in account.incidents.values() if self._fits(i, call)]
        include = call.query.get("include[]", [])
        shown = [shapes.incident_json(account, incident, include) for incident in _sorted(listed, call)]
        return page(call, "incidents", shown)

    def incident(self, call: Call) -> Answer:
        """Answer one incident."""
        account = self._doors.account
        incident = found(account.incidents, call.path_params["id"])
        include = call.query.get("include[]", [])
        return Answer(200, {"incident": shapes.incident_json(account, incident, include)})

    def notes(self, call: Call) -> Answer:
        """List an incident's notes, newest first."""
        account = self._doors.account
        incident = found(account.incidents, call.path_params["id"])
        return Answer(200, {"notes": [shapes.note_json(account, note) for note in reversed(incident.notes)]})

    def alerts(self, call: Call) -> Answer:
        """List an incident's alerts."""
        account = self._doors.account
        incident = found(account.incidents, call.path_params["id"])
        return page(call, "alerts", [shapes.alert_json(account, incident, each) for each in incident.alerts])

    def _get(self, path: str, handler: Callable[[Call], Answer]) -> Route:
        endpoint = self._doors.world.endpoint("pagerduty", f"GET {path}", self._gate.admit(handler))
        return Route(path, endpoint, methods=["GET"])

    def _expanded(self, entry: Json, call: Call) -> Json:
        account, wanted = self._doors.account, call.query.get("include[]", [])
        shown = dict(entry)
        if "users" in wanted:
            shown["user"] = shapes.user_json(account, account.users[entry["user"]["id"]])
        if "escalation_policies" in wanted:
            policy = account.policies[entry["escalation_policy"]["id"]]
            shown["escalation_policy"] = shapes.policy_json(account, policy)
        if "schedules" in wanted and entry["schedule"]:
            schedule = account.schedules[entry["schedule"]["id"]]
            shown["schedule"] = shapes.schedule_json(account, schedule, self._doors.now())
        return shown

    def _fits(self, incident: Incident, call: Call) -> bool:
        query = call.query
        since, until = moment(call, "since"), moment(call, "until")
        if not STATUSES.issuperset(query.get("statuses[]", [])):
            raise Refusal(400, "Invalid status provided")
        narrowed = (
            ("statuses[]", incident.status),
            ("service_ids[]", incident.service),
            ("urgencies[]", incident.urgency),
            ("incident_key", incident.key),
        )
        if any(query.get(name) and value not in query[name] for name, value in narrowed):
            return False
        assignees = {user for user, _ in incident.assignees}
        if query.get("user_ids[]") and not assignees.intersection(query["user_ids[]"]):
            return False
        return (since is None or incident.created_at >= since) and (
            until is None or incident.created_at < until
        )


def _earliest(entries: list[Json]) -> list[Json]:
    """Keep one entry per policy, level and user."""
    kept: dict[tuple[Any, ...], Json] = {}
    for entry in entries:
        kept.setdefault(
            (entry["escalation_policy"]["id"], entry["escalation_level"], entry["user"]["id"]), entry
        )
    return list(kept.values())


def _named(table: Mapping[str, Thing], call: Call, words: Callable[[Thing], str]) -> list[Thing]:
    wanted = call.query.get("query", [""])[0].casefold()
    return sorted((each for each in table.values() if wanted in words(each).casefold()), key=words)


def _sorted(incidents: list[Incident], call: Call) -> list[Incident]:
    keys: dict[str, Callable[[Incident], Any]] = {
        "incident_number": lambda incident: incident.number,
        "created_at": lambda incident: incident.number,
        "resolved_at": lambda incident: incident.resolved_at or datetime.max.replace(tzinfo=UTC),
        "urgency": lambda incident: incident.urgency,
    }
    orders = [part for value in call.query.get("sort_by", []) for part in value.split(",")]
    for order in reversed(orders):
        name, _, direction = order.partition(":")
        if name not in keys:
            raise Refusal(400, "Invalid sort_by")
        incidents = sorted(incidents, key=keys[name], reverse=direction == "desc")
    return incidents
