"""The Slack stand-in keeps Slack's rules on tokens, channels, people, views and limits."""

import http.client
import json
from functools import partial

import pytest
from slack_sdk.errors import SlackApiError

from integrations.sandbox.slack import METHODS
from integrations.sandbox.slack_rules import SCOPE_OF, SCOPES_BY_KIND, TIER_OF
from integrations.sandbox.world import Fault
from tests.unit.office import SECTION, Office, modal, refused, why

pytest_plugins = ["tests.unit.office_fixtures"]


def test_every_method_has_a_tier_and_known_scopes() -> None:
    free = {"auth.test", "chat.getPermalink", "views.open", "views.publish", "views.push", "views.update"}
    assert set(METHODS) - {"chat.postMessage"} == set(TIER_OF)
    assert set(METHODS) == set(SCOPE_OF) | set(SCOPES_BY_KIND) | free


def test_tokens_are_missing_unknown_revoked_or_of_a_closed_account(office: Office) -> None:
    assert why(office.client("").auth_test) == "not_authed"
    assert why(office.client("xoxb-nobody").auth_test) == "invalid_auth"
    token = office.slack.token()
    office.slack.revoke(token)
    assert why(office.client(token).auth_test) == "token_revoked"
    personal = office.slack.token(user="Gus Moreau")
    office.slack.deactivate("Gus Moreau")
    assert why(office.client(personal).auth_test) == "account_inactive"


def test_a_token_may_come_as_a_form_field(office: Office) -> None:
    answer = office.client("").api_call("auth.test", data={"token": "xoxb-sandbox"})
    assert answer["user_id"] == "U0MULTIVAC"


def test_a_missing_scope_is_named_with_those_provided(office: Office) -> None:
    web = office.client(office.slack.token(["chat:write", "channels:read"]))
    said = refused(web.conversations_create, name="inc-1")
    assert (said["error"], said["needed"]) == ("missing_scope", "channels:manage")
    assert said["provided"] == "channels:read,chat:write"
    assert web.auth_test().headers["x-oauth-scopes"] == "channels:read,chat:write"


def test_scopes_depend_on_the_kind_of_channel(office: Office) -> None:
    web = office.client(office.slack.token(["channels:manage", "channels:read"]))
    assert web.conversations_create(name="inc-1")["ok"]
    said = refused(web.conversations_create, name="inc-2", is_private=True)
    assert said["needed"] == "groups:write"
    assert why(web.conversations_list, types="public_channel,private_channel") == "missing_scope"


def test_app_level_tokens_open_connections_and_nothing_else(office: Office) -> None:
    url = office.client("").apps_connections_open(app_token="xapp-sandbox")["url"]
    assert str(url).startswith("ws://127.0.0.1:")
    assert why(office.client("xapp-sandbox").auth_test) == "not_allowed_token_type"
    assert why(office.web.apps_connections_open, app_token="xoxb-sandbox") == "not_allowed_token_type"


def test_an_unknown_method_and_broken_json_are_refused(office: Office) -> None:
    assert why(office.web.api_call, "incidents.solve") == "unknown_method"
    connection = http.client.HTTPConnection(office.loopback.url.removeprefix("http://"))
    headers = {"Authorization": "Bearer xoxb-sandbox", "Content-Type": "application/json"}
    connection.request("POST", "/slack/api/auth.test", "{", headers)
    assert json.loads(connection.getresponse().read())["error"] == "invalid_json"
    connection.close()


def test_methods_are_answered_to_get_forms_and_json_alike(office: Office) -> None:
    channel = office.open()
    assert office.web.api_call("conversations.info", http_verb="GET", params={"channel": channel})["ok"]
    assert office.web.api_call("conversations.info", data={"channel": channel})["ok"]
    assert office.web.api_call("conversations.setTopic", json={"channel": channel, "topic": "x"})["ok"]


def test_json_is_ignored_where_the_reference_does_not_allow_it(office: Office) -> None:
    channel = office.open()
    said = refused(office.web.api_call, "conversations.info", json={"channel": channel})
    assert said["error"] == "invalid_arguments"
    assert said["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]


# Channels


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("Inc-1", "invalid_name_specials"),
        ("inc 1", "invalid_name_specials"),
        ("inc.1", "invalid_name_specials"),
        ("--__", "invalid_name_punctuation"),
        ("incidents", "name_taken"),
    ],
)
def test_bad_channel_names_are_refused_by_their_fault(office: Office, name: str, error: str) -> None:
    assert why(office.web.conversations_create, name=name) == error


def test_the_creator_of_a_channel_is_its_only_member(office: Office) -> None:
    channel = office.web.conversations_create(name="x" * 80)["channel"]
    assert channel["creator"] == "U0MULTIVAC"
    assert channel["is_member"]
    assert office.web.conversations_members(channel=channel["id"])["members"] == ["U0MULTIVAC"]


