"""Jira as `multivac check` asks it: what only a check wants to know; built by app.py."""

from __future__ import annotations

from urllib.parse import quote

from integrations.jira.answers import field, listed, named
from integrations.jira.rest import Missing
from integrations.jira.tracker import REQUIRED, JiraTracker
from multivac.tongue import phrase


class JiraDoctor(JiraTracker):
    """The adapter with further questions, none of which changes anything in the project."""

    def whoami(self) -> str:
        """The name of the user whose token we hold."""
        return field(self._rest.ask("GET", "myself", what=phrase("our own user")), "displayName")

    def project_exists(self) -> bool:
        """Whether the configured project exists and we may see it."""
        return self._its_project() is not None

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
        fields = listed(answer, "fields" if self._cloud else "values")
        unmet = (each for each in fields if each.get("required") and not each.get("hasDefaultValue"))
        filled = REQUIRED | {"description", "labels", "reporter", "priority"}
        return tuple(str(each.get("name")) for each in unmet if each.get("fieldId") not in filled)

    def _issue_type_id(self) -> str | None:
        project = self._its_project()
        if project is None:
            return None
        known = {str(each.get(key)): each for each in listed(project, "issueTypes") for key in ("id", "name")}
        found = named(known, self._issue_type)
        return str(found.get("id")) if found else None

    def _its_project(self) -> object | None:
        what = phrase("project {project}", project=self._project)
        try:
            answer: object = self._rest.ask("GET", f"project/{quote(self._project, safe='')}", what=what)
        except Missing:
            return None
        return answer
