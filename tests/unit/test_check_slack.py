"""What the check finds in Slack: tokens, scopes, channels, user groups; each ill with its remedy."""

import pytest

from integrations.sandbox.seed import BOT_TOKEN
from integrations.sandbox.slack_rules import ALL_SCOPES
from multivac.check import Report
from multivac.check.scopes import SCOPES
from tests.unit.clinic import Clinic, ills, the_ill

pytest_plugins = ["tests.unit.clinic_fixtures"]


def slack(clinic: Clinic) -> Report:
    return clinic.check(only=["slack"])


def test_a_wrong_bot_token_is_one_finding_that_says_where_the_right_one_is(clinic: Clinic) -> None:
    clinic.settings["SLACK__BOT_TOKEN"] = "xoxb-wrong"
    found = the_ill(slack(clinic))
    assert (found.level, found.what) == (
        "FAIL",
        "the bot token: Slack does not accept the bot's token (invalid_auth)",
    )
    assert "OAuth & Permissions > Bot User OAuth Token" in found.fix
    assert "slack.bot_token" in found.fix


def test_a_revoked_bot_token_is_told_apart_from_a_wrong_one(clinic: Clinic) -> None:
    clinic.sandbox.slack.revoke(BOT_TOKEN)
    found = the_ill(slack(clinic))
    assert found.what == "the bot token: the bot's token is revoked (token_revoked)"
    assert "Install the Slack app again" in found.fix


def test_a_wrong_app_token_is_found_although_the_bot_token_is_good(clinic: Clinic) -> None:
    clinic.settings["SLACK__APP_TOKEN"] = "xapp-wrong"
    found = the_ill(slack(clinic))
    assert found.what.startswith("the app-level token: ")
    assert "App-Level Tokens" in found.fix


def test_a_token_of_a_person_is_not_what_is_wanted(clinic: Clinic) -> None:
    clinic.settings["SLACK__BOT_TOKEN"] = clinic.sandbox.slack.token(
        ALL_SCOPES, value="xoxp-of-the-bot-itself"
    )
    found = the_ill(slack(clinic))
    assert (found.level, found.what.partition(",")[0]) == ("WARN", "the token belongs to a person")


@pytest.mark.parametrize("scope", SCOPES)
def test_each_missing_scope_is_named_with_its_reason_and_its_remedy(clinic: Clinic, scope: str) -> None:
    clinic.without_scope(scope)
    found = the_ill(slack(clinic))
    assert found.what == f"missing {scope} - {SCOPES[scope][1]}"
    assert found.fix == (
        "api.slack.com/apps > your app > OAuth & Permissions > Bot Token Scopes: add it,"
        " then reinstall the app"
    )
    assert found.level == ("WARN" if scope == "chat:write.public" else "FAIL")


def test_every_missing_scope_is_told_at_once(clinic: Clinic) -> None:
    clinic.without_scope("pins:write", "bookmarks:write")
    assert [each.what.split()[1] for each in ills(slack(clinic))] == ["pins:write", "bookmarks:write"]


@pytest.mark.parametrize("scope", ["groups:write", "groups:history", "usergroups:read"])
def test_a_scope_that_neither_playbooks_nor_people_use_is_not_missed_but_told(
    clinic: Clinic, scope: str
) -> None:
    del clinic.settings["SLACK__APP_TOKEN"]  # nobody can ask
    clinic.playbook |= {"channel": {"name": "inc-{number}"}, "invite": [{"on_call": {}}]}
    clinic.without_scope(scope)
    report = slack(clinic)
    assert ills(report) == []
    assert f"{scope} is not granted, and nothing uses it yet" in report.text()


def test_a_channel_that_is_not_there_fails(clinic: Clinic) -> None:
    clinic.settings["SLACK__ANNOUNCE_CHANNEL"] = "incidentz"
    found = the_ill(slack(clinic))
    assert found.level == "FAIL"
    assert found.what == "slack.announce_channel is #incidentz, and the bot sees no such channel"
    assert "Correct slack.announce_channel" in found.fix


@pytest.mark.parametrize("by_id", [False, True])
def test_a_public_channel_without_the_bot_is_worth_a_look(clinic: Clinic, by_id: bool) -> None:
    number = clinic.sandbox.slack.add_channel("outages", ["ana@example.com"])
    clinic.settings["SLACK__OPERATORS_CHANNEL"] = number if by_id else "outages"
    found = the_ill(slack(clinic))
    assert found.level == "WARN"
    assert "the bot is not in it" in found.what
    assert "/invite @multivac" in found.fix


def test_a_channel_without_the_bot_fails_without_the_scope_to_write_there(clinic: Clinic) -> None:
    clinic.sandbox.slack.add_channel("outages", ["ana@example.com"])
    clinic.settings["SLACK__ANNOUNCE_CHANNEL"] = "outages"
    clinic.without_scope("chat:write.public")
    failed = [each.what for each in ills(slack(clinic)) if each.level == "FAIL"]
    assert failed == ["slack.announce_channel is #outages, where the bot may not write: it is not in it"]


@pytest.mark.parametrize("by_id", [False, True])
def test_a_private_channel_without_the_bot_cannot_be_seen(clinic: Clinic, by_id: bool) -> None:
    number = clinic.sandbox.slack.add_channel("secret", ["ana@example.com"], private=True)
    clinic.settings["SLACK__ANNOUNCE_CHANNEL"] = number if by_id else "secret"
    found = the_ill(slack(clinic))
    assert "the bot sees no such channel" in found.what
    assert "if it is private: " in found.fix


def test_a_private_channel_with_the_bot_is_fine(clinic: Clinic) -> None:
    clinic.sandbox.slack.add_channel("secret", ["ana@example.com", "multivac"], private=True)
    clinic.settings["SLACK__OPERATORS_CHANNEL"] = "secret"
    assert ills(slack(clinic)) == []


def test_an_archived_channel_fails(clinic: Clinic) -> None:
    number = clinic.sandbox.slack.add_channel("outages", ["ana@example.com", "multivac"])
    clinic.sandbox.slack.person_archives(number, "ana@example.com")
    clinic.settings["SLACK__ANNOUNCE_CHANNEL"] = "outages"
    found = the_ill(slack(clinic))
    assert (found.level, found.what.endswith("which is archived")) == ("FAIL", True)


def test_a_channel_is_found_in_a_workspace_of_thousands(clinic: Clinic) -> None:
    for number in range(1100):
        clinic.sandbox.slack.add_channel(f"team-{number}", ["ana@example.com"])
    clinic.settings["SLACK__ANNOUNCE_CHANNEL"] = "team-1099"
    assert "the bot is not in it" in the_ill(slack(clinic)).what


def test_an_unknown_user_group_fails_and_its_playbook_is_named(clinic: Clinic) -> None:
    clinic.playbook["invite"] = [{"group": "sree"}]
    found = the_ill(slack(clinic))
    assert (found.level, "user group @sree" in found.what) == ("FAIL", True)
    assert "playbook everything" in found.what


def test_an_empty_user_group_is_worth_a_look(clinic: Clinic) -> None:
    clinic.sandbox.slack.add_group("nobody", [])
    clinic.playbook["invite"] = [{"group": "nobody"}]
    assert "has no members" in the_ill(slack(clinic)).what


def test_a_plan_without_user_groups_is_explained(clinic: Clinic) -> None:
    clinic.fail("slack", "refuse", "usergroups.list", error="plan_upgrade_required")
    found = the_ill(slack(clinic))
    assert "this Slack plan has no user groups" in found.what
    assert "Name people or on-call schedules" in found.fix
