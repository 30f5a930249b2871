"""Slack's response URLs: five answers to a command or click, within half an hour.

`replace_original` and `delete_original` are about the message that was clicked. After a command there is
none: a second answer is a new message, whatever it asks for. So say those who maintain Slack's SDKs
(bolt-js issue 2287, "Using a command's response `replace_original` does nothing"; bolt-python issue 1268,
"Unable to change ephemeral messages with response_url (with slash commands)"), and "Modifying messages" in
Slack's documentation knows it of interactions only.
"""

from dataclasses import dataclass
from typing import Any

from integrations.sandbox.exchange import Answer, Call
from integrations.sandbox.slack_blocks import checked_blocks
from integrations.sandbox.slack_messages import tell_changed
from integrations.sandbox.slack_rules import Refusal
from integrations.sandbox.slack_state import Message, Workspace
from integrations.sandbox.world import World

MOST_ANSWERS = 5
LIFE = 1800.0


@dataclass(slots=True)
class Hook:
    """One response URL: where it leads, whom it belongs to, and how often it was used."""

    channel: str
    user: str
    about: str
    made: float
    used: int = 0


class Hooks:
    """The response URLs given out so far."""

    def __init__(self, world: World, space: Workspace) -> None:
        self._world = world
        self._space = space
        self._hooks: dict[str, Hook] = {}

    def reset(self, space: Workspace) -> None:
        """Forget all; `space` is the workspace from now on."""
        self._space = space
        self._hooks.clear()

    def open(self, channel: str, user: str, about: str = "") -> str:
        """Give a new response URL; `about` is the ts of the message that was clicked."""
        name = self._space.new_id("H")
        self._hooks[name] = Hook(channel, user, about, self._world.clock.ticks())
        return f"{self._world.url}/slack/hooks/{name}"

    def take(self, url: str, body: Any) -> None:
        """Show what the app said in its answer itself, as Slack does for slash commands."""
        hook = self._hooks[url.rsplit("/", 1)[-1]]
        if isinstance(body, str) and body.strip():
            body = {"text": body}
        if isinstance(body, dict) and (body.get("text") or body.get("blocks")):
            with self._world.lock:
                self._show(hook, body)
                self._world.touch()

    def answer(self, call: Call) -> Answer:
        """Answer the app's use of a response URL."""
        hook = self._hooks.get(call.path_params["hook"])
        body = call.form_or_json
        if hook is None or self._world.clock.ticks() - hook.made > LIFE:
            return Answer(404, {"ok": False, "error": "expired_url"})
        if hook.used >= MOST_ANSWERS:
            return Answer(404, {"ok": False, "error": "used_url"})
        if not isinstance(body, dict):
            return Answer(400, "invalid_payload")
        hook.used += 1
        try:
            self._show(hook, body)
        except Refusal as refusal:
            return Answer(400, refusal.error)
        return Answer(200, "ok")

    def _show(self, hook: Hook, body: dict[str, Any]) -> None:
        channel = self._space.channels[hook.channel]
        if hook.about and (body.get("delete_original") or body.get("replace_original")):
            self._change(hook, body)
            return
        message = self._message(body)
        if body.get("thread_ts"):
            message["thread_ts"] = str(body["thread_ts"])
        if body.get("response_type") == "in_channel":
            self._space.post(channel, message)
        else:
            channel.ephemerals.append({**message, "to": hook.user, "ts": self._space.new_ts(channel)})

    def _change(self, hook: Hook, body: dict[str, Any]) -> None:
        channel = self._space.channels[hook.channel]
        shown = next((m for m in channel.ephemerals if m["ts"] == hook.about), None)
        if body.get("delete_original"):
            channel.ephemerals = [m for m in channel.ephemerals if m is not shown]
            channel.messages.pop(hook.about, None)
        elif shown:
            shown.update(self._message(body))
        elif message := channel.messages.get(hook.about):
            before = dict(message)
            message.update(self._message(body))
            tell_changed(self._space, channel, message, before=before)

    def _message(self, body: dict[str, Any]) -> Message:
        bot = self._space.bot
        message: Message = {"user": bot.id, "bot_id": bot.bot_id, "text": str(body.get("text", ""))}
        if body.get("blocks"):
            message["blocks"] = checked_blocks(body["blocks"])
        if not message["text"] and "blocks" not in message:
            raise Refusal("no_text")
        return message
