"""What is checked in Jira: token, project, type of issue, permissions, and what playbooks name there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial

from multivac.check.doctors import TrackerDoctor
from multivac.check.named import Wishes
from multivac.check.questions import Area, Question
from multivac.check.verdicts import Verdict
from multivac.incident import Person
from multivac.sections import JiraSettings

_CLOUD = "It is made at id.atlassian.com > Security > API tokens and belongs into jira.token."
_DATA_CENTER = "It is made in your profile > Personal Access Tokens and belongs into jira.token."

# Jira's key for a permission: its name on Jira's pages, and what fails without it.
PERMISSIONS = {
    "BROWSE_PROJECTS": ("Browse Projects", "a ticket is not found again, and is written twice"),
    "CREATE_ISSUES": ("Create Issues", "no ticket is written"),
    "ASSIGN_ISSUES": ("Assign Issues", "the lead does not become the assignee"),
    "TRANSITION_ISSUES": ("Transition Issues", "the ticket stays “To Do” whatever becomes of the incident"),
    "EDIT_ISSUES": ("Edit Issues", "priority and title do not follow, and a private incident's title stays"),
    "ADD_COMMENTS": ("Add Comments", "no update is on the ticket"),
}
_FIND_PEOPLE = "USER_PICKER"


@dataclass(frozen=True, slots=True)
class TrackerExamination:
    """Try the token; if it is good, the project; if that is there, everything in it."""

    area: Area
    tracker: TrackerDoctor
    jira: JiraSettings
    wished: Wishes

    def examine(self) -> list[Verdict]:
        """Return what was found."""
        passed: list[str] = []
        where = _CLOUD if self.jira.is_cloud else _DATA_CENTER
        found = self.area.ask(Question("the token", partial(self._token, passed), where))
        if "token" in passed:
            found += self.area.ask(Question(f"project {self.jira.project}", partial(self._project, passed)))
        if "project" in passed:
            found += self.area.ask(*self._within(), *self._named())
        return found

    def _token(self, passed: list[str]) -> Iterator[Verdict]:
        name = self.tracker.whoami()
        passed.append("token")
        yield self.area.ok(f"the token is good: it is {name}'s")

    def _project(self, passed: list[str]) -> Iterator[Verdict]:
        if self.tracker.project_exists():
            passed.append("project")
            yield self.area.ok(f"project {self.jira.project} is there")
        else:
            what = f"there is no project {self.jira.project}, or it is hidden from our user"
            fix = "Correct jira.project (the key, such as OPS), or give our user Browse Projects in it."
            yield self.area.fail(what, fix)

    def _within(self) -> Iterator[Question]:
        yield Question(f"the type of issue {self.jira.issue_type}", self._issue_type)
        for key, (name, _) in PERMISSIONS.items():
            yield Question(f"the permission {name}", partial(self._permission, key))
        yield Question("whether people can be looked up", self._find_people)

    def _named(self) -> Iterator[Question]:
        tracker, wished = self.tracker, self.wished
        for role, by in wished.jira_roles.items():
            yield self._pool(f'the role "{role}" ({by})', partial(tracker.role_members, role))
        for group, by in wished.jira_groups.items():
            yield self._pool(f'the group "{group}" ({by})', partial(tracker.group_members, group))
        for part, by in wished.components.items():
            name = f'the component "{part}" ({by})'
            yield Question(name, partial(self._component, part, name))

    def _issue_type(self) -> Iterator[Verdict]:
        kind, project = self.jira.issue_type, self.jira.project
        if not self.tracker.issue_type_exists():
            what = f"project {project} has no type of issue called {kind}"
            yield self.area.fail(
                what, "Set jira.issue_type to one that it has: Project settings > Issue types."
            )
            return
        unfilled = self.tracker.required_fields()
        for name in unfilled:
            what = f"{kind} requires the field {name}, which Multivac does not fill: no ticket is written"
            fix = f"Make {name} optional, or give it a default, for {kind} in project {project}."
            yield self.area.fail(what, fix)
        if not unfilled:
            yield self.area.ok(f"{kind} is there, and requires no field that Multivac does not fill")

    def _permission(self, key: str) -> Iterator[Verdict]:
        name, consequence = PERMISSIONS[key]
        if self.tracker.may(key):
            yield self.area.ok(f"our user has {name}")
        else:
            fix = f"Project settings > Permissions of {self.jira.project}: give {name} to our user."
            yield self.area.fail(f"our user lacks {name}: {consequence}", fix)

    def _find_people(self) -> Iterator[Verdict]:
        if self.tracker.may(_FIND_PEOPLE):
            yield self.area.ok("our user may look people up")
        else:
            what = "our user lacks Browse users and groups: nobody's Jira account is found by e-mail"
            fix = "Settings > System > Global permissions: give it to our user, or map people by hand."
            yield self.area.warn(what, fix)

    def _pool(self, name: str, members: Callable[[], Collection[Person]]) -> Question:
        def ask() -> Iterator[Verdict]:
            count = len(members())
            if count:
                yield self.area.ok(f"{name} has {count} people")
            else:
                yield self.area.fail(f"{name} has nobody to choose a lead from", "Add people to it in Jira.")

        return Question(name, ask)

    def _component(self, part: str, name: str) -> Iterator[Verdict]:
        lead = self.tracker.component_lead(part)
        if lead is None:
            yield self.area.fail(f"{name} has no lead", "Name one: Project settings > Components.")
        else:
            yield self.area.ok(f"{name} is led by {lead.name}")
