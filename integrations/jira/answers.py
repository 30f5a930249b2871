"""Reads Jira's answers: what has to be there is there, or `TryAgain` says what makes no sense. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from integrations.jira.adf import one_line
from multivac.errors import TryAgain
from multivac.tongue import phrase

Thing = TypeVar("Thing")


def summary_of(issue: Mapping[str, Any]) -> str:
    """The summary of an issue; "" where the answer has none."""
    fields = issue.get("fields")
    return str(fields.get("summary") or "") if isinstance(fields, Mapping) else ""


def field(answer: object, name: str) -> str:
    """A text that the answer must have. Raises `TryAgain` if it has none."""
    found = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(found, str) or not found:
        raise TryAgain(phrase("Jira's answer makes no sense: it has no {name}.", name=name))
    return found


def listed(answer: object, name: str | None = None) -> list[dict[str, Any]]:
    """The objects of a list, of this name or the answer itself. Raises `TryAgain` if there is none."""
    found = answer.get(name) if name is not None and isinstance(answer, Mapping) else answer
    if not isinstance(found, list):
        raise TryAgain(phrase("Jira's answer makes no sense: it has no {name}.", name=name or "list"))
    return [each for each in found if isinstance(each, dict)]


def named(things: Mapping[str, Thing], name: str) -> Thing | None:
    """What is called so, small letters or not."""
    return next((thing for known, thing in things.items() if known.casefold() == name.casefold()), None)


def told(fields: Mapping[str, str]) -> str:
    """What Jira says against fields, on one line."""
    return one_line("; ".join(f"{name}: {why}" for name, why in fields.items()), 300)
