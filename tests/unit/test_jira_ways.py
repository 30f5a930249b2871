"""Which way a ticket takes through its project's workflow."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.jira import ways
from multivac.ports import Standing

BEGUN, BACK, DONE = Standing.BEGUN, Standing.BACK, Standing.DONE


def to(name: str, category: str, **more: object) -> dict[str, Any]:
    return {"name": f"way to {name}", "to": {"name": name, "statusCategory": {"key": category}}, **more}


OFFERED = (
    to("Backlog", "new"),
    to("Planned", "indeterminate", hasScreen=True),
    to("Working", "indeterminate", hasScreen=False),
    to("Shipped", "done"),
)


@pytest.mark.parametrize(
    ("standing", "never", "taken"),
    [
        (BEGUN, (), "Working"),
        (BEGUN, ("working",), "Planned"),
        (BEGUN, ("Working", "Planned"), None),
        (BACK, (), "Working"),
        (BACK, ("Working", "Planned"), "Backlog"),
        (DONE, (), "Shipped"),
    ],
)
def test_a_way_is_chosen_by_category_without_a_form_if_can_be(
    standing: Standing, never: tuple[str, ...], taken: str | None
) -> None:
    way = ways.choose(OFFERED, standing, never=never)
    assert (way and way["to"]["name"]) == taken


@pytest.mark.parametrize(
    ("category", "stands"),
    [("new", {BACK}), ("indeterminate", {BEGUN, BACK}), ("done", {BEGUN, DONE}), (None, {BEGUN, BACK})],
)
def test_what_people_have_begun_or_done_needs_no_beginning(
    category: str | None, stands: set[Standing]
) -> None:
    issue = {"fields": {"status": {"statusCategory": {"key": category}}}}
    assert {one for one in Standing if ways.stands(issue, one)} == stands
