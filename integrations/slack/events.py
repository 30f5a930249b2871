"""What an event of Slack's means to the core: who came, who left, what was renamed or archived. Pure.

https://docs.slack.dev/reference/events has each event. Called by inbound.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from multivac.desk import (
    Account,
    Came,
    Deleted,
    News,
    Opened,
    Reacted,
    Renamed,
    Shut,
    Spoke,
    Unarchived,
    Unpinned,
    Went,
)

Body = Mapping[str, Any]

# Messages with another subtype are Slack's own lines.
WRITTEN = frozenset({None, "file_share", "me_message", "thread_broadcast"})
_TAKEN = "closed to the bot"


def news_of(body: Body) -> News | None:
    """What the event tells the core; None for one that changes nothing there."""
    event = body.get("event")
    if not isinstance(event, dict):
        return None
    read = _READS.get(str(event.get("type")))
    return read(event, bot_of(body)) if read is not None else None


def time_of(body: Body) -> datetime | None:
    """When it happened by Slack's clock, to the second, since not every event says it more exactly."""
    event = body.get("event")
    told = event.get("event_ts") if isinstance(event, dict) else None
    try:
        return datetime.fromtimestamp(int(float(told or body.get("event_time") or "")), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def bot_of(body: Body) -> str:
    """Our bot's own user id; "" if the event does not say it."""
    seen_by = body.get("authorizations") or ()
    bots = [str(one.get("user_id")) for one in seen_by if one.get("is_bot")]
    return next(iter([*bots, *map(str, body.get("authed_users") or ())]), "")


def _joined(event: Body, bot: str) -> News | None:
    channel, who = _text(event, "channel"), _text(event, "user")
    if who == bot:
        return Opened(channel=channel, brought=True)  # at first there is no incident yet
    return Came(channel=channel, who=who, by_us=event.get("inviter") == bot)


def _left(event: Body, bot: str) -> News | None:
    channel, who = _text(event, "channel"), _text(event, "user")
    return Shut(channel=channel, how=_TAKEN) if who == bot else Went(channel=channel, who=who)


def _out(event: Body, _bot: str) -> News | None:
    """Slack tells the bot itself by another event that it was removed."""
    return Shut(channel=_text(event, "channel"), how=_TAKEN)


def _renamed(event: Body, _bot: str) -> News | None:
    channel = event.get("channel")
    channel = channel if isinstance(channel, dict) else {}
    return Renamed(channel=_text(channel, "id"), name=_text(channel, "name"))


def _archived(event: Body, bot: str) -> News | None:
    by = _text(event, "user")
    return Shut(channel=_text(event, "channel"), how="archived", by=by or None) if by != bot else None


def _deleted(event: Body, _bot: str) -> News | None:
    return Shut(channel=_text(event, "channel"), how="deleted")


def _opened(event: Body, _bot: str) -> News | None:
    """A private channel keeps its members while it is archived, our bot among them."""
    return Opened(channel=_text(event, "channel"))


def _unarchived(event: Body, bot: str) -> News | None:
    """A public one does not ("Archive or delete a channel" of Slack's help): whoever opens it is alone."""
    channel, by = _text(event, "channel"), _text(event, "user")
    return Opened(channel=channel) if by == bot else Unarchived(channel=channel, by=by or None)


def _unpinned(event: Body, _bot: str) -> News | None:
    item = event.get("item")
    message = item.get("message") if isinstance(item, dict) else None
    ts = _text(message, "ts") if isinstance(message, dict) else ""
    return Unpinned(channel=_text(event, "channel_id"), message=ts, by=_text(event, "user"))


def _account(event: Body, _bot: str) -> News | None:
    user = event.get("user")
    if not isinstance(user, dict) or not isinstance(user.get("deleted"), bool):
        return None
    return Account(who=_text(user, "id"), active=not user["deleted"])


def _message(event: Body, bot: str) -> News | None:
    channel, who = _text(event, "channel"), _text(event, "user")
    if event.get("subtype") == "message_deleted":
        return Deleted(channel=channel, message=_text(event, "deleted_ts"))
    is_written = event.get("subtype") in WRITTEN and not event.get("bot_id")
    return Spoke(channel=channel, who=who) if is_written and who not in {"", bot} else None


def _reacted(event: Body, bot: str) -> News | None:
    item, who = event.get("item"), _text(event, "user")
    channel = _text(item, "channel") if isinstance(item, dict) else ""
    return Reacted(channel=channel, who=who) if channel and who not in {"", bot} else None


def _text(event: Body, name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""


# Slack tells of a private channel by events of the same shape that begin with "group".
_READS: Mapping[str, Callable[[Body, str], News | None]] = {
    "member_joined_channel": _joined,
    "member_left_channel": _left,
    "channel_left": _out,
    "group_left": _out,
    "channel_rename": _renamed,
    "group_rename": _renamed,
    "channel_archive": _archived,
    "group_archive": _archived,
    "channel_unarchive": _unarchived,
    "group_unarchive": _opened,
    "channel_deleted": _deleted,
    "group_deleted": _deleted,
    "pin_removed": _unpinned,
    "user_change": _account,
    "message": _message,
    "reaction_added": _reacted,
    "reaction_removed": _reacted,
}
