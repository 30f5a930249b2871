"""Slack's rules as data and small checks: tiers, scopes, names, text; and how Slack says no.

Tiers and scopes follow Slack's method reference of August 2026.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_NAME = 80
LONGEST_TOPIC = 250
LONGEST_TEXT = 40_000
LONGEST_EDIT = 4_000
LONGEST_MARKDOWN = 12_000
MOST_INVITED = 100
MOST_PINS = 100
MOST_BOOKMARKS = 100
LARGEST_METADATA = 8_000
KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}

# Calls a minute. Slack promises these as floors; the stand-in keeps them as ceilings, which is stricter.
TIERS = {"t1": 1, "t2": 20, "t3": 50, "t4": 100, "special": 600}
TIER_OF = {
    "apps.connections.open": "t1",
    "auth.test": "special",
    "bookmarks.add": "t2",
    "bookmarks.edit": "t2",
    "bookmarks.list": "t3",
    "bookmarks.remove": "t2",
    "chat.delete": "t3",
    "chat.getPermalink": "special",
    "chat.postEphemeral": "t4",
    "chat.update": "t3",
    "conversations.archive": "t2",
    "conversations.create": "t2",
    "conversations.history": "t3",
    "conversations.info": "t3",
    "conversations.invite": "t3",
    "conversations.join": "t3",
    "conversations.kick": "t3",
    "conversations.leave": "t3",
    "conversations.list": "t2",
    "conversations.members": "t4",
    "conversations.open": "t3",
    "conversations.rename": "t2",
    "conversations.replies": "t3",
    "conversations.setPurpose": "t2",
    "conversations.setTopic": "t2",
    "conversations.unarchive": "t2",
    "files.completeUploadExternal": "t4",
    "files.getUploadURLExternal": "t4",
    "pins.add": "t2",
    "pins.list": "t2",
    "pins.remove": "t2",
    "reactions.add": "t3",
    "reactions.get": "t3",
    "reactions.remove": "t2",
    "team.info": "t3",
    "usergroups.list": "t2",
    "usergroups.users.list": "t2",
    # The reference says tier 3, Slack's own Java client tier 2: the smaller is the safer teacher.
    "users.conversations": "t2",
    "users.info": "t4",
    "users.list": "t2",
    "users.lookupByEmail": "t3",
    "views.open": "t4",
    "views.publish": "t4",
    "views.push": "t4",
    "views.update": "t4",
}
# chat.postMessage: one a second and channel with short bursts, and "several hundred a minute" in all.
POSTS_PER_SECOND, POSTS_BURST, POSTS_PER_MINUTE = 1.0, 4.0, 300

_MANAGE = {
    "public": ("channels:manage", "channels:write"),
    "private": ("groups:write",),
    "im": ("im:write",),
    "mpim": ("mpim:write",),
}
_READ = {
    "public": ("channels:read",),
    "private": ("groups:read",),
    "im": ("im:read",),
    "mpim": ("mpim:read",),
}
_HISTORY = {kind: (names[0].replace(":read", ":history"),) for kind, names in _READ.items()}
_TOPIC = {kind: (*names, names[0].split(":")[0] + ":write.topic") for kind, names in _MANAGE.items()}
_INVITE = {**_MANAGE, "public": (*_MANAGE["public"], "channels:write.invites")}
_INVITE["private"] = (*_MANAGE["private"], "groups:write.invites")

# Where scopes depend on the kind of channel: any one of the kind's tuple will do.
SCOPES_BY_KIND: dict[str, Mapping[str, tuple[str, ...]]] = {
    "conversations.archive": _MANAGE,
    "conversations.create": _MANAGE,
    "conversations.history": _HISTORY,
    "conversations.info": _READ,
    "conversations.invite": _INVITE,
    "conversations.kick": _MANAGE,
    "conversations.leave": _MANAGE,
    "conversations.list": _READ,
    "conversations.members": _READ,
    "conversations.open": _MANAGE,
    "conversations.rename": _MANAGE,
    "conversations.replies": _HISTORY,
    "conversations.setPurpose": _TOPIC,
    "conversations.setTopic": _TOPIC,
    "conversations.unarchive": _MANAGE,
    "users.conversations": _READ,
}
SCOPE_OF = {
    "apps.connections.open": "connections:write",
    "bookmarks.add": "bookmarks:write",
    "bookmarks.edit": "bookmarks:write",
    "bookmarks.list": "bookmarks:read",
    "bookmarks.remove": "bookmarks:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.join": "channels:join",
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "pins.add": "pins:write",
    "pins.list": "pins:read",
    "pins.remove": "pins:write",
    "reactions.add": "reactions:write",
    "reactions.get": "reactions:read",
    "reactions.remove": "reactions:write",
    "team.info": "team:read",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
}
ALL_SCOPES = frozenset(
    {scope for kinds in SCOPES_BY_KIND.values() for names in kinds.values() for scope in names}
    | set(SCOPE_OF.values())
    | {"chat:write.public", "commands", "app_mentions:read"}
) - {"connections:write"}


class Refusal(Exception):
    """Slack says no: `error` is its name for why, `more` what stands beside it in the answer."""

    def __init__(self, error: str, *messages: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more
        if messages:
            self.more["response_metadata"] = {"messages": list(messages)}


@dataclass(slots=True)
class Token:
    """An access token: what it may do and for whom it acts."""

    value: str
    user: str
    scopes: frozenset[str]
    revoked: bool = False

    @property
    def is_app_level(self) -> bool:
        """Whether it belongs to the app itself (Socket Mode) rather than to an installation."""
        return self.value.startswith("xapp-")


@dataclass(slots=True)
class Ask:
    """One call's arguments with Slack's ways of reading them."""

    method: str
    token: Token
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def me(self) -> str:
        """The user the token acts for."""
        return self.token.user

    def text(self, name: str) -> str:
        """Give an argument as text; empty where it is missing."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def need(self, name: str) -> str:
        """Give an argument as text, or refuse as Slack does where a required one is missing."""
        if not (value := self.text(name)):
            raise Refusal("invalid_arguments", f"[ERROR] missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """Read true, "true" and "1" as yes."""
        return self.text(name).lower() in {"true", "1"}

    def names(self, name: str) -> list[str]:
        """Read a comma-separated text or an array."""
        value = self.fields.get(name)
        parts = value if isinstance(value, list) else self.text(name).split(",")
        return [part.strip() for part in parts if part.strip()]

    def structure(self, name: str, error: str) -> Any:
        """Read an object or array, which forms carry as JSON text; None where it is missing."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as broken:
            raise Refusal(error) from broken

    def page(self, items: list[Any], *, most: int = 1000, usual: int = 100) -> tuple[list[Any], str]:
        """Cut the page that `cursor` and `limit` ask for; gives it and the next cursor ("": the end)."""
        try:
            limit = int(self.text("limit") or usual)
        except ValueError as wrong:
            raise Refusal("invalid_limit") from wrong
        if limit < 0:
            raise Refusal("invalid_limit")
        limit = min(limit or usual, most)
        cursor = self.text("cursor")
        if cursor and not re.fullmatch(r"next:\d+", cursor):
            raise Refusal("invalid_cursor")
        start = int(cursor.removeprefix("next:") or 0)
        end = start + limit
        return items[start:end], f"next:{end}" if end < len(items) else ""


def checked_name(name: str) -> str:
    """Give the name of a channel back, or refuse it with Slack's reason."""
    name = name.removeprefix("#")
    if not name:
        raise Refusal("invalid_name_required")
    if len(name) > LONGEST_NAME:
        raise Refusal("invalid_name_maxlength")
    if not re.fullmatch(r"[\w-]+", name) or name != name.lower():
        raise Refusal("invalid_name_specials")
    if not re.search(r"[^\W_]", name):
        raise Refusal("invalid_name_punctuation")
    return name


def checked_metadata(value: Any) -> dict[str, Any] | None:
    """Give message metadata back, or refuse what is not an event type and a payload object."""
    if value is None or value == {}:
        return None
    if not isinstance(value, dict):
        raise Refusal("invalid_metadata_format")
    if not isinstance(value.get("event_type"), str) or not isinstance(value.get("event_payload"), dict):
        raise Refusal("invalid_metadata_schema")
    if len(json.dumps(value)) > LARGEST_METADATA:
        raise Refusal("metadata_too_large")
    return {"event_type": value["event_type"], "event_payload": value["event_payload"]}
