"""Jira as our tracker: tickets, their assignee, and the people of roles, groups and components.

`app.py` makes one and gives it to the core as its `Tracker`; `multivac check` uses the rest. Cloud
speaks v3 (ADF, account ids, `search/jql`), Data Center v2 (wiki text, user names, `search`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote

from integrations.allowance import Allowance
from integrations.jira import ways
from integrations.jira.adf import document, one_line, wiki
from integrations.jira.rest import CLOUD_RATE, Flavour, Invalid, Missing, Rest
from multivac.budget import Errand
from multivac.errors import GiveUp, TryAgain
from multivac.incident import Person
from multivac.ports import Pace, Standing, Ticket, TicketDraft
from multivac.tongue import phrase

Thing = TypeVar("Thing")

# Jira's own default scheme, which most sites keep; a project that has another one refuses the field.
PRIORITIES = {"sev1": "Highest", "sev2": "High", "sev3": "Medium", "sev4": "Low", "sev5": "Lowest"}

_REQUIRED = frozenset({"project", "issuetype", "summary"})
_TRIES = 3  # the first, and twice without what was refused
_LONGEST_SUMMARY = 255
_PAGE = 50
_MOST_PAGES = 200
_MOST_TWINS = 10  # tickets with the label of one incident


class JiraTracker:
    """Fulfils `multivac.ports.Tracker`; making one calls nobody, so Jira may be down meanwhile.

    `user` and `token` are an e-mail and its API token on Cloud; on Data Center a name and password,
    or no name and a personal access token. `issue_type`, and that of follow-ups, is a name or an id.
    """

    def __init__(  # noqa: PLR0913 - one for each setting under "jira"
        self,
        url: str,
        user: str,
        token: str,
        *,
        project: str,
        issue_type: str,
        flavour: Flavour,
        follow_up_type: str = "",
        timeout: float = 10.0,
        pace: Pace | None = None,
    ) -> None:
        self._url = url.rstrip("/")
        self._project = project
        self._issue_type = issue_type
        self._follow_up_type = follow_up_type or issue_type
        self._cloud = flavour == "cloud"
        self._account = ""
        allowance = Allowance(pace, "jira", CLOUD_RATE if self._cloud else None) if pace else None
        self._rest = Rest(self._url, user, token, flavour=flavour, timeout=timeout, allowance=allowance)

    def on_behalf(self, errand: Errand) -> JiraTracker:
        """The same Jira, whose calls are made when it is the errand's turn."""
        bound = copy.copy(self)
        bound._rest = self._rest.on_behalf(errand)  # noqa: SLF001 - our own copy
        return bound

    def open_ticket(self, draft: TicketDraft) -> Ticket:
        """Write the ticket in one call, or in up to three without the fields that Jira refuses."""
        fields = self._fields(draft)
        left_out: dict[str, str] = {}
        for _ in range(_TRIES):
            try:
                made = self._rest.ask("POST", "issue", what=self._where, body={"fields": fields})
            except Invalid as refused:
                self._leave_out(fields, refused)
                left_out.update(refused.fields)
            else:
                return self._ticket(made, left_out, title=str(fields["summary"]))
        raise GiveUp(
            phrase("Jira refuses the ticket whatever we leave out: {why}", why=_told(left_out)),
            fix=self._mend({}),
            operators=True,
        )

    def find_tickets(self, label: str, *, known: str | None = None) -> tuple[Ticket, ...]:
        """The project's tickets with this label, and the known one, oldest first; Cloud's search lags."""
        query = f"project = {_quoted(self._project)} AND labels = {_quoted(label)} ORDER BY created ASC"
        # Cloud answered 410 for the older address from autumn 2025 on (CHANGE-2046).
        path = "search/jql" if self._cloud else "search"
        params: dict[str, str | int] = {"jql": query, "maxResults": _MOST_TWINS, "fields": "summary"}
        found = _list(self._rest.ask("GET", path, what=self._where, params=params), "issues")
        issues = {str(_field(each, "key")): each for each in found}
        keys = list(issues)
        if known is not None and known not in keys:
            keys.insert(sum(_is_before(key, known) for key in keys), known)
        made = {key: issues.get(key, {"key": key}) for key in keys}
        return tuple(self._ticket(each, {}, title=_title(each)) for each in made.values())

    def ticket(self, key: str) -> Ticket:
        """The ticket with this key; `GiveUp` if there is none, or we may not see it."""
        path, what = f"issue/{quote(key, safe='')}", phrase("ticket {ticket}", ticket=key)
        return self._ticket(self._rest.ask("GET", path, what=what, params={"fields": "summary"}), {})

    def label(self, ticket: str, label: str) -> None:
        """Add the label to those it has."""
        path, what = f"issue/{quote(ticket, safe='')}", phrase("ticket {ticket}", ticket=ticket)
        self._rest.ask("PUT", path, what=what, body={"update": {"labels": [{"add": label}]}})

    def find_account(self, person: Person) -> str | None:
        """The account of this very person, by e-mail; None rather than a guess."""
        if person.jira or not person.email:
            return person.jira
        word = "query" if self._cloud else "username"
        params: dict[str, str | int] = {word: person.email, "maxResults": _PAGE}
        listed = _list(self._rest.ask("GET", "user/search", what=phrase("its users"), params=params))
        hits = [each for each in listed if _is_human(each)]
        exact = [each for each in hits if _has_email(each, person.email)]
        if not exact and self._cloud and len(hits) == 1 and not hits[0].get("emailAddress"):
            # Cloud hides most addresses but searches by them, so its only hit has this one.
            exact = hits
        return self._id(exact[0]) if len(exact) == 1 else None

    def assign(self, ticket: str, account: str | None) -> None:
        """Make this account the assignee, or nobody; `GiveUp` if it cannot be assigned."""
        path, body = f"issue/{quote(ticket, safe='')}/assignee", {self._id_name: account}
        try:
            self._rest.ask("PUT", path, what=phrase("ticket {ticket}", ticket=ticket), body=body)
        except Invalid as refused:
            said = _told(refused.fields) or refused.why
            raise GiveUp(
                phrase(
                    "Jira cannot make {account} the assignee of {ticket}: {said}",
                    account=account or phrase("nobody"),
                    ticket=ticket,
                    said=said,
                ),
                fix=phrase(
                    'Give them the "Assignable User" permission in project {project}.', project=self._project
                ),
                operators=True,
            ) from refused

    def comment(self, ticket: str, paragraphs: Sequence[str], *, marker: str, look_first: bool) -> None:
        """Write a comment that ends in the marker; with `look_first`, only if no recent one has it."""
        path, what = f"issue/{quote(ticket, safe='')}/comment", phrase("ticket {ticket}", ticket=ticket)
        if look_first and self._comments(ticket, marker):
            return
        write: Callable[..., object] = document if self._cloud else wiki
        self._rest.ask("POST", path, what=what, body={"body": write([*paragraphs, marker], ())})

    def uncomment(self, ticket: str, *, marker: str) -> None:
        """Delete those of the newest hundred comments that end in the marker."""
        what = phrase("ticket {ticket}", ticket=ticket)
        for each in self._comments(ticket, marker):
            path = f"issue/{quote(ticket, safe='')}/comment/{quote(str(each.get('id')), safe='')}"
            with suppress(Missing):
                self._rest.going_on().ask("DELETE", path, what=what)

    def _comments(self, ticket: str, marker: str) -> list[dict[str, Any]]:
        path, what = f"issue/{quote(ticket, safe='')}/comment", phrase("ticket {ticket}", ticket=ticket)
        params: dict[str, str | int] = {"orderBy": "-created", "maxResults": 100}
        written = _list(self._rest.ask("GET", path, what=what, params=params), "comments")
        # Wiki text comes back with its escapes: what is looked for has nothing to escape.
        return [each for each in written if marker.strip("[]") in json.dumps(each.get("body"))]

    def move(self, ticket: str, standing: Standing, *, never: Collection[str] = ()) -> None:
        """Take a way into a status of the category that is meant, one without a form if there is."""
        path, what = f"issue/{quote(ticket, safe='')}", phrase("ticket {ticket}", ticket=ticket)
        issue = self._rest.ask("GET", path, what=what, params={"fields": "status"})
        if ways.stands(issue, standing):
            return
        rest = self._rest.going_on()
        offered = _list(rest.ask("GET", f"{path}/transitions", what=what), "transitions")
        way = ways.choose(offered, standing, never=never)
        if way is None:
            if standing is Standing.BEGUN and ways.choose(offered, standing):
                return
            raise ways.none_such(ticket, standing, project=self._project)
        body = {"transition": {"id": str(way.get("id"))}}
        try:
            rest.ask("POST", f"{path}/transitions", what=what, body=body)
        except Invalid as refused:
            if not refused.fields:
                raise
            raise ways.wants_more(way, _told(refused.fields), project=self._project) from refused

    def reword(self, ticket: str, draft: TicketDraft, *, whole: bool) -> None:
        """Write its summary anew, and if `whole` its description."""
        fields = self._fields(draft)
        written = {"summary", "description"} if whole else {"summary"}
        body = {"fields": {name: fields[name] for name in sorted(written)}}
        path, what = f"issue/{quote(ticket, safe='')}", phrase("ticket {ticket}", ticket=ticket)
        self._rest.ask("PUT", path, what=what, body=body)

    def link(self, ticket: str, other: str, *, look_first: bool, duplicates: bool = False) -> None:
        """Relate two tickets, or call one the other's duplicate; with `look_first`, unless they are."""
        what = phrase("tickets {ticket} and {other}", ticket=ticket, other=other)
        if look_first:
            path = f"issue/{quote(ticket, safe='')}"
            issue = self._rest.ask("GET", path, what=what, params={"fields": "issuelinks"})
            if f'"{other}"' in json.dumps(issue):
                return
        kind = "Duplicate" if duplicates else "Relates"
        # The one that does something to the other is what Jira calls the inward issue.
        body = {"type": {"name": kind}, "inwardIssue": {"key": ticket}, "outwardIssue": {"key": other}}
        self._rest.ask("POST", "issueLink", what=what, body=body)

    def prioritise(self, ticket: str, priority: str) -> None:
        """Give the ticket this priority, by its name; `GiveUp` if it cannot have it."""
        body = {"fields": {"priority": {"name": priority}}}
        try:
            self._rest.ask(
                "PUT",
                f"issue/{quote(ticket, safe='')}",
                what=phrase("ticket {ticket}", ticket=ticket),
                body=body,
            )
        except Invalid as refused:
            raise GiveUp(
                phrase(
                    "Jira cannot give {ticket} the priority {priority}: {why}",
                    ticket=ticket,
                    priority=priority,
                    why=_told(refused.fields) or refused.why,
                ),
                fix=phrase("Correct ticket.priorities in the playbook, or set the priority by hand."),
            ) from refused

    def role_members(self, role: str) -> tuple[Person, ...]:
        """The people of a project role, those of its groups included; `GiveUp` if there is no such role."""
        what = phrase("the roles of project {project}", project=self._project)
        roles = self._rest.ask("GET", f"{self._project_path}/role", what=what)
        address = _named(roles if isinstance(roles, dict) else {}, role)
        if address is None:
            raise GiveUp(
                phrase('Project {project} has no role "{role}" in Jira.', project=self._project, role=role),
                fix=phrase(
                    "Write the role's exact name into the playbook, or add it in the project's settings."
                ),
                operators=True,
            )
        # Only the id is taken from the address: behind a proxy its host may not be ours.
        number = str(address).rstrip("/").rpartition("/")[2]
        actors = _list(self._rest.ask("GET", f"{self._project_path}/role/{number}", what=what), "actors")
        people = [person for actor in actors for person in self._people_of(actor)]
        # Those who come through a group too are better known there, by e-mail.
        people.sort(key=lambda person: person.email is not None)
        return tuple({person.jira: person for person in people}.values())

    def group_members(self, group: str) -> tuple[Person, ...]:
        """The active people of a group; `GiveUp` if there is no such group."""
        members: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            page = self._group_page(group, start=len(members))
            found = _list(page, "values")
            members += found
            if page.get("isLast") is not False or not found:
                break
        return tuple(self._person(each) for each in members if each.get("active") is not False)

    def component_lead(self, component: str) -> Person | None:
        """Who leads the component; None if nobody does. `GiveUp` if there is no such component."""
        listed = _list(
            self._rest.ask(
                "GET",
                f"{self._project_path}/components",
                what=phrase("project {project}", project=self._project),
            )
        )
        found = _named({str(each.get("name")): each for each in listed}, component)
        if found is None:
            raise GiveUp(
                phrase(
                    'Project {project} has no component "{component}" in Jira.',
                    project=self._project,
                    component=component,
                ),
                fix=phrase("Write the component's exact name into the playbook, or add it in Jira."),
                operators=True,
            )
        lead = found.get("lead")
        return self._person(lead) if isinstance(lead, dict) and lead.get("active") is not False else None

    def account(self) -> str:
        """The id of the account whose token we hold; asked for once."""
        if not self._account:
            answer = self._rest.ask("GET", "myself", what=phrase("our own user"))
            self._account = str(_field(answer, self._id_name))
        return self._account

    def whoami(self) -> str:
        """The name of the user whose token we hold."""
        return str(_field(self._rest.ask("GET", "myself", what=phrase("our own user")), "displayName"))

    def project_exists(self) -> bool:
        """Whether the configured project exists and we may see it."""
        try:
            self._rest.ask("GET", self._project_path, what=phrase("project {project}", project=self._project))
        except Missing:
            return False
        return True

    def issue_type_exists(self) -> bool:
        """Whether the project has the configured issue type."""
        return self._issue_type_id() is not None

    def may(self, permission: str) -> bool:
        """Whether we hold a permission in the project, by Jira's key for it, such as CREATE_ISSUES."""
        params: dict[str, str | int] = {"projectKey": self._project, "permissions": permission}
        answer = self._rest.ask("GET", "mypermissions", what=phrase("our permissions"), params=params)
        held = answer.get("permissions") if isinstance(answer, dict) else None
        said = held.get(permission) if isinstance(held, dict) else None
        return isinstance(said, dict) and said.get("havePermission") is True

    def required_fields(self) -> tuple[str, ...]:
        """The names of fields that the project requires of a ticket and that we do not fill."""
        issue_type = self._issue_type_id()
        if issue_type is None:
            return ()
        path = f"issue/createmeta/{quote(self._project, safe='')}/issuetypes/{issue_type}"
        answer = self._rest.ask("GET", path, what=self._where, params={"maxResults": 200})
        listed = _list(answer, "fields" if self._cloud else "values")
        unmet = (each for each in listed if each.get("required") and not each.get("hasDefaultValue"))
        filled = _REQUIRED | {"description", "labels", "reporter", "priority"}
        return tuple(str(each.get("name")) for each in unmet if each.get("fieldId") not in filled)

    @property
    def _where(self) -> str:
        return phrase("tickets in project {project}", project=self._project)

    @property
    def _project_path(self) -> str:
        return f"project/{quote(self._project, safe='')}"

    @property
    def _id_name(self) -> str:
        return "accountId" if self._cloud else "name"

    def _fields(self, draft: TicketDraft) -> dict[str, object]:
        issue_type = self._follow_up_type if draft.is_follow_up else self._issue_type
        by = "id" if issue_type.isdigit() else "name"
        write: Callable[..., object] = document if self._cloud else wiki
        fields: dict[str, object] = {
            "project": {"key": self._project},
            "issuetype": {by: issue_type},
            "summary": one_line(draft.title, _LONGEST_SUMMARY) or phrase("Incident"),
            "description": write(draft.paragraphs, draft.links),
            "labels": [draft.label],
        }
        if draft.severity in PRIORITIES:
            fields["priority"] = {"name": PRIORITIES[draft.severity]}
        if draft.component:
            fields["components"] = [{"name": draft.component}]
        return fields

    def _leave_out(self, fields: dict[str, object], refused: Invalid) -> None:
        """Drop the refused fields; raise if one of them cannot be dropped."""
        needed = {
            name: why for name, why in refused.fields.items() if name in _REQUIRED or name not in fields
        }
        if needed or not refused.fields:
            raise GiveUp(
                phrase("Jira refuses the ticket: {why}", why=_told(needed) or refused.why),
                fix=self._mend(needed),
                operators=True,
            ) from refused
        for name in refused.fields:
            del fields[name]

    def _mend(self, needed: Mapping[str, str]) -> str:
        if "project" in needed:
            return phrase("Set jira.project to the key of a project in which our user may create issues.")
        if "issuetype" in needed:
            return phrase(
                "Set jira.issue_type to a type of issue that project {project} has.", project=self._project
            )
        if not needed:
            return phrase(
                "Write one by hand ({kind}, project {project}) and see what Jira wants.",
                kind=self._issue_type,
                project=self._project,
            )
        return phrase(
            "Make {fields} optional for {kind} in project {project}.",
            fields=", ".join(needed),
            kind=self._issue_type,
            project=self._project,
        )

    def _ticket(self, issue: object, left_out: Mapping[str, str], *, title: str = "") -> Ticket:
        key = str(_field(issue, "key"))
        known = str(issue.get("id", "")) if isinstance(issue, Mapping) else ""
        url = f"{self._url}/browse/{quote(key, safe='')}"
        return Ticket(key=key, url=url, id=known, title=title, left_out=left_out)

    def _id(self, user: Mapping[str, Any]) -> str:
        return str(_field(user, self._id_name))

    def _person(self, user: Mapping[str, Any]) -> Person:
        account, email = self._id(user), user.get("emailAddress")
        shown = one_line(str(user.get("displayName") or account), 100)
        return Person(
            name=shown, email=email if isinstance(email, str) and "@" in email else None, jira=account
        )

    def _people_of(self, actor: Mapping[str, Any]) -> tuple[Person, ...]:
        if actor.get("type") == "atlassian-group-role-actor":
            group = actor.get("actorGroup")
            name = group.get("name") if isinstance(group, dict) else actor.get("name")
            return self.group_members(str(name or actor.get("displayName")))
        user = actor.get("actorUser") if self._cloud else {"name": actor.get("name")}
        return (
            (self._person({"displayName": actor.get("displayName"), **user}),)
            if isinstance(user, dict)
            else ()
        )

    def _group_page(self, group: str, *, start: int) -> dict[str, Any]:
        params: dict[str, str | int] = {"groupname": group, "startAt": start, "maxResults": _PAGE}
        try:
            page = self._rest.ask(
                "GET", "group/member", what=phrase("group {group}", group=group), params=params
            )
        except Missing as missing:
            raise GiveUp(
                phrase('There is no group "{group}" in Jira.', group=group),
                fix=phrase("Write the group's exact name into the playbook."),
                operators=True,
            ) from missing
        return page if isinstance(page, dict) else {}

    def _issue_type_id(self) -> str | None:
        try:
            project = self._rest.ask(
                "GET", self._project_path, what=phrase("project {project}", project=self._project)
            )
        except Missing:
            return None
        known = {str(each.get(key)): each for each in _list(project, "issueTypes") for key in ("id", "name")}
        found = _named(known, self._issue_type)
        return str(found.get("id")) if found else None


