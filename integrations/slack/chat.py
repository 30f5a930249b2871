"""Slack as the core's `Chat`: a few verbs, each with as few calls as it can; built by app.py.

Rules of Slack's methods stand where they are met; the reference is https://docs.slack.dev/reference/methods.
"""

from __future__ import annotations

import copy
import re
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from slack_sdk.web import SlackResponse

from integrations.slack.blocks import draw_home, render
from integrations.slack.calls import PAGE, Answer, Declined, KeptOpen, ask, pages, piece, unless
from integrations.slack.invites import invite
from integrations.slack.rates import Pacer
from integrations.slack.text import line, words
from multivac.briefing import Home, Message
from multivac.budget import Errand
from multivac.errors import GiveUp
from multivac.ports import ChatUser, Invited, Marker, Posted, Said
from multivac.tongue import language_of, phrase, written

TOPIC_LIMIT = 250
LABEL_LIMIT = 250  # of a bookmark; Slack allows 256
EVENT_LIMIT = 60  # of an event type; the payload has the whole kind
READ_BACK = 1000  # messages; further back a lost message is not looked for
CHANNELS_PAGE = 999  # the most that Slack gives: every incident left open is one more channel
KNOWN_FOR, UNKNOWN_FOR = 600.0, 60.0  # seconds: a user group, and that there is none of that handle
# `created` is in whole seconds, and our clock and Slack's may differ.
CLOCKS_DIFFER = 2.0
GROUP_ID = re.compile(r"S[A-Z0-9]{6,20}")
# Messages with a subtype are Slack's own lines, but for these, which people write.
WRITTEN = frozenset({None, "file_share", "me_message", "thread_broadcast"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom our token acts for, where, and what it may do."""

    user_id: str
    team: str
    scopes: frozenset[str]


@dataclass(slots=True)
class _Known:
    """What all who speak to one workspace through one token know together."""

    groups: Groups
    identity: Identity | None = None


class SlackChat:
    """One workspace, through one bot token; safe to use from many threads at once."""

    def __init__(  # noqa: PLR0913  # whom to ask, and how patiently
        self,
        token: str,
        *,
        api_url: str,
        timeout: float = 10.0,
        connections: int = 64,
        pacer: Pacer | None = None,
        time: Callable[[], float] = clock.monotonic,
    ) -> None:
        """Make no call yet; `timeout` is in seconds, for connecting and for each wait for an answer."""
        self._slack = KeptOpen(token, api_url=api_url, timeout=timeout, connections=connections, pacer=pacer)
        self._known = _Known(Groups(self._slack, time))

    def on_behalf(self, errand: Errand) -> SlackChat:
        """The same workspace and connections, each call made when it is the errand's turn."""
        bound = copy.copy(self)
        bound._slack = self._slack.on_behalf(errand)  # noqa: SLF001  # our own copy
        return bound

    def close(self) -> None:
        """Close all connections."""
        self._slack.close()

    def whoami(self) -> Identity:
        """Whom the token acts for and with which scopes, asked anew. Raises `GiveUp` for a bad token."""
        answer, headers = ask(self._slack.auth_test)
        scopes = (each.strip() for each in headers.get("x-oauth-scopes", "").split(","))
        found = Identity(
            piece(answer, "user_id"), str(answer.get("team", "")), frozenset(filter(None, scopes))
        )
        self._known.identity = found
        return found

    def open_channel(self, name: str, *, private: bool) -> str:
        """Make a channel, whose creator and first member is the bot; gives its id."""
        answer, _ = ask(self._slack.conversations_create, name=name, is_private=private)
        return piece(answer, "channel", "id")

    def find_channel(self, name: str, *, since: datetime) -> str | None:
        """The id of a channel of exactly this name that the bot itself made after `since`."""
        me, earliest = self._me, since.timestamp() - CLOCKS_DIFFER
        for each in self._channels():
            if each.get("name") == name and each.get("creator") == me and each.get("created", 0) >= earliest:
                return piece(each, "id")
        return None

    def find_channel_named(self, name: str) -> str | None:
        """The id of a channel that the bot is in, by its name with or without `#`."""
        wanted = name.removeprefix("#")
        return next((piece(each, "id") for each in self._channels() if each.get("name") == wanted), None)

    def set_topic(self, channel: str, text: str) -> None:
        """Show `text`, cut to what Slack allows, at the top of the channel."""
        ask(self._slack.conversations_setTopic, channel=channel, topic=line(text, TOPIC_LIMIT))

    def set_purpose(self, channel: str, text: str) -> None:
        """Say, cut to what Slack allows, what the channel is for."""
        ask(self._slack.conversations_setPurpose, channel=channel, purpose=line(text, TOPIC_LIMIT))

    def invite(self, channel: str, people: Sequence[str]) -> Invited:
        """Bring people in, a hundred at once; who is there already counts as joined."""
        return invite(self._slack, channel, people)

    def find_person(self, email: str) -> ChatUser | None:
        """Who has this e-mail; None when nobody has, inactive when their account is deactivated."""
        return _user(
            partial(self._slack.users_lookupByEmail, email=email),
            nobody=("users_not_found", "enterprise_is_restricted"),
        )

    def person(self, chat_id: str) -> ChatUser | None:
        """Who has this member id; None when nobody has, inactive when their account is deactivated."""
        return _user(
            partial(self._slack.users_info, user=chat_id, include_locale=True),
            nobody=("user_not_found", "user_not_visible"),
        )

    def channel_name(self, channel: str) -> str | None:
        """What a public channel is called, by its id; None of any other: its name may be a secret."""
        try:
            answer, _ = ask(self._slack.conversations_info, channel=channel)
        except Declined as no:
            if no.error == "channel_not_found":
                return None
            raise
        found = answer.get("channel") or {}
        return None if found.get("is_private", True) else str(found.get("name") or "") or None

    def group_handle(self, group: str) -> str | None:
        """What people call a user group by, by its id; None if there is none."""
        return self._known.groups.handle_of(group)

    def group_members(self, handle: str) -> tuple[str, ...]:
        """The people of a user group, named by id or by handle with or without `@`."""
        answer, _ = ask(self._slack.usergroups_users_list, usergroup=self._known.groups.id_of(handle))
        return tuple(map(str, answer.get("users") or ()))

    def post(self, channel: str, message: Message, marker: Marker) -> Posted:
        """Say something new. A `#name` may be a public channel that the bot is not in."""
        answer, _ = ask(
            self._slack.chat_postMessage,
            channel=channel,
            unfurl_links=False,
            unfurl_media=False,
            **_content(message, marker),
        )
        return Posted(piece(answer, "channel"), piece(answer, "ts"))

    def whisper(self, channel: str, person: str, message: Message) -> bool:
        """Show something to one person; False if they are not in the channel (any more)."""
        drawn = render(message)
        try:
            ask(
                self._slack.chat_postEphemeral,
                channel=channel,
                user=person,
                text=drawn.text,
                blocks=drawn.blocks,
            )
        except Declined as no:
            if no.error != "user_not_in_channel":
                raise
            return False
        return True

    def show_home(self, person: str, page: Home) -> None:
        """Show this in somebody's App Home."""
        ask(self._slack.views_publish, user_id=person, view=draw_home(page))

    def reply(self, to: Posted, message: Message, marker: Marker, *, loud: bool) -> Posted:
        """Say something in the thread of a message; `loud` has Slack show it in the channel as well."""
        answer, _ = ask(
            self._slack.chat_postMessage,
            channel=to.channel,
            thread_ts=to.message,
            reply_broadcast=loud,
            unfurl_links=False,
            unfurl_media=False,
            **_content(message, marker),
        )
        return Posted(piece(answer, "channel"), piece(answer, "ts"))

    def find_reply(self, to: Posted, marker: Marker) -> Posted | None:
        """Our own reply with this marker among the first thousand of a thread."""
        me, wanted = self._me, _metadata(marker)
        where: dict[str, Any] = {"channel": to.channel, "ts": to.message}
        replies = pages(self._slack.conversations_replies, "messages", **where, include_all_metadata=True)
        for said in islice(replies, READ_BACK):
            if said.get("user") == me and said.get("metadata") == wanted:
                return Posted(to.channel, piece(said, "ts"))
        return None

    def edit(self, posted: Posted, message: Message, marker: Marker) -> None:
        """Redraw a message of ours. Raises `GiveUp` when it is gone or may not be edited any more."""
        ask(self._slack.chat_update, channel=posted.channel, ts=posted.message, **_content(message, marker))

    def find_message(self, channel: str, marker: Marker, *, since: datetime) -> Posted | None:
        """Our own message with this marker among the last thousand. The bot must be in the channel."""
        me, wanted, where = self._me, _metadata(marker), self._id_of(channel)
        oldest = f"{since.timestamp() - CLOCKS_DIFFER:.6f}"
        for said in self._history(where, oldest=oldest, include_all_metadata=True):
            if said.get("user") == me and said.get("metadata") == wanted:
                return Posted(where, piece(said, "ts"))
        return None

    def pin(self, posted: Posted) -> None:
        """Pin a message; pinned already is fine."""
        pin = partial(self._slack.pins_add, channel=posted.channel, timestamp=posted.message)
        unless(pin, "already_pinned")

    def bookmark(self, channel: str, label: str, url: str, *, look_first: bool) -> None:
        """Add a link to the channel's bar; with `look_first`, only if none leads there yet."""
        if look_first:
            answer, _ = ask(self._slack.bookmarks_list, channel_id=channel)
            if any(each.get("link") == url for each in answer.get("bookmarks") or ()):
                return
        ask(
            self._slack.bookmarks_add,
            channel_id=channel,
            title=line(label, LABEL_LIMIT),
            type="link",
            link=url,
        )

    def read(self, posted: Posted) -> Said | None:
        """What anybody wrote there; an answer in a thread is not among the channel's own messages."""
        bounds: dict[str, Any] = {"oldest": posted.message, "latest": posted.message, "inclusive": True}
        try:
            answer, _ = ask(self._slack.conversations_history, channel=posted.channel, limit=1, **bounds)
            found = _of_ts(answer, posted.message)
            if found is None:
                where: dict[str, Any] = {"channel": posted.channel, "ts": posted.message}
                answer, _ = ask(self._slack.conversations_replies, **where, limit=PAGE, **bounds)
                found = _of_ts(answer, posted.message)
            if found is None:
                return None
            answer, _ = ask(self._slack.chat_getPermalink, channel=posted.channel, message_ts=posted.message)
        except Declined as no:
            if no.error in {"message_not_found", "thread_not_found"}:
                return None
            raise
        by_bot = found.get("bot_id")
        name = (found.get("bot_profile") or {}).get("name") or found.get("username") or written("a bot")
        return Said(
            text=words(str(found.get("text", ""))),
            author=None if by_bot else piece(found, "user"),
            name=str(name) if by_bot else "",
            link=piece(answer, "permalink"),
        )

    def react(self, posted: Posted, emoji: str, *, off: bool = False) -> None:
        """Put an emoji of ours under a message, or take it back."""
        method = self._slack.reactions_remove if off else self._slack.reactions_add
        try:
            ask(method, channel=posted.channel, timestamp=posted.message, name=emoji)
        except Declined as no:
            if no.error not in {"already_reacted", "no_reaction", "message_not_found"}:
                raise

    def people_spoke(self, channel: str, *, since: datetime | None = None, at_least: int = 1) -> bool:
        """Whether humans have written so many of the last thousand messages, threads' own replies aside."""
        me, asked = self._me, {} if since is None else {"oldest": f"{since.timestamp():.6f}"}
        theirs = (said for said in self._history(channel, **asked) if _by_a_human(said, me))
        return len(tuple(islice(theirs, at_least))) == at_least

    def archive(self, channel: str) -> None:
        """Archive the channel, in which the bot must be; archived already is fine."""
        unless(partial(self._slack.conversations_archive, channel=channel), "already_archived")

    def unarchive(self, channel: str) -> None:
        """Open an archived channel again; not archived is fine."""
        unless(partial(self._slack.conversations_unarchive, channel=channel), "not_archived")

    @property
    def _me(self) -> str:
        return (self._known.identity or self.whoami()).user_id

    def _id_of(self, channel: str) -> str:
        if not channel.startswith("#"):
            return channel
        found = self.find_channel_named(channel)
        if found is None:
            raise GiveUp(
                phrase("the bot is not in {channel}", channel=channel),
                fix=phrase("Invite the bot into {channel}.", channel=channel),
            )
        return found

    def _channels(self) -> Iterator[Answer]:
        asked: dict[str, Any] = {"types": "public_channel,private_channel", "exclude_archived": True}
        return pages(self._slack.users_conversations, "channels", limit=CHANNELS_PAGE, **asked)

    def _history(self, channel: str, **asked: Any) -> Iterator[Answer]:
        said = pages(self._slack.conversations_history, "messages", channel=channel, **asked)
        return islice(said, READ_BACK)


class Groups:
    """The ids of user groups by their handles, known for ten minutes; Slack finds groups by id only."""

    def __init__(self, slack: KeptOpen, time: Callable[[], float]) -> None:
        self._slack = slack
        self._time = time
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}
        self._read_at = float("-inf")

    def id_of(self, handle: str) -> str:
        """The id of a group; an id is given back as it is. Raises `GiveUp` if there is no such group."""
        name = handle.removeprefix("@")
        if GROUP_ID.fullmatch(name):
            return name
        known = self._read(lambda ids: name in ids).get(name)
        if known is None:
            why = phrase("there is no user group @{name}", name=name)
            raise GiveUp(why, fix=phrase("Correct the group in the playbook."), operators=True)
        return known

    def handle_of(self, group: str) -> str | None:
        """The handle of the group with this id; None if there is none."""
        known = self._read(lambda ids: group in ids.values())
        return next((handle for handle, found in known.items() if found == group), None)

    def _read(self, is_known: Callable[[Mapping[str, str]], bool]) -> Mapping[str, str]:
        """All ids by their handles, read anew where what is looked for is not known, or not any more."""
        # The lock is held during the call: who waits needs the same list.
        with self._lock:
            if self._time() - self._read_at > (KNOWN_FOR if is_known(self._ids) else UNKNOWN_FOR):
                answer, _ = ask(self._slack.usergroups_list)  # all at once: the method has no pages
                groups = answer.get("usergroups") or ()
                self._ids = {str(each.get("handle")): piece(each, "id") for each in groups}
                self._read_at = self._time()
            return self._ids


def _user(method: Callable[[], SlackResponse], *, nobody: tuple[str, ...]) -> ChatUser | None:
    """Who it is; one person whom the bot may not see is nobody, so that the others are still found."""
    try:
        answer, _ = ask(method)
    except Declined as no:
        if no.error in nobody:
            return None
        raise
    user: Answer = answer.get("user") or {}
    profile: Answer = user.get("profile") or {}
    chat_id = piece(answer, "user", "id")
    name = profile.get("real_name") or profile.get("display_name") or user.get("name") or chat_id
    guest = any(user.get(kind) for kind in ("is_restricted", "is_ultra_restricted", "is_stranger"))
    email = profile.get("email")
    return ChatUser(
        chat_id,
        str(name),
        active=not user.get("deleted"),
        email=str(email) if email else None,
        guest=guest,
        language=language_of(user["locale"]) or "" if "locale" in user else None,
        zone=str(user["tz"]) if user.get("tz") else None,
    )


def _of_ts(answer: Answer, ts: str) -> Answer | None:
    return next((each for each in answer.get("messages") or () if each.get("ts") == ts), None)


def _content(message: Message, marker: Marker) -> dict[str, Any]:
    drawn = render(message)
    return {
        "text": drawn.text,
        "blocks": drawn.blocks,
        "metadata": _metadata(marker),
        "parse": "none",
        "link_names": False,
    }


def _metadata(marker: Marker) -> dict[str, Any]:
    # Slack asks for an alphanumeric event type; words joined by underscores are what its own examples use.
    kind = re.sub(r"[^a-z0-9]+", "_", marker.kind.lower())[:EVENT_LIMIT]
    return {
        "event_type": f"multivac_{kind}",
        "event_payload": {"incident": marker.incident, "kind": marker.kind},
    }


def _by_a_human(said: Answer, me: str) -> bool:
    nobody = {me, "USLACKBOT", None}
    if not nobody.issuperset(said.get("reply_users") or ()):
        return True
    return said.get("subtype") in WRITTEN and not said.get("bot_id") and said.get("user") not in nobody
