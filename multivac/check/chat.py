"""What is checked in Slack: tokens, scopes, channels, user groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from multivac.check.doctors import ChatDoctor, Identity
from multivac.check.named import Wishes
from multivac.check.questions import Area, Question
from multivac.check.scopes import Feature, missing, used
from multivac.check.verdicts import Verdict
from multivac.sections import SlackSettings

_APP = "api.slack.com/apps > your app"
_BOT_TOKEN = (
    f"It stands at {_APP} > OAuth & Permissions > Bot User OAuth Token and belongs into slack.bot_token."
)
_APP_TOKEN = f"It stands at {_APP} > Basic Information > App-Level Tokens and belongs into slack.app_token."
_ADD_SCOPE = f"{_APP} > OAuth & Permissions > Bot Token Scopes: add it, then reinstall the app"

# Tokens that Slack accepts and that are the wrong ones all the same, by how they begin.
_WRONG_KIND = {
    "xoxp-": ("belongs to a person, who would seem to do everything", "Write the bot token (xoxb-) instead."),
    "xoxe": ("expires every 12 hours", "Switch token rotation off: make the app anew from the manifest."),
}


@dataclass(frozen=True, slots=True)
class ChatExamination:
    """Try the token; if it is good, everything that is done with it."""

    area: Area
    chat: ChatDoctor
    slack: SlackSettings
    wished: Wishes

    def examine(self) -> list[Verdict]:
        """Return what was found."""
        known: list[Identity] = []
        bot = Question("the bot token", partial(self._bot_token, known), _BOT_TOKEN)
        app = [Question("the app-level token", self._app_token, _APP_TOKEN)] if self.slack.app_token else []
        found = self.area.ask(bot, *app)
        if not known:
            return found
        granted = known[0].scopes
        scopes = Question("the scopes", partial(self._scopes, granted))
        return found + self.area.ask(scopes, *self._channels(granted), *self._groups(granted))

    def _bot_token(self, known: list[Identity]) -> Iterator[Verdict]:
        me = self.chat.whoami()
        known.append(me)
        token = self.slack.bot_token.get_secret_value() if self.slack.bot_token else ""
        for start, (why, fix) in _WRONG_KIND.items():
            if token.startswith(start):
                yield self.area.warn(f"the token {why}", f"{fix} {_BOT_TOKEN}")
                return
        yield self.area.ok(f"the bot token is good, in the workspace {me.team}")

    def _app_token(self) -> Iterator[Verdict]:
        if self.slack.app_token is not None:
            self.chat.open_socket(self.slack.app_token.get_secret_value())
            yield self.area.ok("the app-level token is good")

    def _scopes(self, granted: frozenset[str]) -> Iterator[Verdict]:
        area, wished = self.area, self.wished
        features = used(
            self.slack, hears=self.slack.hears, private=wished.private, groups=bool(wished.groups)
        )
        if not granted:
            fix = "See whether something between here and Slack removes headers of answers."
            yield area.warn("Slack's answer names no scopes of the token (no x-oauth-scopes header)", fix)
            return
        lacking = missing(granted, features)
        for scope, why in lacking.items():
            # A member may write without it: whether that is so is told where the channel is looked at.
            tell = area.warn if scope == "chat:write.public" else area.fail
            yield tell(f"missing {scope} - {why}", _ADD_SCOPE)
        for scope, why in missing(granted, set(Feature) - features).items():
            yield area.ok(f"{scope} is not granted, and nothing uses it yet: {why}")
        if not lacking:
            yield area.ok("every scope that is used is granted")

    def _channels(self, granted: frozenset[str]) -> Iterator[Question]:
        may_look = {"channels:read", "groups:read"} <= granted
        for key in ("announce_channel", "operators_channel"):
            channel = getattr(self.slack, key)
            if channel and may_look:
                name = f"slack.{key} {channel}"
                yield Question(name, partial(self._channel, f"slack.{key}", channel, granted=granted))

    def _channel(self, key: str, channel: str, *, granted: frozenset[str]) -> Iterable[Verdict]:
        area, room = self.area, self.chat.room(channel)
        invite = f"In {channel}, write: /invite @multivac"
        if room is None:
            fix = f"Correct {key}, or make the channel; if it is private: {invite}"
            return [area.fail(f"{key} is {channel}, and the bot sees no such channel", fix)]
        if room.archived:
            fix = f"Unarchive it, or name another channel in {key}."
            return [area.fail(f"{key} is {channel}, which is archived", fix)]
        if room.joined:
            return [area.ok(f"{key} is {channel}, and the bot is in it")]
        if room.private or "chat:write.public" not in granted:
            return [area.fail(f"{key} is {channel}, where the bot may not write: it is not in it", invite)]
        why = "it can write there, but after a lost answer it may say something twice"
        return [area.warn(f"{key} is {channel}, and the bot is not in it: {why}", invite)]

    def _groups(self, granted: frozenset[str]) -> Iterator[Question]:
        for group, by in self.wished.groups.items():
            if "usergroups:read" in granted:
                name = f"the user group {group} ({by})"
                yield Question(name, partial(self._group, group, name))

    def _group(self, group: str, name: str) -> Iterator[Verdict]:
        count = len(self.chat.group_members(group))
        if count:
            yield self.area.ok(f"{name} has {count} members")
        else:
            yield self.area.warn(f"{name} has no members", "Add people to it in Slack.")
