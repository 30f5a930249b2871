"""Jira as our tracker: tickets, their assignee, and what is written on them.

`app.py` makes one and gives it to the core as its `Tracker`; `people.py` has how people are found.
Cloud speaks v3 (ADF, account ids, `search/jql`), Data Center v2 (wiki text, user names, `search`).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from integrations.allowance import Allowance
from integrations.jira import ways
from integrations.jira.adf import document, one_line, wiki
from integrations.jira.answers import field, listed, summary_of, told
from integrations.jira.people import People
from integrations.jira.rest import CLOUD_RATE, Flavour, Invalid, Missing, Rest
from multivac.budget import Errand
from multivac.errors import GiveUp
from multivac.incident import Person
from multivac.ports import Pace, Standing, Ticket, TicketDraft
from multivac.tongue import phrase

# Jira's own default scheme, which most sites keep; a project that has another one refuses the field.
PRIORITIES = {"sev1": "Highest", "sev2": "High", "sev3": "Medium", "sev4": "Low", "sev5": "Lowest"}

REQUIRED = frozenset({"project", "issuetype", "summary"})
_TRIES = 3  # the first, and twice without what was refused
_LONGEST_SUMMARY = 255
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
            phrase("Jira refuses the ticket whatever we leave out: {why}", why=told(left_out)),
            fix=self._mend({}),
            operators=True,
        )

    def find_tickets(self, label: str, *, known: str | None = None) -> tuple[Ticket, ...]:
        """The project's tickets with this label, and the known one, oldest first; Cloud's search lags."""
        query = f"project = {_quoted(self._project)} AND labels = {_quoted(label)} ORDER BY created ASC"
        # Cloud answered 410 for the older address from autumn 2025 on (CHANGE-2046).
        path = "search/jql" if self._cloud else "search"
        params: dict[str, str | int] = {"jql": query, "maxResults": _MOST_TWINS, "fields": "summary"}
        found = listed(self._rest.ask("GET", path, what=self._where, params=params), "issues")
        issues = {field(each, "key"): each for each in found}
        keys = list(issues)
        if known is not None and known not in keys:
            keys.insert(sum(_is_before(key, known) for key in keys), known)
        made = {key: issues.get(key, {"key": key}) for key in keys}
        return tuple(self._ticket(each, {}, title=summary_of(each)) for each in made.values())

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
        return self._people.find_account(person)

    def assign(self, ticket: str, account: str | None) -> None:
        """Make this account the assignee, or nobody; `GiveUp` if it cannot be assigned."""
        path, body = f"issue/{quote(ticket, safe='')}/assignee", {self._people.id_name: account}
        try:
            self._rest.ask("PUT", path, what=phrase("ticket {ticket}", ticket=ticket), body=body)
        except Invalid as refused:
            said = told(refused.fields) or refused.why
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
        written = listed(self._rest.ask("GET", path, what=what, params=params), "comments")
        # Wiki text comes back with its escapes: what is looked for has nothing to escape.
        return [each for each in written if marker.strip("[]") in json.dumps(each.get("body"))]

    def move(self, ticket: str, standing: Standing, *, never: Collection[str] = ()) -> None:
        """Take a way into a status of the category that is meant, one without a form if there is."""
        path, what = f"issue/{quote(ticket, safe='')}", phrase("ticket {ticket}", ticket=ticket)
        issue = self._rest.ask("GET", path, what=what, params={"fields": "status"})
        if ways.stands(issue, standing):
            return
        rest = self._rest.going_on()
        offered = listed(rest.ask("GET", f"{path}/transitions", what=what), "transitions")
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
            raise ways.wants_more(way, told(refused.fields), project=self._project) from refused

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
        path, what = f"issue/{quote(ticket, safe='')}", phrase("ticket {ticket}", ticket=ticket)
        try:
            self._rest.ask("PUT", path, what=what, body={"fields": {"priority": {"name": priority}}})
        except Invalid as refused:
            raise GiveUp(
                phrase(
                    "Jira cannot give {ticket} the priority {priority}: {why}",
                    ticket=ticket,
                    priority=priority,
                    why=told(refused.fields) or refused.why,
                ),
                fix=phrase("Correct ticket.priorities in the playbook, or set the priority by hand."),
            ) from refused

    def role_members(self, role: str) -> tuple[Person, ...]:
        """The people of a project role, those of its groups included; `GiveUp` if there is no such role."""
        return self._people.role_members(role)

    def group_members(self, group: str) -> tuple[Person, ...]:
        """The active people of a group; `GiveUp` if there is no such group."""
        return self._people.group_members(group)

    def component_lead(self, component: str) -> Person | None:
        """Who leads the component; None if nobody does. `GiveUp` if there is no such component."""
        return self._people.component_lead(component)

    def account(self) -> str:
        """The id of the account whose token we hold; asked for once."""
        if not self._account:
            answer = self._rest.ask("GET", "myself", what=phrase("our own user"))
            self._account = field(answer, "accountId" if self._cloud else "name")
        return self._account

    @property
    def _where(self) -> str:
        return phrase("tickets in project {project}", project=self._project)

    @property
    def _people(self) -> People:
        return People(rest=self._rest, project=self._project, is_cloud=self._cloud)

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
        if draft.due is not None:
            fields["duedate"] = draft.due.isoformat()
        return fields

    def _leave_out(self, fields: dict[str, object], refused: Invalid) -> None:
        """Drop the refused fields; raise if one of them cannot be dropped."""
        needed = {name: why for name, why in refused.fields.items() if name in REQUIRED or name not in fields}
        if needed or not refused.fields:
            raise GiveUp(
                phrase("Jira refuses the ticket: {why}", why=told(needed) or refused.why),
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
        key = field(issue, "key")
        known = str(issue.get("id", "")) if isinstance(issue, Mapping) else ""
        url = f"{self._url}/browse/{quote(key, safe='')}"
        return Ticket(key=key, url=url, id=known, title=title, left_out=left_out)


def _is_before(key: str, other: str) -> bool:
    """Whether the issue was made first: a project counts. One that was moved to another cannot be told."""
    (project, _, number), (other_project, _, other_number) = key.rpartition("-"), other.rpartition("-")
    is_told = project == other_project and number.isdecimal() and other_number.isdecimal()
    return is_told and int(number) < int(other_number)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
