"""Jira's other endpoints: search, users, groups, projects, roles, components, what may be created."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from starlette.routing import BaseRoute, Route

from integrations.sandbox import jira_search
from integrations.sandbox.jira_doors import JiraDoors
from integrations.sandbox.jira_gate import Gate, Refusal
from integrations.sandbox.jira_model import PRIORITIES, Issue, Json, Person, Project, stamp
from integrations.sandbox.jira_shapes import LINK_TYPES, link_type
from integrations.sandbox.world import Answer, Call

REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
MOST_RECONCILED = 50
PERMISSIONS = (
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ASSIGN_ISSUES", "ASSIGNABLE_USER", "ADD_COMMENTS",
    "DELETE_OWN_COMMENTS", "TRANSITION_ISSUES", "LINK_ISSUES", "DELETE_ISSUES", "USER_PICKER", "ADMINISTER",
    "ADMINISTER_PROJECTS",
)  # fmt: skip
SYSTEM_FIELDS = {
    "summary": "Summary",
    "issuetype": "Issue Type",
    "project": "Project",
    "description": "Description",
    "environment": "Environment",
    "labels": "Labels",
    "priority": "Priority",
    "assignee": "Assignee",
    "reporter": "Reporter",
    "components": "Components",
    "duedate": "Due date",
    "parent": "Parent",
}


class Places:
    """Answers what is not about one issue. `search_lag` is in seconds of the sandbox's clock."""

    def __init__(self, doors: JiraDoors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate
        self.search_lag = 0.0

    def routes(self) -> list[BaseRoute]:
        """Give the routes below /rest/api/{version}."""
        project = "/project/{key}"
        info = self._doors.world.endpoint("jira", "GET /serverInfo", self._gate.open(self.server_info))
        return [
            Route("/rest/api/{version}/serverInfo", info, methods=["GET"]),
            *(self._route(verb, "/search/jql", self.search) for verb in ("GET", "POST")),
            *(self._route(verb, "/search", self.search_with_total) for verb in ("GET", "POST")),
            self._route("GET", "/myself", self.myself),
            self._route("GET", "/mypermissions", self.permissions),
            self._route("GET", "/user", self.user),
            self._route("GET", "/user/search", self.users),
            self._route("GET", "/user/assignable/search", self.assignable),
            self._route("GET", "/group/member", self.members),
            self._route("GET", "/field", self.all_fields),
            self._route("GET", "/priority", self.priorities),
            self._route("GET", "/issueLinkType", self.link_types),
            self._route("GET", project, self.project),
            self._route("GET", f"{project}/role", self.roles),
            self._route("GET", f"{project}/role/{{id}}", self.role),
            self._route("GET", f"{project}/components", self.components),
            self._route("GET", "/component", self.all_components),
            self._route("GET", "/component/{id}", self.component),
            self._route("GET", "/issue/createmeta/{key}/issuetypes", self.issue_types),
            self._route("GET", "/issue/createmeta/{key}/issuetypes/{id}", self.create_fields),
        ]

    def server_info(self, _call: Call) -> Answer:
        """Answer what kind of Jira this is; needs no credentials."""
        site = self._doors.site
        cloud = {"deploymentType": "Cloud", "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0]}
        server = {"deploymentType": "Server", "version": "10.3.4", "versionNumbers": [10, 3, 4]}
        now = stamp(self._doors.now())
        common = {"baseUrl": site.base, "buildNumber": 100_000, "serverTime": now, "serverTitle": "Jira"}
        return Answer(200, {**common, **(cloud if site.cloud else server)})

    def search(self, call: Call) -> Answer:
        """Search on Cloud: bounded, without a total, page by token, only ids unless fields are asked for."""
        if not self._doors.site.cloud:
            raise Refusal(404, "null for uri: " + call.path)
        asked = call.fields
        size, start = int(asked.get("maxResults") or 50), _start(asked.get("nextPageToken"))
        fresh = _listed(call, "reconcileIssues")
        if len(fresh) > MOST_RECONCILED:
            raise Refusal(400, f"Cannot reconcile more than {MOST_RECONCILED} issues.")
        found = self._found(call, str(asked.get("jql") or ""), frozenset(fresh), bounded=True)
        window = found[start : start + size]
        last = start + size >= len(found)
        token = base64.b64encode(f"from {start + size}".encode()).decode()
        shown = self._shown(call, window, default="id")
        return Answer(200, {"issues": shown, "isLast": last, **({} if last else {"nextPageToken": token})})

    def search_with_total(self, call: Call) -> Answer:
        """Search on Data Center; on Cloud this endpoint was removed and answers 410."""
        if self._doors.site.cloud:
            raise Refusal(410, REMOVED)
        asked = call.fields
        start, size = int(asked.get("startAt") or 0), int(asked.get("maxResults") or 50)
        found = self._found(call, str(asked.get("jql") or ""), frozenset(), bounded=False)
        shown = self._shown(call, found[start : start + size], default="*navigable")
        page = {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found)}
        return Answer(200, {**page, "issues": shown})

    def myself(self, call: Call) -> Answer:
        """Answer whose credentials these are."""
        return Answer(200, self._gate.shapes(call).person(self._gate.caller(call).account_id))

    def permissions(self, call: Call) -> Answer:
        """Answer which of the named permissions the account has; Cloud wants them named."""
        site, names = self._doors.site, _listed(call, "permissions")
        if site.cloud and not names:
            raise Refusal(400, "The 'permissions' query parameter is required.")
        unknown = [name for name in names if name not in PERMISSIONS]
        if unknown:
            raise Refusal(400, f"Unrecognized permission keys: {', '.join(unknown)}")
        if call.query.get("projectKey"):
            self._gate.project(call, "projectKey")
        shown = {name: _permission(name, have=name not in site.forbidden) for name in names or PERMISSIONS}
        return Answer(200, {"permissions": shown})

    def user(self, call: Call) -> Answer:
        """Answer one person, by accountId on Cloud, by username on Data Center."""
        cloud = self._doors.site.cloud
        key = "accountId" if cloud else "username"
        wanted = call.query.get(key, [""])[0]
        for person in self._doors.site.people.values():
            if wanted == (person.account_id if cloud else person.name):
                return Answer(200, self._gate.shapes(call).person(person.account_id))
        raise Refusal(404, f"The user with {key} '{wanted}' does not exist")

    def users(self, call: Call) -> Answer:
        """Find people; on Cloud hidden addresses do not match."""
        return self._people(call, list(self._doors.site.people.values()))

    def assignable(self, call: Call) -> Answer:
        """Find people who may be assigned issues of a project."""
        if call.query.get("issueKey"):
            self._gate.issue(call)
        elif call.query.get("project"):
            self._gate.project(call, "project")
        else:
            raise Refusal(400, "Either project or issueKey must be given.")
        return self._people(call, [p for p in self._doors.site.people.values() if p.assignable])

    def members(self, call: Call) -> Answer:
        """List a group's members; needs to administer Jira."""
        self._gate.require("ADMINISTER")
        site = self._doors.site
        name = call.query.get("groupname", [""])[0] or call.query.get("groupId", [""])[0].removeprefix(
            "group-"
        )
        if name not in site.groups:
            raise Refusal(404, f"The group with name '{name}' does not exist.")
        shapes = self._gate.shapes(call)
        return Answer(200, _page(call, "values", [shapes.person(ident) for ident in site.groups[name]]))

    def all_fields(self, _call: Call) -> Answer:
        """List all fields of the site."""
        system = [{"id": i, "key": i, "name": name, "custom": False} for i, name in SYSTEM_FIELDS.items()]
        custom = [
            {
                "id": field.id,
                "key": field.id,
                "name": field.name,
                "custom": True,
                "schema": {"type": field.kind},
            }
            for field in self._doors.site.custom_fields.values()
        ]
        return Answer(200, [*system, *custom])

    def priorities(self, call: Call) -> Answer:
        """List priorities, highest first."""
        return Answer(200, [self._gate.shapes(call).named("priority", each) for each in PRIORITIES])

    def link_types(self, _call: Call) -> Answer:
        """List the ways in which issues can be linked."""
        shown = [{"id": str(i), **link_type(name)} for i, name in enumerate(LINK_TYPES, start=10_000)]
        return Answer(200, {"issueLinkTypes": shown})

    def project(self, call: Call) -> Answer:
        """Answer one project."""
        return Answer(200, self._gate.shapes(call).project(self._gate.project(call)))

    def roles(self, call: Call) -> Answer:
        """Answer the addresses of a project's roles."""
        return Answer(200, self._gate.shapes(call).roles(self._gate.project(call)))

    def role(self, call: Call) -> Answer:
        """Answer one role with its people and groups."""
        project = self._gate.project(call)
        role = next((each for each in project.roles if each.id == call.path_params["id"]), None)
        if role is None:
            raise Refusal(404, f"Can not retrieve a role actor for the role {call.path_params['id']}.")
        return Answer(200, self._gate.shapes(call).role(project, role))

    def components(self, call: Call) -> Answer:
        """List a project's components."""
        project, shapes = self._gate.project(call), self._gate.shapes(call)
        return Answer(200, [shapes.component(each, project) for each in project.components])

    def all_components(self, call: Call) -> Answer:
        """List components of some projects, or of all."""
        wanted, shapes = _listed(call, "projectIdsOrKeys"), self._gate.shapes(call)
        projects = [
            p for p in self._doors.site.projects.values() if not wanted or {p.key, p.id} & set(wanted)
        ]
        return Answer(
            200, _page(call, "values", [shapes.component(c, p) for p in projects for c in p.components])
        )

    def component(self, call: Call) -> Answer:
        """Answer one component."""
        for project in self._doors.site.projects.values():
            for component in project.components:
                if component.id == call.path_params["id"]:
                    return Answer(200, self._gate.shapes(call).component(component, project))
        raise Refusal(404, f"The component with id {call.path_params['id']} does not exist.")

    def issue_types(self, call: Call) -> Answer:
        """List what may be created in a project."""
        shapes = self._gate.shapes(call)
        shown = [shapes.issue_type(each) for each in self._gate.project(call).issue_types]
        return Answer(200, _page(call, "issueTypes" if self._doors.site.cloud else "values", shown))

    def create_fields(self, call: Call) -> Answer:
        """List the fields of a create screen; refused ones are not on it."""
        project = self._gate.project(call)
        if call.path_params["id"] not in {each.id for each in project.issue_types}:
            raise Refusal(404, "The issue type selected is invalid.")
        custom = {field.id: field.name for field in self._doors.site.custom_fields.values()}
        names = {**SYSTEM_FIELDS, **custom}
        shown = [
            self._create_field(project, i, name) for i, name in names.items() if i not in project.refused
        ]
        return Answer(200, _page(call, "fields" if self._doors.site.cloud else "values", shown))

    def _create_field(self, project: Project, ident: str, name: str) -> Json:
        required = ident in {"summary", "issuetype", "project", *project.required}
        field = self._doors.site.custom_fields.get(ident)
        shape = {"fieldId": ident, "key": ident, "name": name, "required": required, "operations": ["set"]}
        kind = field.kind if field else "array" if ident in {"labels", "components"} else "string"
        allowed = [{"id": option, "value": option} for option in field.options] if field else []
        return {**shape, "schema": {"type": kind}, **({"allowedValues": allowed} if allowed else {})}

    def _found(self, call: Call, jql: str, fresh: frozenset[str], *, bounded: bool) -> list[Issue]:
        site, now = self._doors.site, self._doors.now()
        try:
            query = jira_search.parse(site, jql, me=self._gate.caller(call), now=now)
        except jira_search.BadQuery as error:
            raise Refusal(400, str(error)) from error
        if bounded and not query.bounded:
            raise Refusal(400, UNBOUNDED)
        if "BROWSE_PROJECTS" in site.forbidden:
            return []
        seen_until = now - timedelta(seconds=self.search_lag)
        return jira_search.search(site, query, seen_until=seen_until, fresh=fresh)

    def _shown(self, call: Call, issues: Sequence[Issue], *, default: str) -> list[Json]:
        fields, properties = _listed(call, "fields") or [default], _listed(call, "properties")
        shapes = self._gate.shapes(call)
        if fields == ["id"]:
            return [{"id": issue.id} for issue in issues]
        return [shapes.issue(issue, fields, properties) for issue in issues]

    def _people(self, call: Call, people: list[Person]) -> Answer:
        self._gate.require("USER_PICKER")
        cloud, query = self._doors.site.cloud, call.query
        if cloud and "username" in query:
            raise Refusal(400, "The query parameter 'username' is not supported in GDPR strict mode.")
        if "accountId" in query and cloud:
            people = [person for person in people if person.account_id in query["accountId"]]
        elif "query" in query or "username" in query:
            wanted = (query.get("query") or query.get("username") or [""])[0].casefold()
            people = [person for person in people if _matches(person, wanted, cloud=cloud)]
        elif cloud:
            raise Refusal(400, "The 'query' or 'accountId' query parameter is required.")
        start, size = int(query.get("startAt", ["0"])[0]), int(query.get("maxResults", ["50"])[0])
        shapes = self._gate.shapes(call)
        return Answer(200, [shapes.person(person.account_id) for person in people[start : start + size]])

    def _route(self, verb: str, path: str, handler: Callable[[Call], Answer]) -> Route:
        endpoint = self._doors.world.endpoint("jira", f"{verb} {path}", self._gate.admit(handler))
        return Route(f"/rest/api/{{version}}{path}", endpoint, methods=[verb])


def _matches(person: Person, wanted: str, *, cloud: bool) -> bool:
    words = [*person.display.split(), person.display]
    if person.email_visible or not cloud:
        words.append(person.email)
    if not cloud:
        words.append(person.name)
    # "." is Data Center's way to ask for everybody.
    return wanted == "." or any(word.casefold().startswith(wanted) for word in words)


def _listed(call: Call, name: str) -> list[str]:
    """Give a parameter that may be repeated, comma-separated, or an array of the body."""
    body = call.form_or_json
    given: Any = body.get(name) if isinstance(body, dict) and name in body else call.query.get(name, [])
    parts = [given] if isinstance(given, str) else given or []
    return [word.strip() for part in parts for word in str(part).split(",") if word.strip()]


def _page(call: Call, name: str, items: Sequence[Any]) -> Json:
    start, size = int(call.query.get("startAt", ["0"])[0]), int(call.query.get("maxResults", ["50"])[0])
    window = items[start : start + size]
    page = {"startAt": start, "maxResults": size, "total": len(items), "isLast": start + size >= len(items)}
    return {**page, name: list(window)}


def _permission(name: str, *, have: bool) -> Json:
    words = name.replace("_", " ").capitalize()
    return {
        "id": str(PERMISSIONS.index(name)),
        "key": name,
        "name": words,
        "type": "PROJECT",
        "havePermission": have,
    }


def _start(token: Any) -> int:
    if not token:
        return 0
    try:
        word, _, number = base64.b64decode(str(token), validate=True).decode().partition(" ")
    except (binascii.Error, UnicodeDecodeError):
        word, number = "", ""
    if word != "from" or not number.isdigit():
        raise Refusal(400, "Invalid nextPageToken.")
    return int(number)
