"""Who people are in Jira: accounts by e-mail, and the people of roles, groups and components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from integrations.jira.adf import one_line
from integrations.jira.answers import field, listed, named
from integrations.jira.rest import Missing, Rest
from multivac.errors import GiveUp
from multivac.incident import Person
from multivac.tongue import phrase

_PAGE = 50
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Looks people up, those of one project among them."""

    rest: Rest
    project: str
    is_cloud: bool

    def find_account(self, person: Person) -> str | None:
        """The account of this very person, by e-mail; None rather than a guess."""
        if person.jira or not person.email:
            return person.jira
        word = "query" if self.is_cloud else "username"
        params: dict[str, str | int] = {word: person.email, "maxResults": _PAGE}
        found = listed(self.rest.ask("GET", "user/search", what=phrase("its users"), params=params))
        hits = [each for each in found if _is_human(each)]
        exact = [each for each in hits if _has_email(each, person.email)]
        if not exact and self.is_cloud and len(hits) == 1 and not hits[0].get("emailAddress"):
            # Cloud hides most addresses but searches by them, so its only hit has this one.
            exact = hits
        return self._id(exact[0]) if len(exact) == 1 else None

    def role_members(self, role: str) -> tuple[Person, ...]:
        """The people of a project role, those of its groups included; `GiveUp` if there is no such role."""
        what = phrase("the roles of project {project}", project=self.project)
        roles = self.rest.ask("GET", f"{self._path}/role", what=what)
        address = named(roles if isinstance(roles, dict) else {}, role)
        if address is None:
            raise GiveUp(
                phrase('Project {project} has no role "{role}" in Jira.', project=self.project, role=role),
                fix=phrase(
                    "Write the role's exact name into the playbook, or add it in the project's settings."
                ),
                operators=True,
            )
        # Only the id is taken from the address: behind a proxy its host may not be ours.
        number = str(address).rstrip("/").rpartition("/")[2]
        actors = listed(self.rest.ask("GET", f"{self._path}/role/{number}", what=what), "actors")
        people = [person for actor in actors for person in self._people_of(actor)]
        # Those who come through a group too are better known there, by e-mail.
        people.sort(key=lambda person: person.email is not None)
        return tuple({person.jira: person for person in people}.values())

    def group_members(self, group: str) -> tuple[Person, ...]:
        """The active people of a group; `GiveUp` if there is no such group."""
        members: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            page = self._group_page(group, start=len(members))
            found = listed(page, "values")
            members += found
            if page.get("isLast") is not False or not found:
                break
        return tuple(self._person(each) for each in members if each.get("active") is not False)

    def component_lead(self, component: str) -> Person | None:
        """Who leads the component; None if nobody does. `GiveUp` if there is no such component."""
        what = phrase("project {project}", project=self.project)
        components = listed(self.rest.ask("GET", f"{self._path}/components", what=what))
        found = named({str(each.get("name")): each for each in components}, component)
        if found is None:
            raise GiveUp(
                phrase(
                    'Project {project} has no component "{component}" in Jira.',
                    project=self.project,
                    component=component,
                ),
                fix=phrase("Write the component's exact name into the playbook, or add it in Jira."),
                operators=True,
            )
        lead = found.get("lead")
        return self._person(lead) if isinstance(lead, dict) and lead.get("active") is not False else None

    def _id(self, user: Mapping[str, Any]) -> str:
        return field(user, self.id_name)

    def _person(self, user: Mapping[str, Any]) -> Person:
        account, email = self._id(user), user.get("emailAddress")
        shown = one_line(str(user.get("displayName") or account), 100)
        is_known = isinstance(email, str) and "@" in email
        return Person(name=shown, email=email if is_known else None, jira=account)

    def _people_of(self, actor: Mapping[str, Any]) -> tuple[Person, ...]:
        if actor.get("type") == "atlassian-group-role-actor":
            group = actor.get("actorGroup")
            name = group.get("name") if isinstance(group, dict) else actor.get("name")
            return self.group_members(str(name or actor.get("displayName")))
        user = actor.get("actorUser") if self.is_cloud else {"name": actor.get("name")}
        if not isinstance(user, dict):
            return ()
        return (self._person({"displayName": actor.get("displayName"), **user}),)

    def _group_page(self, group: str, *, start: int) -> dict[str, Any]:
        params: dict[str, str | int] = {"groupname": group, "startAt": start, "maxResults": _PAGE}
        what = phrase("group {group}", group=group)
        try:
            page = self.rest.ask("GET", "group/member", what=what, params=params)
        except Missing as missing:
            raise GiveUp(
                phrase('There is no group "{group}" in Jira.', group=group),
                fix=phrase("Write the group's exact name into the playbook."),
                operators=True,
            ) from missing
        return page if isinstance(page, dict) else {}

    @property
    def id_name(self) -> str:
        """What Jira calls the id of an account."""
        return "accountId" if self.is_cloud else "name"

    @property
    def _path(self) -> str:
        return f"project/{quote(self.project, safe='')}"


def _is_human(user: Mapping[str, Any]) -> bool:
    return user.get("active") is not False and user.get("accountType", "atlassian") == "atlassian"


def _has_email(user: Mapping[str, Any], email: str) -> bool:
    # On Data Center the user name often is the e-mail, and addresses may be hidden there too.
    return email.casefold() in {str(user.get(key) or "").casefold() for key in ("emailAddress", "name")}
