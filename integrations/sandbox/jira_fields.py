"""What Jira accepts in the fields of an issue, and the words in which it refuses the rest."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from integrations.sandbox.jira_model import (
    PRIORITIES,
    RESOLUTIONS,
    Component,
    CustomField,
    Issue,
    Json,
    Named,
    Person,
    Project,
    Site,
)
from integrations.sandbox.jira_text import LONGEST, as_plain, is_document

Thing = TypeVar("Thing", Named, Component)
Kind = TypeVar("Kind")
LONGEST_SUMMARY = 255
NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


class Invalid(Exception):
    """Fields Jira refuses: `errors` by field, `messages` about the whole."""

    def __init__(self, errors: dict[str, str], messages: tuple[str, ...] = ()) -> None:
        super().__init__(errors, messages)
        self.errors = errors
        self.messages = messages


_NOT_OF_KIND: dict[type, str] = {list: "data was not an array", str: "Operation value must be a string"}


class Fields:
    """Checks field values against one site and writes them into issues; `version` is 2 or 3."""

    def __init__(self, site: Site, version: int) -> None:
        self._site = site
        self._version = version

    def project_and_type(self, fields: Json) -> tuple[Project, Named]:
        """Give where and as what an issue is to be created; raises Invalid."""
        named = fields.get("project")
        named = named if isinstance(named, dict) else {}
        try:
            project = self._site.project(str(named.get("key") or named.get("id")))
        except KeyError as error:
            raise Invalid({"project": "Specify a valid project ID or key"}) from error
        wanted = fields.get("issuetype")
        if not isinstance(wanted, dict):
            raise Invalid({"issuetype": "Specify an issue type"})
        issue_type = _pick(project.issue_types, wanted)
        if issue_type is None:
            raise Invalid({"issuetype": "Specify a valid issue type"})
        return project, issue_type

    def write(self, issue: Issue, fields: Json, *, creating: bool) -> None:
        """Write all fields into an issue or, if one is wrong, raise Invalid naming every wrong one."""
        project = self._site.projects[issue.project]
        errors = self._missing(project, fields) if creating else {}
        values: dict[str, Any] = {}
        for name, value in fields.items():
            if name in {"project", "issuetype"}:
                continue
            try:
                values[name] = self._checked(project, name, value)
            except ValueError as error:
                errors[name] = str(error)
            except (AttributeError, TypeError):
                # The checks take the value for what Jira documents; whatever else it is, Jira says this.
                errors[name] = "data was not an object"
        if errors:
            raise Invalid(errors)
        for name, value in values.items():
            if name in self._site.custom_fields:
                issue.custom[name] = value
            else:
                setattr(issue, name, value)

    def operate(self, issue: Issue, update: Json) -> Json:
        """Turn `update` operations (add, remove, set) on lists into plain field values."""
        fields: Json = {}
        for name, operations in update.items():
            current = list(getattr(issue, name, [])) if name in {"labels", "components"} else None
            for operation in operations:
                for verb, value in operation.items():
                    if verb == "set":
                        fields[name] = value
                    elif current is None:
                        raise Invalid({name: f"Field '{name}' does not support operation '{verb}'"})
                    else:
                        self._operate_on(current, verb, value)
                        fields[name] = [{"id": c.id} if isinstance(c, Component) else c for c in current]
        return fields

    def _operate_on(self, current: list[Any], verb: str, value: Any) -> None:
        thing = value if isinstance(value, str) else self._any_component(value)
        if verb == "add" and thing not in current:
            current.append(thing)
        elif verb == "remove" and thing in current:
            current.remove(thing)

    def _any_component(self, wanted: Json) -> Component:
        everything = [each for project in self._site.projects.values() for each in project.components]
        found = _pick(everything, wanted)
        if found is None:
            raise Invalid({"components": f"Component name '{wanted.get('name')}' is not valid"})
        return found

    def _missing(self, project: Project, fields: Json) -> dict[str, str]:
        errors = {} if fields.get("summary") else {"summary": "You must specify a summary of the issue."}
        for name in project.required:
            if fields.get(name) in (None, "", []):
                custom = self._site.custom_fields.get(name)
                errors[name] = f"{custom.name if custom else name.capitalize()} is required."
        return errors

    def _checked(self, project: Project, name: str, value: Any) -> Any:
        if name in project.refused:
            raise ValueError(project.refused[name])
        checks: dict[str, Callable[[Any], Any]] = {
            "summary": _summary,
            "description": self._rich,
            "environment": self._rich,
            "labels": _labels,
            "priority": _priority,
            "duedate": _date,
            "assignee": self.assignee,
            "reporter": self._known,
            "components": lambda value: self._components(project, value),
            "parent": self._parent,
            "resolution": _resolution,
        }
        if name in checks:
            return checks[name](value)
        if name in self._site.custom_fields:
            return self._custom(self._site.custom_fields[name], value)
        raise ValueError(NOT_ON_SCREEN.format(name))

    def rich(self, value: Any) -> Any:
        """Give rich text if this version takes it in this form; raises ValueError."""
        if self._version == 3 and not is_document(value):
            raise ValueError(NOT_A_DOCUMENT)
        if self._version != 3 and not isinstance(value, str):
            raise ValueError("Operation value must be a string")
        if len(as_plain(value) or "") > LONGEST:
            raise ValueError(
                f"The entered text is too long. It exceeds the allowed limit of {LONGEST:,} characters."
            )
        return value

    def _rich(self, value: Any) -> Any:
        return None if value is None else self.rich(value)

    def assignee(self, value: Any) -> str | None:
        """Give the account id of somebody who may be assigned, None for nobody; raises ValueError."""
        key = "accountId" if self._site.cloud else "name"
        # v2 and v3 of Cloud call it "id" inside fields and "accountId" on the assignee endpoint.
        wanted = None if value is None else value.get(key, value.get("id") if self._site.cloud else None)
        if value is not None and not value.keys() & {key, "id"}:
            raise ValueError(f"expected '{key}' property to be present")
        if wanted in (None, ""):
            return None
        person = self._find(wanted)
        if person is None or not person.assignable or not person.active:
            shown = person.display if person else wanted
            raise ValueError(f"User '{shown}' cannot be assigned issues.")
        return person.account_id

    def _known(self, value: Json) -> str:
        person = self._find(value.get("accountId") or value.get("id") or value.get("name") or "")
        if person is None:
            raise ValueError("Specify a valid value for reporter")
        return person.account_id

    def _find(self, ident: str) -> Person | None:
        if self._site.cloud:
            return self._site.people.get(ident)
        return next((person for person in self._site.people.values() if person.name == ident), None)

    def _components(self, project: Project, value: Any) -> list[Component]:
        found = []
        for wanted in _of_kind(list, value):
            component = _pick(project.components, wanted)
            if component is None:
                raise ValueError(f"Component name '{wanted.get('name') or wanted.get('id')}' is not valid")
            found.append(component)
        return found

    def _parent(self, value: Json) -> str:
        try:
            return self._site.issue(value.get("key") or value.get("id") or "").id
        except KeyError as error:
            raise ValueError("Could not find issue by id or key.") from error

    def _custom(self, field: CustomField, value: Any) -> Any:
        if value is None:
            return None
        if field.kind == "textarea":
            return self.rich(value)
        if field.kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError("Operation value must be a number")
        if field.kind in {"text", "datetime"} and not isinstance(value, str):
            raise ValueError("Operation value must be a string")
        return _option(field, value) if field.kind == "select" else value


def _pick(things: Iterable[Thing], wanted: Json) -> Thing | None:
    """Find a thing by id or else by name, as Jira reads `{"id": ...}` and `{"name": ...}`."""
    for thing in things:
        by_id = "id" in wanted and thing.id == str(wanted["id"])
        if by_id or ("id" not in wanted and thing.name == wanted.get("name")):
            return thing
    return None


def _option(field: CustomField, value: Any) -> str:
    wanted = value.get("value", value.get("id")) if isinstance(value, dict) else None
    if wanted not in field.options:
        raise ValueError("Specify a valid 'id' or 'name' for " + field.name)
    return str(wanted)


def _of_kind(kind: type[Kind], value: Any) -> Kind:
    """The value, if it is of this kind; else a ValueError, as every refusal here."""
    if not isinstance(value, kind):
        raise ValueError(_NOT_OF_KIND[kind])  # noqa: TRY004 - Jira refuses what was sent, no code is wrong
    return value


def _summary(value: Any) -> str:
    text = _of_kind(str, value)
    if not text.strip():
        raise ValueError("You must specify a summary of the issue.")
    if "\n" in text or "\r" in text:
        raise ValueError("The summary is invalid because it contains newline characters.")
    if len(text) > LONGEST_SUMMARY:
        raise ValueError(f"Summary can't exceed {LONGEST_SUMMARY} characters.")
    return text


def _labels(value: Any) -> list[str]:
    labels = [_of_kind(str, label) for label in _of_kind(list, value)]
    for label in labels:
        if " " in label:
            raise ValueError(f"The label '{label}' contains spaces which is invalid.")
    return sorted(set(labels))


def _priority(value: Any) -> Named:
    found = _pick(PRIORITIES, value) if isinstance(value, dict) else None
    if found is None:
        raise ValueError("Specify a valid 'id' or 'name' for priority")
    return found


def _resolution(value: Any) -> Named:
    found = _pick(RESOLUTIONS, value) if isinstance(value, dict) else None
    if found is None:
        raise ValueError("Resolution is invalid")
    return found


def _date(value: Any) -> str | None:
    if value is None:
        return None
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
        raise ValueError(f"Error parsing date string: {value}")
    return str(value)
