"""What people change by hand in the Slack stand-in is told to the app as Slack tells it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from integrations.sandbox.slack_rules import Refusal
from tests.unit.office import SECTION, App, Office

pytest_plugins = ["tests.unit.office_fixtures"]

Body = dict[str, Any]


def told(office: Office, app: App, kind: str, subtype: str | None = None) -> list[Body]:
    """The events of one type that the app has heard of."""
    office.slack.deliveries.redeliver_due()
    events = [each["event"] for each in app.events()]
    return [each for each in events if (each["type"], each.get("subtype")) == (kind, subtype)]


def pressed(app: App) -> Body:
    """The last interaction."""
    last = [body for path, _, body in app.heard if path == "/interactions"][-1]
    payload: Body = json.loads(parse_qs(last.decode())["payload"][0])
    return payload


def recorded(payloads: Path, name: str) -> Body:
    read: Body = json.loads((payloads / "slack" / f"{name}.json").read_text())
    return read


def test_people_edit_and_delete_what_they_wrote_and_nothing_else(office: Office, app: App) -> None:
    slack = office.slack
    ts = slack.person_says("incidents", "Ana Silva", "rolled back")
    slack.person_edits("incidents", "Ana Silva", ts=ts, text="rolled back to v41")
    [edited] = told(office, app, "message", "message_changed")
    assert edited["message"]["text"] == "rolled back to v41"
    assert edited["message"]["edited"]["user"] == office.user("Ana Silva")
    assert edited["previous_message"]["text"] == "rolled back"
    for act in (slack.person_deletes, slack.person_edits):
        with pytest.raises(Refusal, match="cant_update_message"):
            act("incidents", "Bo Lindqvist", ts=ts, **({"text": "x"} if act == slack.person_edits else {}))
    slack.person_deletes("incidents", "Ana Silva", ts=ts)
    [gone] = told(office, app, "message", "message_deleted")
    assert (gone["deleted_ts"], gone["previous_message"]["text"]) == (ts, "rolled back to v41")


def test_answers_in_a_thread_are_counted_at_its_message(office: Office) -> None:
    ts = office.post("#incidents")
    reply = office.slack.person_says("incidents", "Ana Silva", "on it", thread_ts=ts)
    office.slack.person_says("incidents", "Bo Lindqvist", "me too", thread_ts=ts)
    head = office.slack.channel("incidents").messages[0]
    assert (head["reply_count"], len(head["reply_users"])) == (2, 2)
    office.slack.person_deletes("incidents", "Ana Silva", ts=reply)
    assert office.slack.channel("incidents").messages[0]["reply_count"] == 1


def test_a_pin_set_and_taken_off_by_a_person_is_told(office: Office, app: App) -> None:
    ts = office.post("#incidents")
    office.slack.person_pins("incidents", "Ana Silva", ts=ts)
    assert office.slack.channel("incidents").pins == (ts,)
    office.slack.person_pins("incidents", "Ana Silva", ts=ts, off=True)
    [added], [removed] = told(office, app, "pin_added"), told(office, app, "pin_removed")
    ana = office.user("Ana Silva")
    assert (added["user"], added["item"]["message"]["ts"]) == (ana, ts)
    assert (removed["user"], removed["has_pins"], removed["item_user"]) == (ana, False, "U0MULTIVAC")


@pytest.mark.parametrize("root", ["channel", "group"])
def test_a_channel_renamed_and_archived_by_a_person_is_told(office: Office, app: App, root: str) -> None:
    channel = office.open(is_private=root == "group")
    office.slack.person_renames(channel, "Ana Silva", name="inc-1-checkout")
    office.slack.person_archives(channel, "Ana Silva")
    office.slack.person_archives(channel, "Ana Silva", off=True)
    assert told(office, app, f"{root}_rename")[0]["channel"]["name"] == "inc-1-checkout"
    assert told(office, app, f"{root}_archive")[0]["channel"] == channel
    assert told(office, app, f"{root}_unarchive")[0]["channel"] == channel
    with pytest.raises(Refusal, match="name_taken"):
        office.slack.person_renames(channel, "Ana Silva", name="general")


def test_who_leaves_is_told_and_an_app_that_is_removed_hears_it_last(office: Office, app: App) -> None:
    office.slack.person_leaves("incidents", "Ana Silva")
    office.slack.person_leaves("incidents", "multivac")
    office.slack.person_says("incidents", "Bo Lindqvist", "help")
    left = [each["user"] for each in told(office, app, "member_left_channel")]
    assert sorted(left) == sorted([office.user("Ana Silva"), "U0MULTIVAC"])
    assert told(office, app, "message") == []


def test_a_user_group_that_changes_or_goes_is_told(office: Office, app: App) -> None:
    office.slack.change_group("sre", ["Ana Silva", "Cara Mbeki"])
    [changed] = told(office, app, "subteam_members_changed")
    assert changed["added_users"] == [office.user("Cara Mbeki")]
    assert set(changed["removed_users"]) == {office.user("Bo Lindqvist"), office.user("Dee Okafor")}
    office.slack.remove_group("sre")
    updates = told(office, app, "subteam_updated")
    assert {each["subteam"]["date_delete"] > 0 for each in updates} == {False, True}
    assert "sre" not in [group["handle"] for group in office.web.usergroups_list()["usergroups"]]
    with pytest.raises(LookupError, match="no user group"):
        office.slack.change_group("sre", [])


def test_an_account_that_changes_or_closes_is_told(office: Office, app: App) -> None:
    office.slack.change_person("Ana Silva", real_name="Ana Sousa", locale="de-DE", guest=True)
    office.slack.deactivate("Bo Lindqvist")
    names = {each["user"]["profile"]["real_name"]: each for each in told(office, app, "user_change")}
    assert names["Ana Sousa"]["user"]["is_restricted"] is True
    ana = names["Ana Sousa"]["user"]["id"]
    assert office.web.users_info(user=ana, include_locale=True)["user"]["locale"] == "de-DE"
    with pytest.raises(ValueError, match="nobody can change id"):
        office.slack.change_person(ana, id="U1")
    assert names["Bo Lindqvist"]["user"]["deleted"] is True


def test_shortcuts_are_sent_as_slack_words_them(office: Office, app: App, payloads: Path) -> None:
    office.slack.shortcuts("Ana Silva", "declare")
    shortcut = pressed(app)
    assert (shortcut["type"], shortcut["callback_id"]) == ("shortcut", "declare")
    assert shortcut.keys() == recorded(payloads, "interactive.shortcut_global").keys()
    assert shortcut["user"].keys() == recorded(payloads, "interactive.shortcut_global")["user"].keys()
    ts = office.slack.person_says("incidents", "Bo Lindqvist", "rollback started")
    office.slack.shortcuts("Ana Silva", "timeline", channel="incidents", ts=ts)
    action = pressed(app)
    assert (action["type"], action["message_ts"]) == ("message_action", ts)
    assert action["message"]["text"] == "rollback started"
    assert action.keys() == recorded(payloads, "interactive.message_action").keys()


def test_an_opened_home_is_told_with_what_it_shows(office: Office, app: App, payloads: Path) -> None:
    place = office.slack.opens_home("Ana Silva")
    ana = office.user("Ana Silva")
    office.web.views_publish(user_id=ana, view={"type": "home", "blocks": [SECTION]})
    office.slack.opens_home("Ana Silva", "messages")
    office.slack.opens_home("Ana Silva")
    events = told(office, app, "app_home_opened")
    assert {each["channel"] for each in events} == {place}
    assert sorted(each["tab"] for each in events) == ["home", "home", "messages"]
    assert [each["view"]["type"] for each in events if "view" in each] == ["home"]
    record = recorded(payloads, "event.app_home_opened")["event"]
    assert {*record} == {*events[0]} - {"view"}
    assert office.slack.direct("Ana Silva").id == place


def test_a_press_in_ones_home_carries_the_home(office: Office, app: App) -> None:
    button = {"type": "button", "action_id": "declare", "text": {"type": "plain_text", "text": "Declare"}}
    ana = office.user("Ana Silva")
    blocks = [{"type": "actions", "block_id": "top", "elements": [button]}]
    home = office.web.views_publish(user_id=ana, view={"type": "home", "blocks": blocks})["view"]["id"]
    office.slack.presses("Ana Silva", home, action_id="declare")
    assert pressed(app)["view"]["type"] == "home"
    with pytest.raises(LookupError, match="Bo Lindqvist has no open view"):
        office.slack.presses("Bo Lindqvist", home, action_id="declare")
