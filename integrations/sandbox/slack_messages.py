"""Slack's chat.* methods, and reading messages: conversations.history and conversations.replies."""

import re
from typing import Any

from integrations.sandbox.slack_blocks import checked_blocks
from integrations.sandbox.slack_channels import Body, Method
from integrations.sandbox.slack_rules import (
    LONGEST_EDIT,
    LONGEST_MARKDOWN,
    LONGEST_TEXT,
    Ask,
    Refusal,
    checked_metadata,
)
from integrations.sandbox.slack_state import Channel, Message, Workspace

MOST_ATTACHMENTS = 100
_TS = re.compile(r"\d{10}\.\d{6}")
_BOUND = re.compile(r"\d+(\.\d+)?")


def post(space: Workspace, ask: Ask) -> Body:
    """Write a message into a channel (by id, name or #name) or into somebody's direct messages."""
    channel = _destination(space, ask)
    message = {**_author(space, ask.me), **_content(ask)}
    if metadata := checked_metadata(ask.structure("metadata", "invalid_metadata_format")):
        message["metadata"] = metadata
    parent = _thread(channel, ask.text("thread_ts"))
    if parent:
        message["thread_ts"] = parent["ts"]
        if ask.flag("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    stored = space.post(channel, message)
    if parent:
        count_replies(channel, parent)
    return {"channel": channel.id, "ts": stored["ts"], "message": dict(stored)}


def update(space: Workspace, ask: Ask) -> Body:
    """Change a message of one's own; what is not given (blocks, metadata) stays as it was."""
    channel, message = _own(space, ask, "cant_update_message")
    if channel.archived:
        raise Refusal("is_inactive")
    if len(ask.text("text")) > LONGEST_EDIT:
        raise Refusal("msg_too_long")
    changed = _content(ask, missing_ok="metadata" in ask.fields)
    before = dict(message)
    for name in ("text", "blocks", "attachments"):
        if name in ask.fields and ask.fields[name] is not None:
            message[name] = changed[name]
    if (metadata := ask.structure("metadata", "invalid_metadata_format")) is not None:
        message["metadata"] = checked_metadata(metadata)
    message["edited"] = {"user": ask.me, "ts": f"{space.seconds()}.000000"}
    tell_changed(space, channel, message, before=before)
    shown = dict(message)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": shown}


def delete(space: Workspace, ask: Ask) -> Body:
    """Take a message of one's own away, with its pin."""
    channel, message = _own(space, ask, "cant_delete_message")
    take_away(space, channel, message)
    return {"channel": channel.id, "ts": message["ts"]}


def post_ephemeral(space: Workspace, ask: Ask) -> Body:
    """Show something to one member of a channel; nobody can read it back."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    user = space.person(ask.need("user")).id
    if channel.archived:
        raise Refusal("is_archived")
    if ask.me not in channel.members:
        raise Refusal("not_in_channel")
    if user not in channel.members:
        raise Refusal("user_not_in_channel")
    ts = space.new_ts(channel)
    parent = _thread(channel, ask.text("thread_ts"))
    place = {"thread_ts": parent["ts"]} if parent else {}
    channel.ephemerals.append({**_author(space, ask.me), **_content(ask), **place, "to": user, "ts": ts})
    return {"message_ts": ts}


def permalink(space: Workspace, ask: Ask) -> Body:
    """Give a message's address."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    message = found(channel, ask.need("message_ts"))
    return {"channel": channel.id, "permalink": space.permalink(channel, message["ts"])}


def history(space: Workspace, ask: Ask) -> Body:
    """Read a channel, newest first; thread answers only where they were broadcast."""
    channel = _readable(space, ask)
    lines = [m for m in channel.messages.values() if _in_channel(m)]
    lines = [m for m in reversed(lines) if _between(ask, m["ts"])]
    page, cursor = ask.page(lines, most=999)
    body: Body = {
        "messages": [_read(channel, m, ask) for m in page],
        "has_more": bool(cursor),
        "pin_count": len(channel.pins),
    }
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body


def replies(space: Workspace, ask: Ask) -> Body:
    """Read a thread, oldest first, beginning with the message it hangs on."""
    channel = _readable(space, ask)
    parent = channel.messages.get(ask.need("ts"))
    if parent is None:
        raise Refusal("thread_not_found")
    head = channel.messages.get(str(parent.get("thread_ts")), parent)
    answers = [m for m in channel.replies(head["ts"]) if _between(ask, m["ts"])]
    page, cursor = ask.page([head, *answers], most=1000, usual=1000)
    body: Body = {"messages": [_read(channel, m, ask) for m in page], "has_more": bool(cursor)}
    if cursor:
        body["response_metadata"] = {"next_cursor": cursor}
    return body


METHODS: dict[str, Method] = {
    "chat.delete": delete,
    "chat.getPermalink": permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post,
    "chat.update": update,
    "conversations.history": history,
    "conversations.replies": replies,
}


def found(channel: Channel, ts: str) -> Message:
    """Give a message of a channel, or refuse."""
    if ts not in channel.messages:
        raise Refusal("message_not_found")
    return channel.messages[ts]


def direct(space: Workspace, me: str, user: str) -> Channel:
    """Give the direct conversation of two, opening it where there is none."""
    pair = {me, user}
    known = next((c for c in space.of_member(me) if c.kind == "im" and set(c.members) == pair), None)
    if known:
        return known
    channel = space.add_channel("", me, "im")
    channel.members = list(dict.fromkeys([me, user]))
    return channel


def take_away(space: Workspace, channel: Channel, message: Message) -> None:
    """Delete a message, with its pin, and tell the app."""
    ts = message["ts"]
    del channel.messages[ts]
    channel.pins.pop(ts, None)
    if parent := channel.messages.get(message.get("thread_ts", "")):
        count_replies(channel, parent)
    gone = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": ts}
    space.tell(channel, {**gone, "previous_message": message, "ts": space.new_ts(channel)})


def destination_id(space: Workspace, channel: str) -> str:
    """Give the id that a channel's name or #name stands for; anything else comes back as it is."""
    return space.names.get(channel.removeprefix("#"), channel)


def _destination(space: Workspace, ask: Ask) -> Channel:
    wanted = destination_id(space, ask.need("channel"))
    if wanted in space.people:
        channel = direct(space, ask.me, wanted)
        if space.people[wanted].deleted:
            raise Refusal("channel_not_found")
        return channel
    channel = space.channel_for(ask.me, wanted)
    if channel.archived:
        raise Refusal("is_archived")
    if ask.me not in channel.members and "chat:write.public" not in ask.token.scopes:
        raise Refusal("not_in_channel")
    return channel


def _author(space: Workspace, me: str) -> Message:
    person = space.people[me]
    if not person.bot_id:
        return {"user": me}
    profile = {"id": person.bot_id, "deleted": False, "name": person.real_name, "app_id": space.app_id}
    return {"user": me, "bot_id": person.bot_id, "app_id": space.app_id, "bot_profile": profile}


def _content(ask: Ask, *, missing_ok: bool = False) -> Message:
    """Read text, blocks and attachments, with Slack's limits."""
    blocks = ask.structure("blocks", "invalid_blocks_format")
    attachments = ask.structure("attachments", "invalid_attachments") or []
    text, markdown = ask.text("text"), ask.text("markdown_text")
    if markdown and (text or blocks):
        raise Refusal("markdown_text_conflict")
    if len(markdown) > LONGEST_MARKDOWN:
        raise Refusal("msg_too_long")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    if not (text or markdown or blocks or attachments or missing_ok):
        raise Refusal("no_text")
    content: Message = {"text": (text or markdown)[:LONGEST_TEXT]}
    if blocks is not None:
        content["blocks"] = checked_blocks(blocks)
    if attachments or "attachments" in ask.fields:
        content["attachments"] = attachments
    return content


def _thread(channel: Channel, thread_ts: str) -> Message | None:
    """Find the message to answer; Slack posts an answer to an unknown one on the top level."""
    if not thread_ts:
        return None
    if not _TS.fullmatch(thread_ts):
        raise Refusal("invalid_thread_ts")
    answered = channel.messages.get(thread_ts, {})
    return channel.messages.get(str(answered.get("thread_ts", thread_ts)))


def count_replies(channel: Channel, parent: Message) -> None:
    """Note at a message how many answers hang on it, from whom, and the latest."""
    answers = channel.replies(parent["ts"])
    if not answers:
        for name in ("thread_ts", "reply_count", "reply_users", "latest_reply"):
            parent.pop(name, None)
        return
    parent["thread_ts"] = parent["ts"]
    parent["reply_count"] = len(answers)
    parent["reply_users"] = list(dict.fromkeys(m["user"] for m in answers))
    parent["latest_reply"] = answers[-1]["ts"]


def _own(space: Workspace, ask: Ask, otherwise: str) -> tuple[Channel, Message]:
    channel = space.channel_for(ask.me, ask.need("channel"))
    message = found(channel, ask.need("ts"))
    if message["user"] != ask.me or message.get("subtype") not in (None, "thread_broadcast"):
        raise Refusal(otherwise)
    return channel, message


def tell_changed(space: Workspace, channel: Channel, message: Message, *, before: Message) -> None:
    """Tell the app that a message reads otherwise now."""
    event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": space.new_ts(channel)}
    space.tell(channel, {**event, "message": dict(message), "previous_message": before})


def _readable(space: Workspace, ask: Ask) -> Channel:
    channel = space.channel_for(ask.me, ask.need("channel"))
    if ask.me not in channel.members:
        raise Refusal("not_in_channel")
    for bound in ("oldest", "latest"):
        if ask.text(bound) and not _BOUND.fullmatch(ask.text(bound)):
            raise Refusal(f"invalid_ts_{bound}")
    return channel


def _in_channel(message: Message) -> bool:
    is_answer = message.get("thread_ts", message["ts"]) != message["ts"]
    return not is_answer or message.get("subtype") == "thread_broadcast"


def _between(ask: Ask, ts: str) -> bool:
    oldest, latest = _micros(ask.text("oldest") or "0"), _micros(ask.text("latest") or "9999999999")
    at = _micros(ts)
    return oldest <= at <= latest if ask.flag("inclusive") else oldest < at < latest


def _micros(ts: str) -> int:
    whole, _, rest = ts.partition(".")
    return int(whole) * 1_000_000 + int(rest[:6].ljust(6, "0"))


def _read(channel: Channel, message: Message, ask: Ask) -> dict[str, Any]:
    """Give a message as its readers see it; metadata only where the call asks for it."""
    shown = dict(message)
    if not ask.flag("include_all_metadata"):
        shown.pop("metadata", None)
    if message["ts"] in channel.pins:
        shown["pinned_to"] = [channel.id]
    return shown
