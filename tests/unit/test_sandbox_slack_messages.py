"""The Slack stand-in keeps Slack's rules on messages, pins, bookmarks and reactions."""

from functools import partial
from typing import Any

import pytest

from tests.unit.office import SECTION, Office, refused, why

pytest_plugins = ["tests.unit.office_fixtures"]


def test_a_message_goes_to_an_id_a_name_or_a_person(office: Office) -> None:
    channel, ana = office.open(), office.user("Ana Silva")
    for where in (channel, "inc-1", "#inc-1"):
        assert office.web.chat_postMessage(channel=where, text="hello")["channel"] == channel
    office.post(ana, "in private")
    assert office.slack.direct("Ana Silva").shows("in private")
    assert why(office.post, "#nowhere") == "channel_not_found"


def test_other_methods_take_ids_only(office: Office) -> None:
    office.open()
    assert why(office.web.conversations_info, channel="inc-1") == "channel_not_found"


def test_timestamps_are_unique_and_grow_within_a_channel(office: Office) -> None:
    channel = office.open()
    stamps = [office.post(channel) for _ in range(5)]
    assert stamps == sorted(set(stamps))
    assert all(len(ts.split(".")[1]) == 6 for ts in stamps)


def test_posting_where_the_bot_is_not_needs_a_scope_of_its_own(office: Office) -> None:
    web = office.client(office.slack.token(["chat:write"]))
    general = office.slack.channel("general").id
    assert why(web.chat_postMessage, channel=general, text="x") == "not_in_channel"
    assert office.post(general)


@pytest.mark.parametrize("length", [40_000, 40_001, 60_000])
def test_a_posted_text_is_cut_at_40_000_characters(office: Office, length: int) -> None:
    answer = office.web.chat_postMessage(channel=office.open(), text="x" * length)
    assert len(answer["message"]["text"]) == 40_000


def test_a_message_needs_something_to_say(office: Office) -> None:
    channel = office.open()
    assert why(office.web.api_call, "chat.postMessage", json={"channel": channel}) == "no_text"
    both = {"channel": channel, "text": "x", "markdown_text": "x"}
    assert why(office.web.api_call, "chat.postMessage", json=both) == "markdown_text_conflict"


def test_blocks_get_ids_and_come_back(office: Office) -> None:
    answer = office.web.chat_postMessage(channel=office.open(), text="x", blocks=[SECTION])
    [block] = answer["message"]["blocks"]
    assert block["text"] == SECTION["text"]
    assert block["block_id"]


@pytest.mark.parametrize(
    ("blocks", "finding"),
    [
        ([SECTION] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}], "less than 3001 characters"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "less than 151 characters"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type: mrkdwn"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        ([{"type": "section", "fields": [SECTION["text"]] * 11}], "no more than 10 items allowed"),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
            "less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        ([{"type": "context", "elements": [SECTION["text"]] * 11}], "no more than 10 items allowed"),
        ([{"type": "actions", "elements": []}], "no fewer than 1 items required"),
        ([{**SECTION, "block_id": "a"}, {**SECTION, "block_id": "a"}], "`block_id` already exists"),
        ([{"type": "dance"}], "unsupported type: dance"),
    ],
)
def test_blocks_beyond_slacks_limits_are_refused_with_the_place(
    office: Office, blocks: list[dict[str, Any]], finding: str
) -> None:
    channel = office.open()
    said = refused(office.web.chat_postMessage, channel=channel, text="x", blocks=blocks)
    assert said["error"] == "invalid_blocks"
    assert any(finding in message for message in said["response_metadata"]["messages"])


def test_buttons_have_limits_of_their_own(office: Office) -> None:
    channel = office.open()
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}}

    def finding(*elements: dict[str, Any]) -> str:
        blocks = [{"type": "actions", "elements": list(elements)}]
        said = refused(office.web.chat_postMessage, channel=channel, text="x", blocks=blocks)
        return str(said["response_metadata"]["messages"][0])

    assert "no more than 25 items" in finding(*[{**button, "action_id": f"a{n}"} for n in range(26)])
    assert "less than 76" in finding({**button, "text": {"type": "plain_text", "text": "x" * 76}})
    assert "less than 2001" in finding({**button, "value": "x" * 2001})
    assert "`action_id` already exists" in finding(button, button)


