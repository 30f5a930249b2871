"""How Jira's REST API shows its objects, for v2 and v3, Cloud and Data Center. Pure."""

from collections.abc import Collection, Sequence
from typing import Any

from integrations.sandbox.jira_model import (
    Comment,
    Component,
    Issue,
    Json,
    Named,
    Person,
    Project,
    Role,
    Site,
    Status,
    Text,
    Transition,
    stamp,
)
from integrations.sandbox.jira_text import as_document, as_plain

CATEGORIES = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}


# Each with the words seen from the inward and from the outward issue.
LINK_TYPES = {"Duplicate": ("is duplicated by", "duplicates"), "Relates": ("relates to", "relates to")}


def link_type(name: str) -> Json:
    """Give a kind of link between issues."""
    inward, outward = LINK_TYPES[name]
    return {"name": name, "inward": inward, "outward": outward}


class Shapes:
    """Shows one site in one API version (2 or 3)."""

    def __init__(self, site: Site, version: int) -> None:
        self._site = site
        self._version = version
        self._root = f"{site.base}/rest/api/{version}"

    def text(self, text: Text | None) -> Text | None:
        """Give rich text: a document in v3, plain in v2."""
        return as_document(text) if self._version >= 3 else as_plain(text)

    def person(self, account_id: str | None) -> Json | None:
        """Give a person as this flavour names them; Cloud leaves out hidden addresses."""
        if account_id is None:
            return None
        person = self._site.people[account_id]
        common = {
            "displayName": person.display,
            "active": person.active,
            "timeZone": "Etc/UTC",
            "avatarUrls": {},
        }
        if self._site.cloud:
            shown = {
                "self": f"{self._root}/user?accountId={person.account_id}",
                "accountId": person.account_id,
                "accountType": "atlassian",
                **common,
            }
            return {**shown, "emailAddress": person.email} if person.email_visible else shown
        return {
            "self": f"{self._root}/user?username={person.name}",
            "name": person.name,
            "key": f"JIRAUSER{10_000 + list(self._site.people).index(person.account_id)}",
            "emailAddress": person.email,
            **common,
        }

    def named(self, kind: str, thing: Named | None) -> Json | None:
        """Give an issue type, priority or resolution."""
        if thing is None:
            return None
        return {"self": f"{self._root}/{kind}/{thing.id}", "id": thing.id, "name": thing.name}

    def status(self, status: Status) -> Json:
        """Give a status with its category."""
        ident, name, color = CATEGORIES[status.category]
        category = {
            "self": f"{self._root}/statuscategory/{ident}",
            "id": ident,
            "key": status.category,
            "colorName": color,
            "name": name,
        }
        return {
            "self": f"{self._root}/status/{status.id}",
            "id": status.id,
            "name": status.name,
            "description": "",
            "statusCategory": category,
        }

    def transition(self, transition: Transition) -> Json:
        """Give a transition."""
        return {
            "id": transition.id,
            "name": transition.name,
            "to": self.status(transition.to),
            "hasScreen": False,
            "isGlobal": True,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
        }

    def project_ref(self, project: Project) -> Json:
        """Give a project as an issue shows it."""
        return {
            "self": f"{self._root}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
        }

    def project(self, project: Project) -> Json:
        """Give a project as GET /project/{key} does."""
        return {
            **self.project_ref(project),
            "lead": self.person(project.lead),
            "components": [self.component(each, project) for each in project.components],
            "issueTypes": [self.issue_type(each) for each in project.issue_types],
            "assigneeType": "UNASSIGNED",
            "versions": [],
            "roles": self.roles(project),
        }

    def roles(self, project: Project) -> Json:
        """Give the addresses of a project's roles by name."""
        return {role.name: f"{self._root}/project/{project.key}/role/{role.id}" for role in project.roles}

    def role(self, project: Project, role: Role) -> Json:
        """Give a role with its actors."""
        people = [self._actor(self._site.people[ident]) for ident in role.people]
        groups = [
            {
                "displayName": name,
                "name": name,
                "type": "atlassian-group-role-actor",
                "actorGroup": {"name": name, "displayName": name, "groupId": f"group-{name}"},
            }
            for name in role.groups
        ]
        return {
            "self": self.roles(project)[role.name],
            "id": int(role.id),
            "name": role.name,
            "description": "",
            "actors": [
                {"id": number, **actor} for number, actor in enumerate([*people, *groups], start=10_240)
            ],
        }

    def _actor(self, person: Person) -> Json:
        shown = {"displayName": person.display, "type": "atlassian-user-role-actor"}
        if self._site.cloud:
            return {**shown, "actorUser": {"accountId": person.account_id}}
        return {**shown, "name": person.name}

    def issue_type(self, issue_type: Named) -> Json:
        """Give an issue type."""
        return {
            "self": f"{self._root}/issuetype/{issue_type.id}",
            "id": issue_type.id,
            "name": issue_type.name,
            "description": "",
            "iconUrl": "",
            "subtask": False,
        }

    def component(self, component: Component, project: Project) -> Json:
        """Give a component with its lead."""
        lead = self.person(component.lead)
        return {
            "self": f"{self._root}/component/{component.id}",
            "id": component.id,
            "name": component.name,
            "description": component.description,
            **({"lead": lead} if lead else {}),
            "assigneeType": "COMPONENT_LEAD" if lead else "UNASSIGNED",
            "isAssigneeTypeValid": lead is not None,
            "project": project.key,
            "projectId": int(project.id),
        }

    def comment(self, issue: Issue, comment: Comment) -> Json:
        """Give a comment."""
        author = self.person(comment.author)
        return {
            "self": f"{self._root}/issue/{issue.id}/comment/{comment.id}",
            "id": comment.id,
            "author": author,
            "updateAuthor": author,
            "body": self.text(comment.body),
            "created": stamp(comment.created),
            "updated": stamp(comment.created),
        }

    def issue(
        self, issue: Issue, fields: Sequence[str] = ("*all",), properties: Collection[str] = ()
    ) -> Json:
        """Give an issue with the fields asked for, as `fields` of GET /issue/{key} selects them."""
        shape: Json = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": issue.id,
            "self": f"{self._root}/issue/{issue.id}",
            "key": issue.key,
            "fields": _selected(self._fields(issue), fields),
        }
        if properties:
            wanted = issue.properties if "*all" in properties else properties
            shape["properties"] = {k: issue.properties[k] for k in wanted if k in issue.properties}
        return shape

    def _fields(self, issue: Issue) -> Json:
        project = self._site.projects[issue.project]
        comments = [self.comment(issue, comment) for comment in issue.comments]
        return {
            "summary": issue.summary,
            "description": self.text(issue.description),
            "environment": self.text(issue.environment),
            "issuetype": self.issue_type(issue.issue_type),
            "project": self.project_ref(project),
            "status": self.status(issue.status),
            "statusCategory": self.status(issue.status)["statusCategory"],
            "priority": self.named("priority", issue.priority),
            "resolution": self.named("resolution", issue.resolution),
            "resolutiondate": stamp(issue.resolved) if issue.resolved else None,
            "labels": list(issue.labels),
            "components": [self.component(each, project) for each in issue.components],
            "assignee": self.person(issue.assignee),
            "reporter": self.person(issue.reporter),
            "creator": self.person(issue.reporter),
            "created": stamp(issue.created),
            "updated": stamp(issue.updated),
            "duedate": issue.duedate,
            "parent": self._linked(issue.parent) if issue.parent else None,
            "issuelinks": [self._link(*link) for link in issue.links],
            "subtasks": [],
            "comment": {
                "comments": comments,
                "maxResults": len(comments),
                "total": len(comments),
                "startAt": 0,
            },
            **{ident: self._custom(ident, issue.custom.get(ident)) for ident in self._site.custom_fields},
        }

    def _custom(self, ident: str, value: Any) -> Any:
        kind = self._site.custom_fields[ident].kind
        if kind == "textarea":
            return self.text(value)
        return {"value": value, "id": value} if kind == "select" and value else value

    def _link(self, kind: str, direction: str, other: str) -> Json:
        return {
            "id": f"{kind}-{other}",
            "type": link_type(kind),
            f"{direction}Issue": self._linked(other),
        }

    def _linked(self, ident: str) -> Json:
        other = self._site.issues[ident]
        return {"id": other.id, "key": other.key, "fields": {"summary": other.summary}}


def _selected(fields: Json, wanted: Sequence[str]) -> Json:
    names = [name.strip() for part in wanted for name in part.split(",") if name.strip()]
    without = {name[1:] for name in names if name.startswith("-")}
    everything = not names or "*all" in names or "*navigable" in names or len(without) == len(names)
    if "*navigable" in names:
        without.add("comment")
    return {
        name: value for name, value in fields.items() if (everything or name in names) and name not in without
    }
