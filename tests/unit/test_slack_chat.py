"""Every verb of the Slack adapter, over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from integrations.slack.chat import Identity, SlackChat
from multivac.briefing import ChangeLine
from multivac.errors import GiveUp, NameTaken
from multivac.ports import Chat, Marker, Posted
from tests.slack_site import BOT, HELLO, MARKER, NOON, TOKEN, Site, answering


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    made = Site()
    yield made
    made.stop()


@pytest.fixture
def site(server: Site) -> Site:
    return server.fresh()


@pytest.fixture
def channel(site: Site) -> str:
    return site.chat.open_channel("inc-42-checkout", private=False)


def test_it_is_a_chat(site: Site) -> None:
    chat: Chat = site.chat
    assert isinstance(chat, SlackChat)


def test_whoami_tells_user_team_and_scopes(site: Site) -> None:
    site.slack.token(["chat:write", "pins:write"], value="xoxb-few")
    assert site.another("xoxb-few").whoami() == Identity(
        BOT, "Sandbox", frozenset({"chat:write", "pins:write"})
    )


# Channels


@pytest.mark.parametrize(("private", "kind"), [(False, "public"), (True, "private")])
def test_a_channel_is_opened(site: Site, private: bool, kind: str) -> None:
    made = site.chat.open_channel("inc-1", private=private)
    assert site.slack.channel(made).kind == kind
    assert site.slack.channel(made).creator == BOT


def test_a_taken_name_is_told_apart(site: Site, channel: str) -> None:
    with pytest.raises(NameTaken) as taken:
        site.chat.open_channel("inc-42-checkout", private=False)
    assert taken.value.why == "a channel of that name exists already"
    assert taken.value.fix


def test_a_channel_of_ours_is_found_again(site: Site) -> None:
    made = site.chat.open_channel("inc-42-checkout", private=True)
    assert site.chat.find_channel("inc-42-checkout", since=NOON) == made
    # Our clock may be ahead of Slack's, and Slack cuts to seconds.
    assert site.chat.find_channel("inc-42-checkout", since=NOON + timedelta(seconds=1.9)) == made
    assert site.chat.find_channel("inc-42-checkout", since=NOON + timedelta(seconds=3)) is None
    assert site.chat.find_channel("inc-42", since=NOON) is None
    assert len(site.calls("auth.test")) == 1


def test_a_channel_that_somebody_else_made_is_not_ours(site: Site) -> None:
    ana = site.slack.add_person("Ana Lima", "ana@example.com")
    site.slack.add_channel("inc-42-checkout", [ana, BOT])
    assert site.chat.find_channel("inc-42-checkout", since=NOON) is None


def test_an_archived_channel_is_not_adopted(site: Site, channel: str) -> None:
    site.slack.add_person("Ana Lima", "ana@example.com")
    site.slack.person_archives(channel, "Ana Lima")
    assert site.chat.find_channel("inc-42-checkout", since=NOON) is None


def test_channels_are_looked_for_on_every_page(site: Site) -> None:
    for number in range(1000):
        site.slack.add_channel(f"inc-{number}", [BOT])
    last = site.slack.add_channel("incidents", [BOT])
    assert site.chat.find_channel_named("#incidents") == last
    assert site.chat.find_channel_named("incidents") == last
    assert site.chat.find_channel_named("elsewhere") is None
    assert len(site.calls("users.conversations")) == 6


def test_topic_and_purpose_are_cut_and_made_harmless(site: Site, channel: str) -> None:
    site.chat.set_topic(channel, "SEV1 <!here> & " + "x" * 300)
    site.chat.set_purpose(channel, "Checkout\nfails")
    shown = site.slack.channel(channel)
    assert shown.topic.startswith("SEV1 &lt;!here&gt; &amp; xxx")
    assert shown.topic.endswith("…")
    assert len(shown.topic) == 250
    assert shown.purpose == "Checkout fails"


def test_what_a_private_channel_is_called_is_told_nobody(site: Site, channel: str) -> None:
    secret = site.chat.open_channel("inc-2-data-leak", private=True)
    assert site.chat.channel_name(channel) == site.slack.channel(channel).name
    assert site.chat.channel_name(secret) is None
    assert site.chat.channel_name("C0NOWHERE") is None


# People


def test_people_are_invited_once_each(site: Site, channel: str) -> None:
    ana, bo = (site.slack.add_person(name, f"{name}@example.com") for name in ("Ana", "Bo"))
    assert site.chat.invite(channel, [ana, bo, ana]).joined == (ana, bo)
    assert site.slack.channel(channel).members == (BOT, ana, bo)
    assert len(site.calls("conversations.invite")) == 1


def test_inviting_nobody_makes_no_call(site: Site, channel: str) -> None:
    assert site.chat.invite(channel, []).joined == ()
    assert not site.calls("conversations.invite")


def test_a_bad_one_never_stops_the_rest(site: Site, channel: str) -> None:
    ana, bo, gone = (site.slack.add_person(name, f"{name}@example.com") for name in ("Ana", "Bo", "Gone"))
    site.slack.deactivate(gone)
    site.slack.person_joins(channel, bo)
    invited = site.chat.invite(channel, [ana, bo, gone, "U0NOBODY", BOT])
    assert invited.joined == (ana, bo, BOT)
    assert invited.refused == {gone: "cannot be invited: perhaps deactivated", "U0NOBODY": "not found"}
    assert ana in site.slack.channel(channel).members


def test_people_who_are_there_already_have_joined(site: Site, channel: str) -> None:
    ana = site.slack.add_person("Ana", "ana@example.com")
    site.slack.person_joins(channel, ana)
    assert site.chat.invite(channel, [ana, BOT]).joined == (ana, BOT)
    assert site.chat.invite(channel, ["U0NOBODY"]).refused == {"U0NOBODY": "not found"}


def test_people_are_invited_a_hundred_at_once(site: Site, channel: str) -> None:
    people = [site.slack.add_person(f"p{number}", f"p{number}@example.com") for number in range(101)]
    assert len(site.chat.invite(channel, people).joined) == 101
    assert [len(call["users"].split(",")) for call in site.calls("conversations.invite")] == [100, 1]


def test_when_slack_does_not_say_who_it_means_the_rest_still_comes(site: Site, channel: str) -> None:
    people = [site.slack.add_person(f"p{number}", f"p{number}@example.com") for number in range(4)]
    bad = people[2]
    for users in (",".join(people), f"{bad},{people[3]}", bad):
        site.fail("conversations.invite", "refuse", error="user_is_restricted", match={"users": users})
    invited = site.chat.invite(channel, people)
    assert invited.refused == {bad: "is a guest who may not be in this channel"}
    assert len(site.slack.channel(channel).members) == 4


def test_a_whole_call_about_one_who_is_there_is_fine(site: Site, channel: str) -> None:
    site.fail("conversations.invite", "refuse", error="already_in_channel")
    assert site.chat.invite(channel, ["U0ANA"]).joined == ("U0ANA",)


def test_an_invitation_into_a_closed_channel_gives_up(site: Site, channel: str) -> None:
    site.fail("conversations.invite", "refuse", error="is_archived")
    with pytest.raises(GiveUp, match=r"the channel is archived \(is_archived\)"):
        site.chat.invite(channel, ["U0ANA", "U0BO"])


def test_a_person_is_found_by_email(site: Site) -> None:
    ana = site.slack.add_person("Ana Lima", "ana@example.com")
    found = site.chat.find_person("Ana@Example.com")
    assert found is not None
    assert (found.id, found.name, found.active) == (ana, "Ana Lima", True)
    assert site.chat.find_person("nobody@example.com") is None


def test_a_deactivated_person_is_not_active() -> None:
    answer = b'{"ok": true, "user": {"id": "U1", "name": "gone", "deleted": true, "profile": {}}}'
    with answering(answer) as url:
        found = SlackChat(TOKEN, api_url=url).find_person("gone@example.com")
    assert found is not None
    assert (found.name, found.active) == ("gone", False)


def test_a_refused_look_up_is_not_an_unknown_person(site: Site) -> None:
    site.fail("users.lookupByEmail", "refuse", error="no_permission")
    with pytest.raises(GiveUp, match="the bot has no permission"):
        site.chat.find_person("ana@example.com")


def test_one_person_whom_the_organisation_hides_is_nobody(site: Site) -> None:
    site.fail("users.lookupByEmail", "refuse", error="enterprise_is_restricted")
    assert site.chat.find_person("ana@example.com") is None


def test_a_group_is_named_by_handle_or_id(site: Site) -> None:
    ana = site.slack.add_person("Ana", "ana@example.com")
    group = site.slack.add_group("payments", [ana])
    for name in ("payments", "@payments", group):
        assert site.chat.group_members(name) == (ana,)
    assert site.chat.group_handle(group) == "payments"
    assert site.chat.group_handle("S0NOSUCH") is None
    assert len(site.calls("usergroups.list")) == 1


def test_group_handles_are_remembered_for_ten_minutes_and_misses_for_one(site: Site) -> None:
    site.slack.add_group("payments", [])
    for minutes, lists in ((0, 1), (9, 1), (11, 2), (20, 2)):
        site.ticks = minutes * 60.0
        site.chat.group_members("payments")
        assert len(site.calls("usergroups.list")) == lists
    site.ticks += 30 * 60.0
    for seconds, lists in ((0, 3), (59, 3), (2, 4)):
        site.ticks += seconds
        with pytest.raises(GiveUp, match="there is no user group @gone"):
            site.chat.group_members("gone")
        assert len(site.calls("usergroups.list")) == lists


def test_an_unknown_group_id_gives_up(site: Site) -> None:
    with pytest.raises(GiveUp, match="there is no such user group"):
        site.chat.group_members("S0NOSUCH")


# Messages


def test_a_message_is_said_quietly_and_can_be_found_again(site: Site, channel: str) -> None:
    posted = site.chat.post(channel, HELLO, MARKER)
    (call,) = site.calls("chat.postMessage")
    assert call["text"] == "Ana leads now."
    assert call["blocks"][0]["type"] == "context"
    assert call["metadata"] == {
        "event_type": "multivac_change_line",
        "event_payload": {"incident": 42, "kind": "change line"},
    }
    assert (call["unfurl_links"], call["unfurl_media"], call["link_names"]) == (False, False, False)
    assert call["parse"] == "none"
    assert site.chat.find_message(channel, MARKER, since=NOON) == posted


def test_a_whisper_is_shown_to_one_person_who_is_there(site: Site, channel: str) -> None:
    ana, bo = (site.slack.add_person(name, f"{name}@example.com") for name in ("Ana", "Bo"))
    site.chat.invite(channel, [ana])
    assert site.chat.whisper(channel, ana, HELLO)
    assert not site.chat.whisper(channel, bo, HELLO)
    assert [each["to"] for each in site.slack.channel(channel).ephemerals] == [ana]


def test_a_message_to_a_name_tells_the_id(site: Site) -> None:
    incidents = site.slack.add_channel("incidents", [BOT])
    posted = site.chat.post("#incidents", HELLO, MARKER)
    assert posted.channel == incidents
    assert site.chat.find_message("#incidents", MARKER, since=NOON) == posted


def test_a_name_of_a_channel_without_us_gives_up(site: Site) -> None:
    with pytest.raises(GiveUp, match="the bot is not in #elsewhere") as why:
        site.chat.find_message("#elsewhere", MARKER, since=NOON)
    assert why.value.fix == "Invite the bot into #elsewhere."


def test_other_messages_are_not_taken_for_ours(site: Site, channel: str) -> None:
    ana = site.slack.add_person("Ana", "ana@example.com")
    hers = site.slack.token(user=ana)
    site.slack.person_joins(channel, ana)
    site.another(hers).post(channel, HELLO, MARKER)  # the marker may be copied by another app
    site.chat.post(channel, HELLO, Marker(incident=42, kind="headline"))
    site.chat.post(channel, HELLO, Marker(incident=43, kind="change line"))
    assert site.chat.find_message(channel, MARKER, since=NOON) is None


def test_a_message_from_before_is_not_found(site: Site, channel: str) -> None:
    site.chat.post(channel, HELLO, MARKER)
    assert site.chat.find_message(channel, MARKER, since=NOON + timedelta(seconds=1)) is not None
    assert site.chat.find_message(channel, MARKER, since=NOON + timedelta(seconds=5)) is None


def test_a_message_is_looked_for_a_thousand_messages_back(site: Site, channel: str) -> None:
    site.slack.add_person("Ana", "ana@example.com")
    posted = site.chat.post(channel, HELLO, MARKER)
    for _ in range(999):
        site.slack.person_says(channel, "Ana", "x")
    assert site.chat.find_message(channel, MARKER, since=NOON) == posted
    assert len(site.calls("conversations.history")) == 5
    site.slack.person_says(channel, "Ana", "x")
    assert site.chat.find_message(channel, MARKER, since=NOON) is None


def test_a_message_is_redrawn_with_its_marker(site: Site, channel: str) -> None:
    posted = site.chat.post(channel, HELLO, MARKER)
    site.chat.edit(posted, ChangeLine(text="Bo leads now."), MARKER)
    assert site.slack.channel(channel).shows("Bo leads now.")
    assert not site.slack.channel(channel).shows("Ana leads now.")
    assert site.chat.find_message(channel, MARKER, since=NOON) == posted


@pytest.mark.parametrize(
    ("error", "why"),
    [
        ("message_not_found", "the message is gone (message_not_found)"),
        (
            "edit_window_closed",
            "the workspace does not let messages of this age be edited (edit_window_closed)",
        ),
    ],
)
def test_a_message_that_cannot_be_redrawn_gives_up(site: Site, channel: str, error: str, why: str) -> None:
    posted = site.chat.post(channel, HELLO, MARKER)
    site.fail("chat.update", "refuse", error=error)
    with pytest.raises(GiveUp) as given_up:
        site.chat.edit(posted, HELLO, MARKER)
    assert given_up.value.why == why
    assert given_up.value.fix


def test_a_pinned_message_may_be_pinned_again(site: Site, channel: str) -> None:
    posted = site.chat.post(channel, HELLO, MARKER)
    site.chat.pin(posted)
    site.chat.pin(posted)
    assert site.slack.channel(channel).pins == (posted.message,)
    with pytest.raises(GiveUp, match="message_not_found"):
        site.chat.pin(Posted(channel, "1795348800.999999"))


def test_a_bookmark_is_added_once_when_looked_for(site: Site, channel: str) -> None:
    url = "https://multivac.example/incidents/42?a=1&b=2"
    site.chat.bookmark(channel, "Console & more", url, look_first=False)
    assert not site.calls("bookmarks.list")
    site.chat.bookmark(channel, "Console", url, look_first=True)
    site.chat.bookmark(channel, "Elsewhere", "https://multivac.example/", look_first=True)
    kept = site.slack.channel(channel).bookmarks
    assert [(each["title"], each["link"]) for each in kept] == [
        ("Console &amp; more", url),
        ("Elsewhere", "https://multivac.example/"),
    ]


def test_only_people_count_as_having_spoken(site: Site, channel: str) -> None:
    ana = site.slack.add_person("Ana", "ana@example.com")
    site.chat.post(channel, HELLO, MARKER)
    site.chat.set_topic(channel, "SEV1")
    site.chat.invite(channel, [ana])
    assert not site.chat.people_spoke(channel)
    site.slack.person_says(channel, ana, "looking")
    assert site.chat.people_spoke(channel)


@pytest.mark.parametrize(
    ("message", "human"),
    [
        ('{"user": "U1"}', True),
        ('{"user": "U1", "subtype": "file_share"}', True),
        ('{"user": "U0MULTIVAC", "bot_id": "B1", "reply_users": ["U0MULTIVAC", "U1"]}', True),
        ('{"user": "U0MULTIVAC", "bot_id": "B1", "reply_users": ["U0MULTIVAC"]}', False),
        ('{"user": "U2", "bot_id": "B2"}', False),
        ('{"user": "U1", "subtype": "channel_join"}', False),
        ('{"user": "USLACKBOT"}', False),
        ("{}", False),
    ],
)
def test_who_counts_as_a_human(message: str, human: bool) -> None:
    # One answer for both calls: who we are, and the history.
    answer = f'{{"ok": true, "user_id": "U0MULTIVAC", "messages": [{message}]}}'
    with answering(answer.encode()) as url:
        assert SlackChat(TOKEN, api_url=url).people_spoke("C1") is human
