"""What people do to messages, out of Slack's events: reactions, pins, edits, deletions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from multivac.desk import Deed, Sign

REACTIONS: Mapping[str, str] = {"pushpin": "note", "ballot_box_with_check": "task"}
_MARKS = {
    "reaction_added": Deed.KEEP,
    "reaction_removed": Deed.TAKE_BACK,
    "pin_added": Deed.KEEP,
    "pin_removed": Deed.TAKE_BACK,
}

Body = Mapping[str, Any]


def read_sign(body: Body) -> Sign | None:
    """What the event says that somebody did to a message; None if it is nothing to us, or we did it."""
    event = body.get("event") or {}
    kind = str(event.get("type", ""))
    if kind in _MARKS:
        return _mark(body, event, _MARKS[kind])
    if kind == "message" and event.get("subtype") in {"message_changed", "message_deleted"}:
        return _change(body, event)
    return None


def _mark(body: Body, event: Body, deed: Deed) -> Sign | None:
    item, by = event.get("item") or {}, str(event.get("user", ""))
    is_pin = str(event["type"]).startswith("pin")
    kind = "note" if is_pin else REACTIONS.get(str(event.get("reaction", "")).partition("::")[0])
    message = (item.get("message") or {}).get("ts") if is_pin else item.get("ts")
    if kind is None or not message or by in _ourselves(body):
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


def _ourselves(body: Body) -> set[str]:
    """The ids of our own bot, as Slack names them beside each event."""
    return {str(one.get("user_id")) for one in body.get("authorizations") or () if one.get("is_bot")}