def test_the_name_of_an_archived_channel_stays_taken(office: Office) -> None:
    channel = office.open()
    office.web.conversations_archive(channel=channel)
    assert why(office.web.conversations_create, name="inc-1") == "name_taken"
    assert why(office.web.conversations_archive, channel=channel) == "already_archived"


def test_an_archived_channel_refuses_changes_until_it_is_opened_again(office: Office) -> None:
    channel, ana = office.open(), office.user("Ana Silva")
    ts = office.post(channel)
    office.web.conversations_archive(channel=channel)
    assert why(office.post, channel) == "is_archived"
    assert why(office.web.conversations_setTopic, channel=channel, topic="x") == "is_archived"
    assert why(office.web.conversations_invite, channel=channel, users=ana) == "is_archived"
    assert why(office.web.pins_add, channel=channel, timestamp=ts) == "is_archived"
    assert why(office.web.chat_update, channel=channel, ts=ts, text="x") == "is_inactive"
    assert why(office.web.conversations_unarchive, channel=channel) == "not_in_channel"  # no bot can
    office.slack.person_archives(channel, "Ana Silva", off=True)
    assert office.slack.channel(channel).members == (ana,)
    assert why(office.web.conversations_unarchive, channel=channel) == "not_archived"


def test_a_rename_frees_the_old_name_and_remembers_it(office: Office) -> None:
    channel = office.open()
    assert why(office.web.conversations_rename, channel=channel, name="general") == "name_taken"
    renamed = office.web.conversations_rename(channel=channel, name="inc-1-checkout")["channel"]
    assert renamed["previous_names"] == ["inc-1"]
    assert office.open("inc-1") != channel


def test_an_invitation_brings_people_and_says_so(office: Office) -> None:
    channel, ana, bo = office.open(), office.user("Ana Silva"), office.user("Bo Lindqvist")
    answer = office.web.conversations_invite(channel=channel, users=[ana, bo])
    assert "errors" not in answer.data
    assert office.slack.channel("inc-1").members == ("U0MULTIVAC", ana, bo)
    joined = [m for m in office.slack.channel("inc-1").messages if m.get("subtype") == "channel_join"]
    assert [m["user"] for m in joined] == ["U0MULTIVAC", ana, bo]
    assert joined[1]["inviter"] == "U0MULTIVAC"


def test_one_person_who_cannot_be_invited_stops_all(office: Office) -> None:
    channel, ana = office.open(), office.user("Ana Silva")
    users = [ana, "U0NOBODY", "U0MULTIVAC", office.user("Eli Novak")]
    said = refused(office.web.conversations_invite, channel=channel, users=users)
    assert said["error"] == "user_not_found"
    assert said["errors"] == [
        {"user": "U0NOBODY", "ok": False, "error": "user_not_found"},
        {"user": "U0MULTIVAC", "ok": False, "error": "cant_invite_self"},
        {"user": users[3], "ok": False, "error": "cant_invite"},
    ]
    assert office.slack.channel("inc-1").members == ("U0MULTIVAC",)


def test_force_invites_those_who_can_be(office: Office) -> None:
    channel, ana = office.open(), office.user("Ana Silva")
    answer = office.web.conversations_invite(channel=channel, users=["U0NOBODY", ana], force=True)
    assert [each["user"] for each in answer["errors"]] == ["U0NOBODY"]
    assert ana in office.slack.channel("inc-1").members
    again = partial(office.web.conversations_invite, channel=channel, users=ana, force=True)
    assert why(again) == "already_in_channel"


def test_an_invitation_needs_people_and_takes_a_hundred_at_most(office: Office) -> None:
    channel = office.open()
    assert why(office.web.conversations_invite, channel=channel, users="") == "no_user"
    many = [f"U{n}" for n in range(101)]
    assert why(office.web.conversations_invite, channel=channel, users=many) == "too_many_users"


def test_only_members_invite_and_rename(office: Office) -> None:
    general, ana = office.slack.channel("general").id, office.user("Ana Silva")
    assert why(office.web.conversations_invite, channel=general, users=ana) == "not_in_channel"
    assert why(office.web.conversations_rename, channel=general, name="x") == "not_in_channel"


def test_kicking_needs_a_member_other_than_oneself(office: Office) -> None:
    channel, ana = office.open(), office.user("Ana Silva")
    kick = office.web.conversations_kick
    assert why(kick, channel=channel, user="U0MULTIVAC") == "cant_kick_self"
    assert why(kick, channel=channel, user=ana) == "not_in_channel"
    office.web.conversations_invite(channel=channel, users=ana)
    assert kick(channel=channel, user=ana)["errors"] == {}
    assert ana not in office.slack.channel("inc-1").members


