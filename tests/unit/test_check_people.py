"""Whom the check cannot find: people on call, in pools, named by playbooks or in the file of people."""

import json
from typing import Any

import yaml

from integrations.sandbox.pagerduty_model import User
from multivac.check import Report
from tests.unit.clinic import Clinic, ills, the_ill

pytest_plugins = ["tests.unit.clinic_fixtures"]


def people(clinic: Clinic) -> Report:
    return clinic.check(only=["people"])


def pasted(fix: str) -> dict[str, Any]:
    """What the remedy tells to write, as YAML understands it."""
    (entry,) = yaml.safe_load(fix.partition(": ")[2])
    assert isinstance(entry, dict)
    return entry


def test_who_is_on_call_without_a_slack_user_is_listed_ready_to_be_mapped(clinic: Clinic) -> None:
    clinic.people = [each for each in clinic.people if each["name"] != "Fay Kim"]
    clinic.sandbox.slack._who("Fay Kim").email = "kim@example.com"
    in_slack, in_jira = ills(people(clinic))
    assert in_slack.level == "WARN"
    assert in_slack.what == "Fay Kim <fay@example.com> (on call in Platform) has no Slack user of that e-mail"
    fay = clinic.sandbox.pagerduty.account.user("Fay").id
    known = {"name": "Fay Kim", "email": "fay@example.com", "pagerduty": fay}
    assert in_slack.fix.startswith("Write into people.yaml: ")
    assert pasted(in_slack.fix) == known | {"slack": "U..."}
    assert "no Jira account" in in_jira.what
    assert pasted(in_jira.fix) == known | {"jira": "their account id"}


def test_who_is_mapped_is_not_listed(clinic: Clinic) -> None:
    slack = clinic.sandbox.slack
    slack._who("Fay Kim").email = "kim@example.com"
    for each in clinic.people:
        if each["name"] == "Fay Kim":
            each["slack"] = slack._who("Fay Kim").id
    assert ills(people(clinic)) == []


def test_a_mapped_id_that_is_nobodys_fails(clinic: Clinic) -> None:
    clinic.people += [{"name": "Gus Moreau", "slack": "U0NOBODY", "pagerduty": "PNOBODY"}]
    found = ills(people(clinic))
    assert ["PNOBODY" in each.what for each in found] == [True, False, False]
    assert "has no Slack user with the id U0NOBODY" in found[1].what
    assert found[1].level == "FAIL"


def test_somebody_whose_account_is_deactivated_is_told_apart(clinic: Clinic) -> None:
    slack = clinic.sandbox.slack
    for each in clinic.people:
        if each["name"] == "Fay Kim":
            each["slack"] = slack._who("Fay Kim").id
    slack.deactivate("Fay Kim")
    found = the_ill(people(clinic))
    assert "Fay Kim <fay@example.com> (people.yaml) is deactivated in Slack" in found.what


def test_an_address_in_a_playbook_that_is_nobodys_fails(clinic: Clinic) -> None:
    clinic.playbook["lead"] = [{"fixed": "anna@example.com"}]
    found = [each for each in ills(people(clinic)) if each.level == "FAIL"]
    assert [each.what for each in found] == [
        "anna@example.com (playbook everything) has no Slack user of that e-mail"
    ]


def test_people_of_a_pool_whose_address_is_hidden_are_listed(clinic: Clinic) -> None:
    clinic.sandbox.jira.site.groups["incident-leads"] = [clinic.sandbox.jira.site.person("Cy").account_id]
    clinic.playbook["lead"] = [{"least_loaded": {"jira_group": "incident-leads"}}]
    found = the_ill(people(clinic))
    assert found.what == (
        "Cy Tanaka (in the Jira group incident-leads) has no Slack user that could be told:"
        " their e-mail is not known"
    )


def test_only_policies_in_use_are_looked_at_until_a_playbook_names_another(clinic: Clinic) -> None:
    # Eli, who left Slack, is on call in a policy that no service has.
    assert "Eli" not in people(clinic).text()
    clinic.playbook["lead"] = [{"on_call": {"schedule": "incident-commander"}}]
    assert "Eli Novak" in people(clinic).text()


def test_more_people_than_slack_lets_us_look_up_are_counted(clinic: Clinic) -> None:
    pagerduty = clinic.sandbox.pagerduty
    for number in range(60):
        ident = f"PMANY{number:02}"
        pagerduty.account.users[ident] = User(
            ident, f"Many {number}", "ana@example.com".replace("ana", f"m{number}")
        )
        pagerduty.account.schedule("Commerce primary").users.append(ident)
    report = people(clinic)
    assert "20 people more were not looked up" in report.text()
    assert len(clinic.sandbox.world.calls("slack", "users.lookupByEmail")) <= 45


def test_without_the_file_one_is_to_be_made(clinic: Clinic) -> None:
    clinic.people = []
    settings = clinic.environment()
    assert json.loads((clinic.folder / "people.yaml").read_text()) == []
    assert "MULTIVAC_PEOPLE__PATH" in settings
    clinic.settings["PEOPLE__PATH"] = ""
    report = people(clinic)
    assert "people.path is not set" in report.text()
    assert {each.fix.partition(":")[0] for each in ills(report)} == {
        "Set people.path, and write into that file"
    }


def test_every_mistake_in_the_file_of_people_is_told(clinic: Clinic) -> None:
    clinic.people += [{"name": "Nobody"}, {"names": "Ana"}]
    found = [each for each in ills(people(clinic)) if each.level == "FAIL"]
    assert any("Did you mean name?" in each.fix for each in found)


def test_a_pager_that_is_down_keeps_nobody_else_from_being_looked_up(clinic: Clinic) -> None:
    clinic.fail("pagerduty", "server_error")
    report = people(clinic)
    found = the_ill(report)
    assert (found.level, found.what.partition(":")[0]) == ("WARN", "who is on call could not be checked")
    assert "people are in Slack" in report.text()