def test_blocks_too_long_together_or_no_json_are_refused(office: Office) -> None:
    channel = office.open()
    long = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}] * 5
    assert why(office.web.chat_postMessage, channel=channel, text="x", blocks=long) == "msg_blocks_too_long"
    broken = {"channel": channel, "blocks": "[{", "text": "x"}
    assert why(office.web.api_call, "chat.postMessage", data=broken) == "invalid_blocks_format"


def test_metadata_is_kept_and_shown_only_when_asked_for(office: Office) -> None:
    channel = office.open()
    metadata = {"event_type": "multivac.headline", "event_payload": {"incident": 1}}
    office.post(channel, metadata=metadata)
    assert "metadata" not in office.web.conversations_history(channel=channel)["messages"][0]
    full = office.web.conversations_history(channel=channel, include_all_metadata=True)
    assert full["messages"][0]["metadata"] == metadata


def test_metadata_of_another_shape_is_refused(office: Office) -> None:
    channel = office.open()
    bad: dict[str, Any] = {"event_payload": {}}
    assert why(office.post, channel, metadata=bad) == "invalid_metadata_schema"
    broken = {"channel": channel, "text": "x", "metadata": "{"}
    assert why(office.web.api_call, "chat.postMessage", data=broken) == "invalid_metadata_format"


def test_an_update_keeps_what_it_does_not_mention(office: Office) -> None:
    channel = office.open()
    metadata = {"event_type": "kind", "event_payload": {}}
    ts = office.post(channel, blocks=[SECTION], metadata=metadata)
    changed = office.web.chat_update(channel=channel, ts=ts, text="new")
    assert changed["text"] == "new"
    [message] = office.slack.channel("inc-1").by("U0MULTIVAC")
    assert message["ts"] == ts
    assert message["blocks"][0]["text"] == SECTION["text"]
    assert message["metadata"] == metadata
    assert message["edited"]["user"] == "U0MULTIVAC"


def test_an_update_is_limited_to_4_000_characters(office: Office) -> None:
    channel = office.open()
    ts = office.post(channel)
    assert why(office.web.chat_update, channel=channel, ts=ts, text="x" * 4001) == "msg_too_long"


def test_only_ones_own_messages_can_be_changed_or_deleted(office: Office) -> None:
    incidents = office.slack.channel("incidents").id
    ts = office.slack.person_says("incidents", "Ana Silva", "mine")
    own = office.post(incidents)
    change, delete = office.web.chat_update, office.web.chat_delete
    assert why(change, channel=incidents, ts=ts, text="x") == "cant_update_message"
    assert why(delete, channel=incidents, ts=ts) == "cant_delete_message"
    assert delete(channel=incidents, ts=own)["ts"] == own
    assert why(change, channel=incidents, ts=own, text="x") == "message_not_found"


def test_an_ephemeral_message_is_for_one_member_and_cannot_be_read_back(office: Office) -> None:
    channel, ana = office.open(), office.user("Ana Silva")
    whisper = partial(office.web.chat_postEphemeral, channel=channel, user=ana, text="psst")
    assert why(whisper) == "user_not_in_channel"
    office.web.conversations_invite(channel=channel, users=ana)
    ts = whisper()["message_ts"]
    assert [m["to"] for m in office.slack.channel("inc-1").ephemerals] == [ana]
    history = office.web.conversations_history(channel=channel)["messages"]
    assert ts not in {m["ts"] for m in history}
    assert why(office.web.chat_update, channel=channel, ts=ts, text="x") == "message_not_found"


def test_threads_count_their_answers_and_stay_out_of_the_channel(office: Office) -> None:
    channel = office.open()
    head = office.post(channel, "question")
    first = office.post(channel, "answer", thread_ts=head)
    office.post(channel, "to a reply", thread_ts=first)
    office.post(channel, "aloud", thread_ts=head, reply_broadcast=True)
    thread = office.web.conversations_replies(channel=channel, ts=head)["messages"]
    assert [m["text"] for m in thread] == ["question", "answer", "to a reply", "aloud"]
    assert thread[0]["reply_count"] == 3
    history = office.web.conversations_history(channel=channel)["messages"]
    assert [m["text"] for m in history if "bot_id" in m] == ["aloud", "question"]


