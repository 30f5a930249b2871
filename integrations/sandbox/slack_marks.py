"""What is put on a channel and its messages: Slack's pins.*, bookmarks.* and reactions.* methods."""

import re
from typing import Any

from integrations.sandbox.slack_channels import Body, Method, inside
from integrations.sandbox.slack_messages import found
from integrations.sandbox.slack_rules import MOST_BOOKMARKS, MOST_PINS, Ask, Refusal
from integrations.sandbox.slack_state import Channel, Message, Workspace

Bookmark = dict[str, Any]
_EMOJI = re.compile(r"[\w+'-]+")


def add_pin(space: Workspace, ask: Ask) -> Body:
    """Pin a message; Slack says so in the channel."""
    pin(space, *_item(space, ask), user=ask.me)
    return {}


def remove_pin(space: Workspace, ask: Ask) -> Body:
    """Take a pin off."""
    unpin(space, *_item(space, ask), user=ask.me)
    return {}


def list_pins(space: Workspace, ask: Ask) -> Body:
    """Give what is pinned, the latest first."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    items = []
    for ts, pin in reversed(channel.pins.items()):
        message = {**channel.messages[ts], "pinned_to": [channel.id]}
        message["permalink"] = space.permalink(channel, ts)
        message.pop("metadata", None)
        items.append({"type": "message", "channel": channel.id, "message": message, **pin})
    return {"items": items}


def add_bookmark(space: Workspace, ask: Ask) -> Body:
    """Put a link into a channel's bar."""
    channel = inside(space, _by_channel_id(ask))
    if ask.need("type") != "link":
        raise Refusal("invalid_bookmark_type")
    if len(channel.bookmarks) >= MOST_BOOKMARKS:
        raise Refusal("too_many_bookmarks")
    bookmark: Bookmark = {
        "id": space.new_id("Bk"),
        "channel_id": channel.id,
        "title": ask.need("title"),
        "link": _link(ask),
        "emoji": ask.text("emoji"),
        "icon_url": "",
        "type": "link",
        "entity_id": None,
        "date_created": space.seconds(),
        "date_updated": 0,
        "rank": f"r{len(channel.bookmarks):03d}",
        "last_updated_by_user_id": ask.me,
        "last_updated_by_team_id": space.team_id,
        "shortcut_id": None,
        "app_id": None,
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


def edit_bookmark(space: Workspace, ask: Ask) -> Body:
    """Change a bookmark's title, link or emoji."""
    channel = inside(space, _by_channel_id(ask))
    bookmark = _bookmark(channel, ask)
    if ask.text("link"):
        bookmark["link"] = _link(ask)
    for name in ("title", "emoji"):
        if ask.text(name):
            bookmark[name] = ask.text(name)
    bookmark["date_updated"], bookmark["last_updated_by_user_id"] = space.seconds(), ask.me
    return {"bookmark": bookmark}


def list_bookmarks(space: Workspace, ask: Ask) -> Body:
    """Give a channel's bookmarks in order."""
    return {"bookmarks": space.channel_for(ask.me, ask.need("channel_id")).bookmarks}


def remove_bookmark(space: Workspace, ask: Ask) -> Body:
    """Take a bookmark away."""
    channel = inside(space, _by_channel_id(ask))
    channel.bookmarks.remove(_bookmark(channel, ask))
    return {}


def add_reaction(space: Workspace, ask: Ask) -> Body:
    """React to a message with an emoji's name."""
    name = ask.need("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise Refusal("invalid_name")
    channel, message = _item(space, ask)
    react(space, channel, message, user=ask.me, name=name)
    return {}


def remove_reaction(space: Workspace, ask: Ask) -> Body:
    """Take one's reaction back."""
    channel, message = _item(space, ask)
    unreact(space, channel, message, user=ask.me, name=ask.need("name").strip(":"))
    return {}


def get_reactions(space: Workspace, ask: Ask) -> Body:
    """Give a message with its reactions."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    if not ask.text("timestamp"):
        raise Refusal("no_item_specified")
    message = {**found(channel, ask.text("timestamp"))}
    message.pop("metadata", None)
    message["permalink"] = space.permalink(channel, message["ts"])
    return {"type": "message", "message": message, "channel": channel.id}


METHODS: dict[str, Method] = {
    "bookmarks.add": add_bookmark,
    "bookmarks.edit": edit_bookmark,
    "bookmarks.list": list_bookmarks,
    "bookmarks.remove": remove_bookmark,
    "pins.add": add_pin,
    "pins.list": list_pins,
    "pins.remove": remove_pin,
    "reactions.add": add_reaction,
    "reactions.get": get_reactions,
    "reactions.remove": remove_reaction,
}


def pin(space: Workspace, channel: Channel, message: Message, *, user: str) -> None:
    """Pin a message, with Slack's line and the event."""
    if message["ts"] in channel.pins:
        raise Refusal("already_pinned")
    if len(channel.pins) >= MOST_PINS:
        raise Refusal("too_many_pins")
    channel.pins[message["ts"]] = {"created": space.seconds(), "created_by": user}
    line = f"<@{user}> pinned a message to this channel."
    space.system(channel, "pinned_item", user=user, text=line, item_type="C")
    _tell_pin(space, user, channel, message=message, event={"type": "pin_added"})


def unpin(space: Workspace, channel: Channel, message: Message, *, user: str) -> None:
    """Take a message's pin off and tell the app."""
    if channel.pins.pop(message["ts"], None) is None:
        raise Refusal("not_pinned")
    event = {"type": "pin_removed", "has_pins": bool(channel.pins)}
    _tell_pin(space, user, channel, message=message, event=event)


def react(space: Workspace, channel: Channel, message: Message, *, user: str, name: str) -> None:
    """Add somebody's reaction, once, and tell the app."""
    reactions = message.setdefault("reactions", [])
    entry = next((each for each in reactions if each["name"] == name), None)
    if entry is None:
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    if user in entry["users"]:
        raise Refusal("already_reacted")
    entry["users"].append(user)
    entry["count"] += 1
    _tell_reaction(space, channel, message, event={"type": "reaction_added", "user": user, "reaction": name})


def unreact(space: Workspace, channel: Channel, message: Message, *, user: str, name: str) -> None:
    """Take somebody's reaction away and tell the app."""
    reactions = message.get("reactions", [])
    entry = next((each for each in reactions if each["name"] == name and user in each["users"]), None)
    if entry is None:
        raise Refusal("no_reaction")
    entry["users"].remove(user)
    entry["count"] -= 1
    message["reactions"] = [each for each in reactions if each["count"]]
    _tell_reaction(
        space, channel, message, event={"type": "reaction_removed", "user": user, "reaction": name}
    )


def _item(space: Workspace, ask: Ask) -> tuple[Channel, Message]:
    channel = inside(space, ask) if _is_named(space, ask) else _direct(space, ask)
    if not ask.text("timestamp"):
        raise Refusal("no_item_specified")
    if not re.fullmatch(r"\d+\.\d+", ask.text("timestamp")):
        raise Refusal("bad_timestamp")
    return channel, found(channel, ask.text("timestamp"))


def _is_named(space: Workspace, ask: Ask) -> bool:
    channel = space.channels.get(ask.need("channel"))
    return channel is None or channel.kind in {"public", "private"}


def _direct(space: Workspace, ask: Ask) -> Channel:
    return space.channel_for(ask.me, ask.need("channel"))


def _by_channel_id(ask: Ask) -> Ask:
    """Bookmarks call `channel_id` what all others call `channel`."""
    return Ask(ask.method, ask.token, {**ask.fields, "channel": ask.need("channel_id")})


def _link(ask: Ask) -> str:
    link = ask.text("link")
    if not link.startswith(("http://", "https://")):
        raise Refusal("invalid_link")
    return link


def _bookmark(channel: Channel, ask: Ask) -> Bookmark:
    wanted = ask.need("bookmark_id")
    for bookmark in channel.bookmarks:
        if bookmark["id"] == wanted:
            return bookmark
    raise Refusal("bookmark_not_found")


def _tell_pin(
    space: Workspace, me: str, channel: Channel, *, message: Message, event: dict[str, Any]
) -> None:
    about = {**message, "permalink": space.permalink(channel, message["ts"])}
    item = {"type": "message", "channel": channel.id, "message": about, "created": space.seconds()}
    item["created_by"] = me
    who = {"user": me, "channel_id": channel.id, "item": item, "item_user": message["user"]}
    space.emit(channel, {**event, **who, "event_ts": space.new_ts(channel)})


def _tell_reaction(space: Workspace, channel: Channel, message: Message, *, event: dict[str, Any]) -> None:
    item = {"type": "message", "channel": channel.id, "ts": message["ts"]}
    ts = space.new_ts(channel)
    space.emit(channel, {**event, "item": item, "item_user": message["user"], "event_ts": ts})
