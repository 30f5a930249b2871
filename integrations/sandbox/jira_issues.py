"""Jira's issue endpoints: create, read, change, assign, comment, link, move, properties."""

from collections.abc import Callable
from typing import Any

from starlette.routing import BaseRoute, Route

from integrations.sandbox.jira_doors import JiraDoors
from integrations.sandbox.jira_fields import NOT_A_DOCUMENT, Invalid
from integrations.sandbox.jira_gate import Gate, Refusal
from integrations.sandbox.jira_model import RESOLUTIONS, TRANSITIONS, Comment, Issue, Json
from integrations.sandbox.jira_shapes import LINK_TYPES
from integrations.sandbox.world import Answer, Call

LONGEST_LINK_TEXT = 255


class Issues:
    """Answers what is about one issue; the changes themselves are the doors'."""

    def __init__(self, doors: JiraDoors, gate: Gate) -> None:
        self._doors = doors
        self._gate = gate

    def routes(self) -> list[BaseRoute]:
        """Give the routes below /rest/api/{version}."""
        one = "/issue/{key}"
        return [
            self._route("POST", "/issue", self.create),
            self._route("GET", one, self.read),
            self._route("PUT", one, self.change),
            self._route("DELETE", one, self.delete),
            self._route("PUT", f"{one}/assignee", self.assign),
            self._route("GET", f"{one}/comment", self.comments),
            self._route("POST", f"{one}/comment", self.comment),
            self._route("DELETE", f"{one}/comment/{{id}}", self.uncomment),
            self._route("GET", f"{one}/remotelink", self.remote_links),
            self._route("POST", f"{one}/remotelink", self.link_remotely),
            self._route("GET", f"{one}/transitions", self.transitions),
            self._route("POST", f"{one}/transitions", self.transition),
            self._route("GET", f"{one}/properties", self.property_keys),
            self._route("GET", f"{one}/properties/{{name}}", self.property),
            self._route("PUT", f"{one}/properties/{{name}}", self.set_property),
            self._route("POST", "/issueLink", self.link),
        ]

    def create(self, call: Call) -> Answer:
        """Create an issue; all wrong fields are named at once."""
        self._gate.require("CREATE_ISSUES")
        body, caller = _object(call), self._gate.caller(call)
        fields = self._gate.fields(call)
        wanted = _fields(body)
        project, issue_type = fields.project_and_type(wanted)
        issue = self._doors.new_issue(project, issue_type, summary="", by=caller.account_id)
        try:
            operated = fields.operate(issue, _but_comments(body.get("update") or {}))
            fields.write(issue, {**wanted, **operated}, creating=True)
        except Invalid:
            # A refused create uses up no number.
            project.last_number -= 1
            raise
        for each in body.get("properties") or []:
            issue.properties[each["key"]] = each["value"]
        self._doors.add_issue(issue, caller.account_id)
        address = self._gate.shapes(call).issue(issue)["self"]
        return Answer(201, {"id": issue.id, "key": issue.key, "self": address})

    def read(self, call: Call) -> Answer:
        """Answer one issue, always as it is now."""
        issue = self._gate.issue(call)
        fields, properties = call.query.get("fields", []), call.query.get("properties", [])
        names = [name for part in properties for name in part.split(",")]
        return Answer(200, self._gate.shapes(call).issue(issue, fields, names))

    def change(self, call: Call) -> Answer:
        """Change fields, or none of them if one is refused."""
        self._gate.require("EDIT_ISSUES")
        issue, body = self._gate.issue(call, write=True), _object(call)
        fields, caller, before = self._gate.fields(call), self._gate.caller(call), issue.snapshot()
        update = body.get("update") or {}
        fields.write(issue, {**_fields(body), **fields.operate(issue, _but_comments(update))}, creating=False)
        for each in body.get("properties") or []:
            issue.properties[each["key"]] = each["value"]
        self._doors.changed(issue, before, caller.account_id)
        self._comment_in(call, issue, update)
        return Answer(204)

    def delete(self, call: Call) -> Answer:
        """Delete an issue."""
        self._gate.require("DELETE_ISSUES")
        issue = self._gate.issue(call)
        self._doors.delete(issue.key, self._gate.caller(call).account_id)
        return Answer(204)

    def assign(self, call: Call) -> Answer:
        """Assign: by accountId on Cloud, by name on Data Center; null is nobody."""
        self._gate.require("ASSIGN_ISSUES")
        issue, body = self._gate.issue(call, write=True), _object(call)
        try:
            person = self._gate.fields(call).assignee(body)
        except ValueError as error:
            raise Invalid({"assignee": str(error)}) from error
        self._doors.assign(issue.key, person, self._gate.caller(call).account_id)
        return Answer(204)

    def comments(self, call: Call) -> Answer:
        """List comments, oldest first unless `orderBy` is -created."""
        issue, shapes = self._gate.issue(call), self._gate.shapes(call)
        shown = [shapes.comment(issue, each) for each in issue.comments]
        if call.query.get("orderBy") == ["-created"]:
            shown.reverse()
        start, size = int(call.query.get("startAt", ["0"])[0]), int(call.query.get("maxResults", ["5000"])[0])
        window = shown[start : start + size]
        return Answer(200, {"comments": window, "startAt": start, "maxResults": size, "total": len(shown)})

    def comment(self, call: Call) -> Answer:
        """Add a comment: a document in v3, text in v2."""
        self._gate.require("ADD_COMMENTS")
        issue = self._gate.issue(call, write=True)
        comment = self._add_comment(call, issue, _object(call).get("body"))
        return Answer(201, self._gate.shapes(call).comment(issue, comment))

    def uncomment(self, call: Call) -> Answer:
        """Delete a comment of the caller's own."""
        self._gate.require("DELETE_OWN_COMMENTS")
        issue, number = self._gate.issue(call, write=True), call.path_params["id"]
        own = [each for each in issue.comments if each.id == number]
        if not own or own[0].author != self._gate.caller(call).account_id:
            raise Refusal(404, f"Can not find a comment for the id: {number}.")
        issue.comments.remove(own[0])
        self._doors.world.touch()
        return Answer(204)

    def remote_links(self, call: Call) -> Answer:
        """List links to elsewhere, or the one with a `globalId`."""
        issue, wanted = self._gate.issue(call), call.query.get("globalId", [""])[0]
        if not wanted:
            return Answer(200, issue.remote_links)
        found = [link for link in issue.remote_links if link.get("globalId") == wanted]
        if not found:
            raise Refusal(404, "The remote link does not exist.")
        return Answer(200, found[0])

    def link_remotely(self, call: Call) -> Answer:
        """Add a link to elsewhere; one with the same `globalId` is replaced."""
        self._gate.require("LINK_ISSUES")
        issue, body = self._gate.issue(call, write=True), _object(call)
        thing = body.get("object") or {}
        errors = {name: f"'{name}' is required." for name in ("url", "title") if not thing.get(name)}
        if len(thing.get("title") or "") > LONGEST_LINK_TEXT:
            errors["title"] = "'title' is longer than 255 characters."
        if len(body.get("globalId") or "") > LONGEST_LINK_TEXT:
            errors["globalId"] = "'globalId' is longer than 255 characters."
        if errors:
            raise Invalid(errors)
        known = _same_link(issue, body.get("globalId"))
        link: Json = known if known is not None else {"id": int(self._doors.site.next_id())}
        parts = ("globalId", "application", "relationship", "object")
        link.update({name: body[name] for name in parts if name in body})
        link["self"] = f"{self._doors.site.base}/rest/api/issue/{issue.key}/remotelink/{link['id']}"
        if known is None:
            issue.remote_links.append(link)
        return Answer(201 if known is None else 200, {"id": link["id"], "self": link["self"]})

    def transitions(self, call: Call) -> Answer:
        """List the ways from here: all but the one into the present status."""
        issue, shapes = self._gate.issue(call), self._gate.shapes(call)
        ways = [shapes.transition(way) for way in TRANSITIONS if way.to != issue.status]
        return Answer(200, {"expand": "transitions", "transitions": ways})

    def transition(self, call: Call) -> Answer:
        """Move an issue by a transition's id; fields and a comment may come along."""
        self._gate.require("TRANSITION_ISSUES")
        issue, body, caller = self._gate.issue(call, write=True), _object(call), self._gate.caller(call)
        wanted = str((body.get("transition") or {}).get("id", ""))
        way = next((t for t in TRANSITIONS if t.id == wanted and t.to != issue.status), None)
        if way is None:
            raise Refusal(
                400, f"It seems that you have tried to perform an illegal workflow operation ({wanted})."
            )
        before, fields = issue.snapshot(), dict(body.get("fields") or {})
        resolution = (fields.pop("resolution", None) or {}).get("name")
        chosen = next((each for each in RESOLUTIONS if each.name == resolution), None)
        if resolution and chosen is None:
            raise Invalid({"resolution": f"Resolution name '{resolution}' is not valid"})
        self._gate.fields(call).write(issue, fields, creating=False)
        self._doors.move(issue, way.to, chosen)
        self._doors.changed(issue, before, caller.account_id)
        self._comment_in(call, issue, body.get("update") or {})
        return Answer(204)

    def property_keys(self, call: Call) -> Answer:
        """List the names of an issue's properties."""
        issue = self._gate.issue(call)
        root = self._gate.shapes(call).issue(issue, ("summary",))["self"]
        return Answer(
            200, {"keys": [{"key": name, "self": f"{root}/properties/{name}"} for name in issue.properties]}
        )

    def property(self, call: Call) -> Answer:
        """Answer one property."""
        issue, name = self._gate.issue(call), call.path_params["name"]
        if name not in issue.properties:
            raise Refusal(404, f"The property with the key {name} does not exist.")
        return Answer(200, {"key": name, "value": issue.properties[name]})

    def set_property(self, call: Call) -> Answer:
        """Set one property to any JSON; 201 the first time, 200 later."""
        self._gate.require("EDIT_ISSUES")
        issue, name = self._gate.issue(call, write=True), call.path_params["name"]
        created = name not in issue.properties
        issue.properties[name] = call.form_or_json
        return Answer(201 if created else 200)

    def link(self, call: Call) -> Answer:
        """Link two issues, say as duplicates."""
        self._gate.require("LINK_ISSUES")
        body, site = _object(call), self._doors.site
        try:
            inward = site.issue((body.get("inwardIssue") or {}).get("key", ""))
            outward = site.issue((body.get("outwardIssue") or {}).get("key", ""))
        except KeyError as error:
            raise Refusal(404, "No issue could be found to link.") from error
        kind = (body.get("type") or {}).get("name")
        if kind not in LINK_TYPES:
            raise Refusal(404, f"No issue link type with name '{kind}' found.")
        inward.links.append((kind, "outward", outward.id))
        outward.links.append((kind, "inward", inward.id))
        return Answer(201)

    def _comment_in(self, call: Call, issue: Issue, update: Json) -> None:
        for operation in update.get("comment") or []:
            self._add_comment(call, issue, operation.get("add", {}).get("body"))

    def _add_comment(self, call: Call, issue: Issue, body: Any) -> Comment:
        try:
            text = self._gate.fields(call).rich(body)
        except ValueError as error:
            # For comments the two versions word it differently.
            words = "Comment body is not valid!" if str(error) == NOT_A_DOCUMENT else str(error)
            raise Invalid({"comment": words}) from error
        if not text:
            raise Invalid({"comment": "Comment body can not be empty!"})
        self._doors.comment(issue.key, text, self._gate.caller(call).account_id)
        return issue.comments[-1]

    def _route(self, verb: str, path: str, handler: Callable[[Call], Answer]) -> Route:
        endpoint = self._doors.world.endpoint("jira", f"{verb} {path}", self._gate.admit(handler))
        return Route(f"/rest/api/{{version}}{path}", endpoint, methods=[verb])


def _same_link(issue: Issue, global_id: str | None) -> Json | None:
    return next(
        (link for link in issue.remote_links if global_id and link.get("globalId") == global_id), None
    )


def _object(call: Call) -> Json:
    body = call.form_or_json
    if not isinstance(body, dict):
        raise Refusal(400, "There was an error parsing JSON. Check that your request body is valid.")
    return body


def _fields(body: Json) -> Json:
    fields = body.get("fields") or {}
    if not isinstance(fields, dict):
        raise Refusal(400, "Can not deserialize instance of java.util.LinkedHashMap for 'fields'")
    return fields


def _but_comments(update: Json) -> Json:
    return {name: operations for name, operations in update.items() if name != "comment"}
