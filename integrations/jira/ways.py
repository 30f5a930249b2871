"""Which way through a project's workflow brings a ticket to where it is to stand. Pure.

Workflows differ from project to project; what all have is the category of each status: "new",
"indeterminate" (in progress) or "done". `tracker.py` asks for the ways and takes the one chosen here.
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from integrations.jira.adf import one_line
from multivac.errors import GiveUp
from multivac.ports import Standing
from multivac.tongue import mark, phrase

_NEW, _IN_PROGRESS, _DONE = "new", "indeterminate", "done"
_LONGEST_NAME = 60


def stands(issue: object, standing: Standing) -> bool:
    """Whether the issue, as Jira answers it, stands so already."""
    fields = issue.get("fields") if isinstance(issue, Mapping) else None
    category = _category(fields.get("status")) if isinstance(fields, Mapping) else None
    if standing is Standing.BEGUN:
        return category != _NEW
    return (category == _DONE) is (standing is Standing.DONE)


def choose(
    offered: Sequence[Mapping[str, Any]], standing: Standing, *, never: Collection[str] = ()
) -> Mapping[str, Any] | None:
    """The best of the ways that lead there, into no status of these names; None if there is none.

    Back to work rather than back to the queue, and through a form only if there is no other way.
    """
    named = {name.casefold() for name in never}
    ways = [way for way in offered if _leads(way, standing) and _name(way.get("to")).casefold() not in named]
    return min(
        ways, key=lambda way: (_category(way.get("to")) == _NEW, bool(way.get("hasScreen"))), default=None
    )


def _leads(way: Mapping[str, Any], standing: Standing) -> bool:
    category = _category(way.get("to"))
    if standing is Standing.BEGUN:
        return category == _IN_PROGRESS
    return (category == _DONE) is (standing is Standing.DONE)


def none_such(ticket: str, standing: Standing, *, project: str) -> GiveUp:
    """That no way leads there, and what to do."""
    if standing is Standing.BEGUN:
        # Without the ticket's key: it is the same for each, and operators are told once.
        return GiveUp(
            phrase(
                "Jira offers no way from a new ticket to a status “in progress” in project {project}",
                project=project,
            ),
            fix=phrase("Let the user of our token transition issues, or add such a way to the workflow."),
            operators=True,
        )
    to_done = mark("Jira offers no way for {ticket} to a status that counts as done")
    back = mark("Jira offers no way for {ticket} out of a status that counts as done")
    return GiveUp(
        phrase(to_done if standing is Standing.DONE else back, ticket=ticket),
        fix=phrase("Move {ticket} by hand, or let the user of our token transition issues.", ticket=ticket),
    )


def wants_more(way: Mapping[str, Any], why: str, *, project: str) -> GiveUp:
    """That the way asks for fields which we cannot fill in; the same for each ticket of the project."""
    return GiveUp(
        phrase(
            "Jira wants fields filled in on the way “{way}” that Multivac does not know: {why}",
            way=one_line(_name(way), _LONGEST_NAME),
            why=why,
        ),
        fix=phrase(
            "Make them optional in the workflow of project {project}, or move the ticket by hand.",
            project=project,
        ),
        operators=True,
    )


def _category(status: object) -> object:
    category = status.get("statusCategory") if isinstance(status, Mapping) else None
    return category.get("key") if isinstance(category, Mapping) else None


def _name(thing: object) -> str:
    return str(thing.get("name") or "") if isinstance(thing, Mapping) else ""
