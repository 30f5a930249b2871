"""Slack's conversations.* methods, except for reading messages."""

from collections.abc import Callable
from typing import Any

from integrations.sandbox.slack_rules import KINDS, LONGEST_TOPIC, MOST_INVITED, Ask, Refusal, checked_name
from integrations.sandbox.slack_state import Channel, Told, Workspace

Body = dict[str, Any]
Method = Callable[[Workspace, Ask], Body]
# users.conversations answers with less than conversations.list does; membership is its very question.
_NOT_IN_OWN_LIST = (
    "is_member",
    "context_team_id",
    "updated",
    "shared_team_ids",
    "pending_connected_team_ids",
)


def create(space: Workspace, ask: Ask) -> Body:
    """Open a channel; the caller is its creator and first member."""
    name = checked_name(ask.text("name"))
    _free(space, name)
    channel = space.add_channel(name, ask.me, "private" if ask.flag("is_private") else "public")
    if channel.kind == "public":
        about = {"id": channel.id, "name": name, "created": channel.created, "creator": ask.me}
        space.emit(None, {"type": "channel_created", "channel": about})
    space.system(channel, "channel_join", user=ask.me, text=f"<@{ask.me}> has joined the channel")
    return _shown(space, ask, channel)


def rename(space: Workspace, ask: Ask) -> Body:
    """Give a channel another name; the old one stays in `previous_names`."""
    channel = inside(space, ask)
    give_name(space, channel, ask.text("name"), user=ask.me)
    return _shown(space, ask, channel)


def invite(space: Workspace, ask: Ask) -> Body:
    """Add people. One who cannot be added stops all, unless `force`: then the others are added."""
    channel = inside(space, ask)
    users = ask.names("users")
    if not users:
        raise Refusal("no_user")
    if len(users) > MOST_INVITED:
        raise Refusal("too_many_users")
    errors = [
        {"user": user, "ok": False, "error": why}
        for user in users
        if (why := _why_not(space, channel, me=ask.me, user=user))
    ]
    refused = {each["user"] for each in errors}
    wanted = [user for user in dict.fromkeys(users) if user not in refused]
    # With `force` a call that could add nobody still fails, with everybody's reason.
    if errors and not (ask.flag("force") and wanted):
        raise Refusal(str(errors[0]["error"]), errors=errors)
    for user in wanted:
        admit(space, channel, user, inviter=ask.me)
    shown = _shown(space, ask, channel)
    return {**shown, "errors": errors} if errors else shown


def kick(space: Workspace, ask: Ask) -> Body:
    """Remove somebody else from a channel."""
    channel = inside(space, ask)
    user = space.person(ask.need("user")).id
    if user == ask.me:
        raise Refusal("cant_kick_self")
    if channel.name == "general":
        raise Refusal("cant_kick_from_general")
    if user not in channel.members:
        raise Refusal("not_in_channel")
    dismiss(space, channel, user)
    return {"errors": {}}


def join(space: Workspace, ask: Ask) -> Body:
    """Enter a public channel; being in it already is a warning."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    if channel.kind != "public":
        raise Refusal("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refusal("is_archived")
    if ask.me in channel.members:
        warning = "already_in_channel"
        return {
            **_shown(space, ask, channel),
            "warning": warning,
            "response_metadata": {"warnings": [warning]},
        }
    admit(space, channel, ask.me)
    return _shown(space, ask, channel)


def leave(space: Workspace, ask: Ask) -> Body:
    """Leave a channel; not being in it is no error."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    if channel.name == "general":
        raise Refusal("cant_leave_general")
    if channel.archived:
        raise Refusal("is_archived")
    if ask.me not in channel.members:
        return {"not_in_channel": True}
    dismiss(space, channel, ask.me)
    return {}


def open_direct(space: Workspace, ask: Ask) -> Body:
    """Open the conversation with one person or up to eight, or find the one there is."""
    if known := ask.text("channel"):
        return {"channel": {"id": space.channel_for(ask.me, known).id}}
    users = ask.names("users")
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > 8:
        raise Refusal("too_many_users")
    if any(space.person(user).deleted for user in users):
        raise Refusal("user_disabled")
    kind = "im" if len(users) == 1 else "mpim"
    members = {ask.me, *users}
    found = next((c for c in space.of_member(ask.me) if c.kind == kind and set(c.members) == members), None)
    channel = found or space.add_channel("" if kind == "im" else _group_name(space, users), ask.me, kind)
    channel.members = list(dict.fromkeys([ask.me, *users]))
    answer: Body = {"channel": {"id": channel.id}}
    if ask.flag("return_im"):
        answer["channel"] = channel.as_json(space.team_id, ask.me)
    return {**answer, "no_op": True, "already_open": True} if found else answer