def test_joining_twice_is_a_warning_and_leaving_twice_no_error(office: Office) -> None:
    channel = office.slack.add_channel("late", ["Ana Silva"])
    assert "warning" not in office.web.conversations_join(channel=channel).data
    assert office.web.conversations_join(channel=channel)["warning"] == "already_in_channel"
    assert "not_in_channel" not in office.web.conversations_leave(channel=channel).data
    assert office.web.conversations_leave(channel=channel)["not_in_channel"] is True


def test_a_private_channel_does_not_exist_for_others(office: Office) -> None:
    secret = office.slack.add_channel("secret", ["Ana Silva"], private=True)
    assert why(office.web.conversations_info, channel=secret) == "channel_not_found"
    assert why(office.post, secret) == "channel_not_found"
    listed = office.web.conversations_list(types="private_channel")["channels"]
    assert listed == []
    assert why(office.web.conversations_create, name="secret") == "name_taken"


def test_a_topic_of_more_than_250_characters_is_too_long(office: Office) -> None:
    channel = office.open()
    assert why(office.web.conversations_setTopic, channel=channel, topic="x" * 251) == "too_long"
    assert why(office.web.conversations_setPurpose, channel=channel, purpose="x" * 251) == "too_long"
    assert office.web.conversations_setTopic(channel=channel, topic="x" * 250)["ok"]


def test_slack_says_itself_what_was_done_to_a_channel(office: Office) -> None:
    channel = office.open()
    office.web.conversations_setTopic(channel=channel, topic="SEV1")
    office.web.conversations_setTopic(channel=channel, topic="SEV1")
    office.web.conversations_setPurpose(channel=channel, purpose="checkout")
    office.web.conversations_rename(channel=channel, name="inc-1-checkout")
    office.web.conversations_archive(channel=channel)
    seen = office.slack.channel("inc-1-checkout")
    assert [m["subtype"] for m in seen.messages] == [
        "channel_join",
        "channel_topic",
        "channel_purpose",
        "channel_name",
        "channel_archive",
    ]
    assert seen.by("U0MULTIVAC") == []


def test_channels_are_listed_page_by_page(office: Office) -> None:
    made = {office.open(f"inc-{n}") for n in range(5)}
    found: list[str] = []
    for page in office.web.users_conversations(limit=2):
        assert len(page["channels"]) <= 2
        found += [channel["id"] for channel in page["channels"]]
    assert len(found) == len(set(found)) == 6
    assert made < set(found)
    assert why(office.web.conversations_list, cursor="nonsense") == "invalid_cursor"
    assert why(office.web.conversations_list, types="secret") == "invalid_types"
    assert why(office.web.conversations_list, limit="many") == "invalid_limit"


def test_archived_channels_can_be_left_out_of_a_listing(office: Office) -> None:
    office.web.conversations_archive(channel=office.open())
    everything = office.web.conversations_list()["channels"]
    assert "inc-1" in {channel["name"] for channel in everything}
    living = office.web.conversations_list(exclude_archived=True)["channels"]
    assert "inc-1" not in {channel["name"] for channel in living}


def test_direct_messages_are_opened_once(office: Office) -> None:
    ana, bo = office.user("Ana Silva"), office.user("Bo Lindqvist")
    first = office.web.conversations_open(users=ana)
    again = office.web.conversations_open(users=ana)
    assert first["channel"]["id"] == again["channel"]["id"]
    assert again["already_open"]
    assert office.web.conversations_open(users=[ana, bo])["channel"]["id"].startswith("G")
    eli = office.user("Eli Novak")
    assert why(office.web.conversations_open, users=eli) == "user_disabled"
    assert why(office.web.conversations_open, users="") == "users_list_not_supplied"


def test_people_are_found_by_address_unless_deactivated(office: Office) -> None:
    found = office.web.users_lookupByEmail(email="ANA@example.com")["user"]
    assert (found["real_name"], found["profile"]["email"]) == ("Ana Silva", "ana@example.com")
    for nobody in ("eli@example.com", "fay@example.com"):
        assert why(office.web.users_lookupByEmail, email=nobody) == "users_not_found"


def test_a_deactivated_person_is_described_as_deleted(office: Office) -> None:
    assert office.web.users_info(user=office.user("Eli Novak"))["user"]["deleted"]
    assert why(office.web.users_info, user="U0NOBODY") == "user_not_found"


def test_addresses_need_a_scope_of_their_own(office: Office) -> None:
    web = office.client(office.slack.token(["users:read"]))
    assert "email" not in web.users_info(user=office.user("Ana Silva"))["user"]["profile"]
    assert why(web.users_lookupByEmail, email="ana@example.com") == "missing_scope"


def test_everybody_is_listed_with_bots_and_the_deactivated(office: Office) -> None:
    members = office.web.users_list()["members"]
    assert len(members) == 8
    assert any(m["is_bot"] for m in members)
    assert any(m["deleted"] for m in members)


