"""What the check finds in Jira, Cloud and Data Center: token, project, permissions, what playbooks name."""

import pytest

from integrations.sandbox.exchange import Fault
from multivac.check import Report
from multivac.check.tracker import PERMISSIONS
from tests.unit.clinic import Clinic, ills, the_ill

pytest_plugins = ["tests.unit.clinic_fixtures"]


def jira(clinic: Clinic) -> Report:
    return clinic.check(only=["jira"])


def test_a_data_center_is_checked_as_well(clinic: Clinic) -> None:
    clinic.sandbox.jira.flavour = "datacenter"
    clinic.settings |= {"JIRA__FLAVOUR": "datacenter", "JIRA__USER": ""}
    assert ills(jira(clinic)) == []
    clinic.settings["JIRA__TOKEN"] = "wrong-token"
    assert "Personal Access Tokens" in the_ill(jira(clinic)).fix


def test_a_wrong_token_is_one_finding_that_says_where_the_right_one_is(clinic: Clinic) -> None:
    clinic.settings["JIRA__TOKEN"] = "wrong-token"
    found = the_ill(jira(clinic))
    assert (found.level, found.what) == ("FAIL", "the token: Jira does not accept our token.")
    assert "id.atlassian.com > Security > API tokens" in found.fix


def test_a_revoked_token_fails(clinic: Clinic) -> None:
    clinic.sandbox.jira.gate.tokens.clear()
    assert "does not accept our token" in the_ill(jira(clinic)).what


def test_an_unknown_project_fails_alone(clinic: Clinic) -> None:
    clinic.settings["JIRA__PROJECT"] = "OOPS"
    found = the_ill(jira(clinic))
    assert found.what == "there is no project OOPS, or it is hidden from our user"
    assert "jira.project" in found.fix


def test_an_unknown_type_of_issue_fails(clinic: Clinic) -> None:
    clinic.settings["JIRA__ISSUE_TYPE"] = "Outage"
    found = the_ill(jira(clinic))
    assert found.what == "project OPS has no type of issue called Outage"
    assert "jira.issue_type" in found.fix


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_each_missing_permission_is_told_with_what_fails_without_it(clinic: Clinic, permission: str) -> None:
    clinic.sandbox.jira.forbid(permission)
    name, consequence = PERMISSIONS[permission]
    found = the_ill(jira(clinic))
    assert (found.level, found.what) == ("FAIL", f"our user lacks {name}: {consequence}")
    assert found.fix == f"Project settings > Permissions of OPS: give {name} to our user."


def test_without_the_right_to_look_people_up_they_must_be_mapped(clinic: Clinic) -> None:
    clinic.sandbox.jira.forbid("USER_PICKER")
    found = the_ill(jira(clinic))
    assert (found.level, "Browse users and groups" in found.what) == ("WARN", True)


def test_a_group_that_may_not_be_read_is_explained(clinic: Clinic) -> None:
    clinic.sandbox.jira.forbid("ADMINISTER")
    found = ills(jira(clinic))
    assert found
    assert all("does not let us" in each.what for each in found)


@pytest.mark.parametrize("field", ["customfield_10012", "duedate"])
def test_each_required_field_that_is_not_filled_fails(clinic: Clinic, field: str) -> None:
    clinic.sandbox.jira.require_field(field)
    name = {"customfield_10012": "Customer impact", "duedate": "Due date"}[field]
    found = the_ill(jira(clinic))
    assert found.what.startswith(f"Incident requires the field {name}, which Multivac does not fill")
    assert f"Make {name} optional" in found.fix


@pytest.mark.parametrize(
    ("lead", "what"),
    [
        ({"round_robin": {"jira_role": "Leaders"}}, 'no role "Leaders"'),
        ({"least_loaded": {"jira_group": "leaders"}}, 'no group "leaders"'),
        ({"component_lead": {"component": "kitchen"}}, 'no component "kitchen"'),
    ],
)
def test_what_a_playbook_names_and_jira_does_not_have_fails(
    clinic: Clinic, lead: dict[str, dict[str, str]], what: str
) -> None:
    clinic.playbook["lead"] = [lead]
    found = the_ill(jira(clinic))
    assert (found.level, what in found.what) == ("FAIL", True)
    assert "playbook everything" in found.what


def test_a_role_or_component_with_nobody_in_it_fails(clinic: Clinic) -> None:
    (project,) = clinic.sandbox.jira.site.projects.values()
    for role in project.roles:
        role.people.clear()
        role.groups.clear()
    clinic.sandbox.jira.site.groups["incident-leads"].clear()
    found = [each.what for each in ills(jira(clinic))]
    assert [what.rpartition(") ")[2] for what in found] == ["has nobody to choose a lead from"] * 2


def test_a_vendor_that_fails_at_one_thing_is_checked_on_the_others(clinic: Clinic) -> None:
    fault = Fault(
        "jira", "GET /mypermissions", "server_error", times=0, match={"permissions": "ASSIGN_ISSUES"}
    )
    clinic.sandbox.world.fail(fault)
    report = jira(clinic)
    assert "the permission Assign Issues could not be checked" in the_ill(report).what
    assert "our user has Create Issues" in report.text()
