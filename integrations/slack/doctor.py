"""Slack as `multivac check` asks it: what only a check wants to know; built by app.py."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.slack.calls import Answer, Declined, KeptOpen, ask, pages, piece
from integrations.slack.chat import CHANNELS_PAGE, SlackChat
from multivac.ports import ChatUser


@dataclass(frozen=True, slots=True)
class Room:
    """A channel as the bot sees it."""

    private: bool
    archived: bool
    joined: bool


class SlackDoctor(SlackChat):
    """The adapter with further questions, none of which changes anything in the workspace."""

    def room(self, channel: str) -> Room | None:
        """A channel by id or #name, whether the bot is in it or not; None if it sees none."""
        if channel.startswith("#"):
            # Its own channels are few, all channels of a workspace may be many thousand.
            number = self.find_channel_named(channel)
            return self._room(number) if number else self._listed(channel.removeprefix("#"))
        return self._room(channel)

    def person(self, number: str) -> ChatUser | None:
        """Who has this member id; inactive when their account is deactivated."""
        try:
            answer, _ = ask(self._slack.users_info, user=number)
        except Declined as no:
            if no.error in {"user_not_found", "user_not_visible"}:
                return None
            raise
        user: Answer = answer.get("user") or {}
        return ChatUser(piece(answer, "user", "id"), piece(answer, "user", "name"), not user.get("deleted"))

    def open_socket(self, app_token: str) -> None:
        """Try an app-level token by asking for an address that is then not used."""
        slack = KeptOpen(app_token, api_url=self._slack.base_url, timeout=10.0, connections=1)
        try:
            ask(slack.apps_connections_open, app_token=app_token)
        finally:
            slack.close()

    def _room(self, number: str) -> Room | None:
        try:
            answer, _ = ask(self._slack.conversations_info, channel=number)
        except Declined as no:
            if no.error == "channel_not_found":
                return None
            raise
        return _seen(answer.get("channel") or {})

    def _listed(self, name: str) -> Room | None:
        types = "public_channel,private_channel"
        listed = pages(self._slack.conversations_list, "channels", limit=CHANNELS_PAGE, types=types)
        found = next((each for each in listed if each.get("name") == name), None)
        return None if found is None else _seen(found)


def _seen(channel: Answer) -> Room:
    return Room(
        private=bool(channel.get("is_private")),
        archived=bool(channel.get("is_archived")),
        joined=bool(channel.get("is_member")),
    )