def test_user_groups_are_listed_with_their_people(office: Office) -> None:
    groups = {g["handle"]: g for g in office.web.usergroups_list(include_users=True)["usergroups"]}
    assert set(groups) == {"sre", "support-leads"}
    users = office.web.usergroups_users_list(usergroup=groups["sre"]["id"])["users"]
    assert users == groups["sre"]["users"]
    assert why(office.web.usergroups_users_list, usergroup="S1") == "no_such_subteam"


def test_the_workspace_describes_itself(office: Office) -> None:
    assert office.web.team_info()["team"]["id"] == office.web.auth_test()["team_id"]


def test_a_trigger_opens_one_modal_within_three_seconds(office: Office) -> None:
    trigger = office.slack.trigger()
    assert office.web.views_open(trigger_id=trigger, view=modal())["view"]["id"].startswith("V")
    again = partial(office.web.views_open, view=modal())
    assert why(again, trigger_id=trigger) == "exchanged_trigger_id"
    assert why(again, trigger_id="1.2.never") == "invalid_trigger_id"
    late = office.slack.trigger()
    office.world.clock.forward(3.1)
    assert why(again, trigger_id=late) == "expired_trigger_id"


def test_an_update_with_an_old_hash_is_a_conflict(office: Office) -> None:
    view = office.web.views_open(trigger_id=office.slack.trigger(), view=modal())["view"]
    office.web.views_update(view_id=view["id"], view=modal(callback_id="a"), hash=view["hash"])
    late = partial(office.web.views_update, view_id=view["id"], view=modal(), hash=view["hash"])
    assert why(late) == "hash_conflict"


def test_a_modal_title_has_24_characters_and_three_modals_stack(office: Office) -> None:
    long = modal(title={"type": "plain_text", "text": "x" * 25})
    trigger, opening = office.slack.trigger, office.web.views_open
    assert why(opening, trigger_id=trigger(), view=long) == "invalid_arguments"
    opening(trigger_id=trigger(), view=modal())
    for _ in range(2):
        office.web.views_push(trigger_id=trigger(), view=modal())
    assert why(office.web.views_push, trigger_id=trigger(), view=modal()) == "push_limit_reached"


def test_a_home_is_published_per_person(office: Office) -> None:
    ana = office.user("Ana Silva")
    view = office.web.views_publish(user_id=ana, view={"type": "home", "blocks": [SECTION]})["view"]
    assert office.slack.state()["homes"][ana]["id"] == view["id"]


def test_limits_are_kept_per_method_and_lifted_by_time(office: Office) -> None:
    office.world.limits_on = True
    for n in range(20):
        office.open(f"inc-{n}")
    with pytest.raises(SlackApiError) as caught:
        office.open("inc-20")
    response = caught.value.response
    assert response.status_code == 429
    assert response.headers["retry-after"] == "3"
    assert response.data == {"ok": False, "error": "ratelimited"}
    assert office.web.auth_test()["ok"]
    office.world.clock.forward(3)
    assert office.open("inc-20")


def test_messages_are_limited_per_channel_after_a_short_burst(office: Office) -> None:
    one, other = office.open("inc-1"), office.open("inc-2")
    office.world.limits_on = True
    for _ in range(4):
        office.post(one)
    assert why(office.post, "#inc-1") == "ratelimited"
    assert office.post(other)
    office.world.clock.forward(1)
    assert office.post(one)


def test_nothing_is_limited_unless_limits_are_on(office: Office) -> None:
    assert len({office.post("incidents") for _ in range(30)}) == 30


def test_injected_errors_look_like_slacks(office: Office) -> None:
    office.world.fail(Fault("slack", "auth.test", "refuse", error="ekm_access_denied"))
    assert why(office.web.auth_test) == "ekm_access_denied"
    office.world.fail(Fault("slack", "auth.test", "rate_limit", retry_after=30))
    with pytest.raises(SlackApiError) as caught:
        office.web.auth_test()
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["retry-after"] == "30"
    office.world.fail(Fault("slack", "auth.test", "rate_limit"))
    with pytest.raises(SlackApiError) as caught:
        office.web.auth_test()
    assert "retry-after" not in caught.value.response.headers
    office.world.fail(Fault("slack", "auth.test", "server_error", status=503))
    assert why(office.web.auth_test) == "service_unavailable"


def test_a_lost_answer_leaves_its_channel_behind(office: Office) -> None:
    office.world.fail(Fault("slack", "conversations.create", "lose_answer", match={"name": "inc-1"}))
    with pytest.raises(http.client.RemoteDisconnected):
        office.open()
    assert why(office.open) == "name_taken"
    assert office.slack.channel("inc-1").creator == "U0MULTIVAC"