def set_topic(space: Workspace, ask: Ask) -> Body:
    """Set the topic; Slack says so in the channel when it is another one."""
    channel = inside(space, ask)
    topic = _told(space, ask, "topic")
    if topic.value != channel.topic.value:
        channel.topic = topic
        line = f"<@{ask.me}> set the channel topic: {topic.value}"
        space.system(channel, "channel_topic", user=ask.me, text=line, topic=topic.value)
    return _shown(space, ask, channel)


def set_purpose(space: Workspace, ask: Ask) -> Body:
    """Set the purpose; Slack says so in the channel when it is another one."""
    channel = inside(space, ask)
    purpose = _told(space, ask, "purpose")
    if purpose.value != channel.purpose.value:
        channel.purpose = purpose
        line = f"<@{ask.me}> set the channel description: {purpose.value}"
        space.system(channel, "channel_purpose", user=ask.me, text=line, purpose=purpose.value)
    return _shown(space, ask, channel)


def archive(space: Workspace, ask: Ask) -> Body:
    """Close a channel for writing; its name stays taken."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    _named(channel)
    if channel.archived:
        raise Refusal("already_archived")
    if channel.name == "general":
        raise Refusal("cant_archive_general")
    if ask.me not in channel.members:
        raise Refusal("not_in_channel")
    close_channel(space, channel, ask.me)
    return {}


def unarchive(space: Workspace, ask: Ask) -> Body:
    """Open an archived channel again, which no bot can.

    "Bug alert" of https://docs.slack.dev/reference/methods/conversations.unarchive; slack-go/slack#1066
    has the error.
    """
    channel = space.channel_for(ask.me, ask.need("channel"))
    if channel.archived and ask.me == space.bot.id:
        raise Refusal("not_in_channel")
    open_again(space, channel, ask.me)
    return {}


def info(space: Workspace, ask: Ask) -> Body:
    """Describe one conversation."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    shown = channel.as_json(space.team_id, ask.me)
    if ask.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def list_all(space: Workspace, ask: Ask) -> Body:
    """Go through the conversations the caller may know of, page by page."""
    kinds = kinds_asked(ask)
    seen = [c for c in space.channels.values() if c.kind == "public" or ask.me in c.members]
    return _listing(space, ask, [c for c in seen if c.kind in kinds], counted=True)


def of_user(space: Workspace, ask: Ask) -> Body:
    """Go through the conversations a user is in; those of others only where the caller sees them."""
    kinds = kinds_asked(ask)
    user = space.person(ask.text("user") or ask.me).id
    channels = [c for c in space.of_member(user) if c.kind in kinds]
    shared = [c for c in channels if c.kind == "public" or ask.me in c.members]
    return _listing(space, ask, shared, counted=False)


def members(space: Workspace, ask: Ask) -> Body:
    """Go through a channel's members."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    page, cursor = ask.page(channel.members)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


METHODS: dict[str, Method] = {
    "conversations.archive": archive,
    "conversations.create": create,
    "conversations.info": info,
    "conversations.invite": invite,
    "conversations.join": join,
    "conversations.kick": kick,
    "conversations.leave": leave,
    "conversations.list": list_all,
    "conversations.members": members,
    "conversations.open": open_direct,
    "conversations.rename": rename,
    "conversations.setPurpose": set_purpose,
    "conversations.setTopic": set_topic,
    "conversations.unarchive": unarchive,
    "users.conversations": of_user,
}


def inside(space: Workspace, ask: Ask) -> Channel:
    """Give the channel the call names, or refuse: the caller must be in it, and it must be open."""
    channel = space.channel_for(ask.me, ask.need("channel"))
    _named(channel)
    if channel.archived:
        raise Refusal("is_archived")
    if ask.me not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def admit(space: Workspace, channel: Channel, user: str, *, inviter: str = "") -> None:
    """Let somebody in, with Slack's line in the history and the event."""
    channel.members.append(user)
    by = {"inviter": inviter} if inviter else {}
    space.system(channel, "channel_join", user=user, text=f"<@{user}> has joined the channel", **by)
    kind = {"public": "C"}.get(channel.kind, "G")
    event = {"type": "member_joined_channel", "user": user, "channel": channel.id, "channel_type": kind}
    space.emit(channel, {**event, "team": space.team_id, **by})


