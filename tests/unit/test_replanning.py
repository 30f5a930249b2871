"""What a change of severity changes is said in a few words, from the playbook alone."""

from typing import Any

import pytest

from multivac.incident import Severity
from multivac.playbook import Playbook
from multivac.steps.replanning import what_follows


def phase(name: str, **more: Any) -> dict[str, Any]:
    return {"phase": name, "title": name.title(), "at": "0m", "tasks": [{"id": name, "text": name}], **more}


WORST, MILD = {"severities": ["sev1"]}, {"severities": ["sev3"]}
PLAYBOOK: dict[str, Any] = {
    "name": "p",
    "updates": {"sev1": "30m", "sev2": "1h"},
    "invite": [
        {"on_call": {}},
        {"on_call": {"levels": [2], "schedules": ["database"]}, **WORST},
        {"group": "managers", **WORST},
        {"people": ["cto@example.com"], **WORST},
    ],
    "roles": {"cx lead": {"fixed": "cara@example.com"}, "lawyer": {"fixed": "lu@example.com", **WORST}},
    "checklists": [phase("first"), phase("management", **WORST), phase("weekly", **MILD)],
}


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        (Severity.SEV2, Severity.SEV2, ()),
        (Severity.SEV4, Severity.SEV5, ()),
        (
            Severity.SEV3,
            Severity.SEV1,
            (
                "updates every 30 minutes",
                "also invited: on call at level 2, on call for database, managers, and cto@example.com",
                "also filled: lawyer",
                "also to do: Management",
                "no longer to do: Weekly",
            ),
        ),
        (Severity.SEV1, Severity.SEV2, ("updates every 1 hour", "no longer to do: Management")),
        (Severity.SEV2, Severity.SEV4, ("no regular updates",)),
    ],
)
def test_what_differs_for_the_new_severity_is_said(
    was: Severity, now: Severity, told: tuple[str, ...]
) -> None:
    assert what_follows(Playbook.model_validate(PLAYBOOK), was, now) == told


def test_where_people_are_asked_first_nobody_is_said_to_be_invited() -> None:
    private = Playbook.model_validate(PLAYBOOK | {"channel": {"private": True, "ask_before_inviting": True}})
    told = what_follows(private, Severity.SEV3, Severity.SEV1)
    assert told == ("updates every 30 minutes", "also to do: Management", "no longer to do: Weekly")