def test_a_thread_that_does_not_exist_puts_the_answer_on_top(office: Office) -> None:
    channel = office.open()
    answer = office.web.chat_postMessage(channel=channel, text="x", thread_ts="1111111111.111111")
    assert "thread_ts" not in answer["message"]
    assert why(office.post, channel, thread_ts="yesterday") == "invalid_thread_ts"
    missing = partial(office.web.conversations_replies, channel=channel, ts="1111111111.111111")
    assert why(missing) == "thread_not_found"


def test_history_is_newest_first_within_bounds_and_in_pages(office: Office) -> None:
    channel = office.open()
    stamps = [office.post(channel, str(n)) for n in range(4)]
    bounded = office.web.conversations_history(channel=channel, oldest=stamps[0], latest=stamps[3])
    assert [m["text"] for m in bounded["messages"]] == ["2", "1"]
    inclusive = office.web.conversations_history(channel=channel, oldest=stamps[2], inclusive=True)
    assert [m["text"] for m in inclusive["messages"]] == ["3", "2"]
    page = office.web.conversations_history(channel=channel, limit=3)
    assert page["has_more"]
    cursor = page["response_metadata"]["next_cursor"]
    rest = office.web.conversations_history(channel=channel, limit=3, cursor=cursor)
    assert not rest["has_more"]
    assert why(office.web.conversations_history, channel=channel, oldest="x") == "invalid_ts_oldest"


def test_history_is_for_members(office: Office) -> None:
    general = office.slack.channel("general").id
    assert why(office.web.conversations_history, channel=general) == "not_in_channel"


def test_a_permalink_names_channel_and_message(office: Office) -> None:
    channel = office.open()
    ts = office.post(channel)
    link = office.web.chat_getPermalink(channel=channel, message_ts=ts)["permalink"]
    assert str(link).endswith(f"/archives/{channel}/p{ts.replace('.', '')}")


def test_a_message_is_pinned_once(office: Office) -> None:
    channel = office.open()
    ts = office.post(channel)
    office.web.pins_add(channel=channel, timestamp=ts)
    assert why(office.web.pins_add, channel=channel, timestamp=ts) == "already_pinned"
    [item] = office.web.pins_list(channel=channel)["items"]
    assert item["message"]["ts"] == ts
    office.web.pins_remove(channel=channel, timestamp=ts)
    assert why(office.web.pins_remove, channel=channel, timestamp=ts) == "not_pinned"
    assert why(office.web.pins_add, channel=channel, timestamp="1.1") == "message_not_found"
    assert why(office.web.pins_add, channel=channel) == "no_item_specified"


def test_bookmarks_are_links_which_can_be_changed_and_removed(office: Office) -> None:
    channel = office.open()
    add = partial(office.web.bookmarks_add, channel_id=channel, title="Jira", type="link")
    assert why(add, link="ftp://example.com") == "invalid_link"
    mark = add(link="https://example.com/1")["bookmark"]["id"]
    office.web.bookmarks_edit(channel_id=channel, bookmark_id=mark, title="OPS-1")
    [listed] = office.web.bookmarks_list(channel_id=channel)["bookmarks"]
    assert (listed["title"], listed["link"]) == ("OPS-1", "https://example.com/1")
    office.web.bookmarks_remove(channel_id=channel, bookmark_id=mark)
    assert office.slack.channel("inc-1").bookmarks == ()


def test_a_reaction_is_added_once_per_person(office: Office) -> None:
    channel = office.open()
    ts = office.post(channel)
    react = partial(office.web.reactions_add, channel=channel, timestamp=ts, name="eyes")
    react()
    assert why(react) == "already_reacted"
    office.slack.person_reacts("inc-1", "Ana Silva", ts=ts, name="eyes")
    message = office.web.reactions_get(channel=channel, timestamp=ts)["message"]
    assert message["reactions"][0]["count"] == 2
