"""What people do to messages, out of Slack's events: reactions, pins, edits, deletions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from multivac.desk import Deed, Sign

DONE = "white_check_mark"  # under a reminder
_WRITTEN = frozenset({None, "file_share", "me_message", "thread_broadcast"})
_MARKS = {
    "reaction_added": Deed.KEEP,
    "reaction_removed": Deed.TAKE_BACK,
    "pin_added": Deed.KEEP,
    "pin_removed": Deed.TAKE_BACK,
}

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emoji:
    """What each emoji under a message stands for, by name: what to keep it as, what to offer for it."""

    keeps: Mapping[str, str]
    offers: Mapping[str, str]


def read_sign(body: Body, keeps: Mapping[str, str]) -> Sign | None:
    """What the event says that somebody did to a message; None if it is nothing to us, or we did it.

    `keeps` says what a message is kept as, "note" or "task", by the name of the emoji put under it.
    """
    event = body.get("event") or {}
    kind = str(event.get("type", ""))
    if kind in _MARKS:
        return _mark(body, event, _MARKS[kind], keeps=keeps)
    if kind == "message" and event.get("subtype") in {"message_changed", "message_deleted"}:
        return _change(body, event)
    return _below(body, event) if kind == "message" else None


def emoji_of(event: Body) -> str:
    """The name of the emoji of a reaction, in whatever skin colour."""
    return str(event.get("reaction", "")).partition("::")[0]


def is_ours(body: Body, by: str) -> bool:
    """Whether our own bot did it, as Slack names it beside each event."""
    return by in _bots(body)


def _bots(body: Body) -> set[str]:
    return {str(one.get("user_id")) for one in body.get("authorizations") or () if one.get("is_bot")}


def _mark(body: Body, event: Body, deed: Deed, *, keeps: Mapping[str, str]) -> Sign | None:
    item, by = event.get("item") or {}, str(event.get("user", ""))
    is_pin, emoji = str(event["type"]).startswith("pin"), emoji_of(event)
    kind = "note" if is_pin else keeps.get(emoji)
    if emoji == DONE and deed is Deed.KEEP:
        deed, kind = Deed.ANSWER, "reminder"
    message = (item.get("message") or {}).get("ts") if is_pin else item.get("ts")
    if kind is None or not message or is_ours(body, by):
        return None
    return Sign(
        request=_request(body),
        by=by,
        channel=str(item.get("channel", "")),
        message=str(message),
        deed=deed,
        kind=kind,
        via="pin" if is_pin else "reaction",
    )


def _below(body: Body, event: Body) -> Sign | None:
    """What somebody wrote in the thread of a message, which may answer it; what they ask of us does not."""
    above, by = event.get("thread_ts"), str(event.get("user", ""))
    is_written = event.get("subtype") in _WRITTEN and not event.get("bot_id")
    if not above or above == event.get("ts") or not is_written or is_ours(body, by):
        return None
    if any(f"<@{bot}" in str(event.get("text", "")) for bot in _bots(body)):
        return None
    return Sign(
        request=_request(body),
        by=by,
        channel=str(event.get("channel", "")),
        message=str(above),
        deed=Deed.ANSWER,
        kind="reminder",
        via="reply",
    )


def _change(body: Body, event: Body) -> Sign | None:
    """An edit of the words; Slack sends the same when it has looked at a link in them."""
    before, after = event.get("previous_message") or {}, event.get("message") or {}
    is_deleted = event["subtype"] == "message_deleted"
    message = event.get("deleted_ts") if is_deleted else after.get("ts") or before.get("ts")
    is_ours = bool((before if is_deleted else after).get("bot_id"))
    if not message or is_ours or (not is_deleted and before.get("text") == after.get("text")):
        return None
    return Sign(
        request=_request(body),
        by=str((before if is_deleted else after).get("user", "")),
        channel=str(event.get("channel", "")),
        message=str(message),
        deed=Deed.DELETE if is_deleted else Deed.EDIT,
        via="edit",
    )


def _request(body: Body) -> str:
    return f"event:{body.get('event_id', '')}"