def _is_before(key: str, other: str) -> bool:
    """Whether the issue was made first: a project counts. One that was moved to another cannot be told."""
    (project, _, number), (other_project, _, other_number) = key.rpartition("-"), other.rpartition("-")
    is_told = project == other_project and number.isdecimal() and other_number.isdecimal()
    return is_told and int(number) < int(other_number)


def _title(issue: Mapping[str, Any]) -> str:
    fields = issue.get("fields")
    return str(fields.get("summary") or "") if isinstance(fields, Mapping) else ""


def _field(answer: object, name: str) -> object:
    found = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(found, str) or not found:
        raise TryAgain(phrase("Jira's answer makes no sense: it has no {name}.", name=name))
    return found


def _list(answer: object, name: str | None = None) -> list[dict[str, Any]]:
    listed = answer.get(name) if name is not None and isinstance(answer, Mapping) else answer
    if not isinstance(listed, list):
        raise TryAgain(phrase("Jira's answer makes no sense: it has no {name}.", name=name or "list"))
    return [each for each in listed if isinstance(each, dict)]


def _named(things: Mapping[str, Thing], name: str) -> Thing | None:
    return next((thing for known, thing in things.items() if known.casefold() == name.casefold()), None)


def _is_human(user: Mapping[str, Any]) -> bool:
    return user.get("active") is not False and user.get("accountType", "atlassian") == "atlassian"


def _has_email(user: Mapping[str, Any], email: str) -> bool:
    # On Data Center the user name often is the e-mail, and addresses may be hidden there too.
    return email.casefold() in {str(user.get(key) or "").casefold() for key in ("emailAddress", "name")}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _told(fields: Mapping[str, str]) -> str:
    return one_line("; ".join(f"{name}: {why}" for name, why in fields.items()), 300)