def dismiss(space: Workspace, channel: Channel, user: str) -> None:
    """Let somebody go, with Slack's line in the history and the event."""
    space.system(channel, "channel_leave", user=user, text=f"<@{user}> has left the channel")
    kind = {"public": "C"}.get(channel.kind, "G")
    event = {"type": "member_left_channel", "user": user, "channel": channel.id, "channel_type": kind}
    space.emit(channel, {**event, "team": space.team_id})
    channel.members.remove(user)


def give_name(space: Workspace, channel: Channel, name: str, *, user: str) -> None:
    """Give a channel another name, with Slack's line and the event; refuses one that is taken or no name."""
    name = checked_name(name)
    if name == channel.name:
        return
    _free(space, name)
    del space.names[channel.name]
    space.names[name] = channel.id
    old, channel.name = channel.name, name
    channel.previous_names.insert(0, old)
    line = f'has renamed the channel from "{old}" to "{name}"'
    space.system(channel, "channel_name", user=user, text=line, old_name=old, name=name)
    about = {"id": channel.id, "name": name, "created": channel.created}
    space.emit(channel, {"type": f"{_event_root(channel)}_rename", "channel": about})


def close_channel(space: Workspace, channel: Channel, user: str) -> None:
    """Archive a channel, with Slack's line and the event; nobody stays in a public one, the bot neither.

    "Archive or delete a channel" of Slack's help: when it is unarchived, "the former members will not be
    restored", while those of a private one "will be retained".
    """
    if channel.archived:
        raise Refusal("already_archived")
    space.system(channel, "channel_archive", user=user, text=f"<@{user}> archived the channel")
    channel.archived = True
    if channel.kind == "public":
        channel.members.clear()
    space.emit(channel, {"type": f"{_event_root(channel)}_archive", "channel": channel.id, "user": user})


def open_again(space: Workspace, channel: Channel, user: str) -> None:
    """Open an archived channel, in which whoever does so then is, with Slack's line and the event."""
    if not channel.archived:
        raise Refusal("not_archived")
    channel.archived = False
    if user not in channel.members:
        channel.members.append(user)
    space.system(channel, "channel_unarchive", user=user, text=f"<@{user}> un-archived the channel")
    space.emit(channel, {"type": f"{_event_root(channel)}_unarchive", "channel": channel.id, "user": user})


def kinds_asked(ask: Ask) -> set[str]:
    """Read the `types` argument; public channels where it is missing."""
    types = ask.names("types") or ["public_channel"]
    if not set(types) <= KINDS.keys():
        raise Refusal("invalid_types")
    return {KINDS[each] for each in types}


def _event_root(channel: Channel) -> str:
    """Give what events about a channel itself begin with: private ones have names of their own."""
    return "channel" if channel.kind == "public" else "group"


def _free(space: Workspace, name: str) -> None:
    if name in space.names:
        raise Refusal("name_taken")


def _named(channel: Channel) -> None:
    if channel.kind in {"im", "mpim"}:
        raise Refusal("method_not_supported_for_channel_type")


def _why_not(space: Workspace, channel: Channel, *, me: str, user: str) -> str:
    if user == me:
        return "cant_invite_self"
    person = space.people.get(user)
    if person is None:
        return "user_not_found"
    if person.deleted:
        # The reference has no word for a deactivated account here; "cannot be invited" is what is left.
        return "cant_invite"
    return "already_in_channel" if user in channel.members else ""


def _told(space: Workspace, ask: Ask, name: str) -> Told:
    if len(ask.text(name)) > LONGEST_TOPIC:
        raise Refusal("too_long")
    return Told(ask.text(name), ask.me, space.seconds())


def _group_name(space: Workspace, users: list[str]) -> str:
    return f"mpdm-{'--'.join(sorted(space.people[user].name for user in users))}-{len(space.channels)}"


def _shown(space: Workspace, ask: Ask, channel: Channel) -> Body:
    return {"channel": channel.as_json(space.team_id, ask.me)}


def _listing(space: Workspace, ask: Ask, channels: list[Channel], *, counted: bool) -> Body:
    if ask.flag("exclude_archived"):
        channels = [c for c in channels if not c.archived]
    page, cursor = ask.page(channels)
    shown = [c.as_json(space.team_id, ask.me) for c in page]
    for channel, each in zip(page, shown, strict=True):
        each.pop("last_read", None)
        if counted:
            each["num_members"] = len(channel.members)
        else:
            for name in _NOT_IN_OWN_LIST:
                each.pop(name, None)
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}
