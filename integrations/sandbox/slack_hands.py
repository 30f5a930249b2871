"""What people do in Slack, for tests, the demo and the page: talk, join, command, click, submit.

`Hands` is the part of `Slack` that plays the people; people are named by id, handle or e-mail
address, channels by id or name.
"""

from typing import Any

from integrations.sandbox.slack_channels import admit, dismiss
from integrations.sandbox.slack_events import Knock, Outbox
from integrations.sandbox.slack_hooks import Hooks
from integrations.sandbox.slack_marks import react, unreact
from integrations.sandbox.slack_messages import destination_id, found
from integrations.sandbox.slack_state import Channel, Group, Message, Person, Workspace
from integrations.sandbox.slack_views import new_trigger
from integrations.sandbox.world import World


class Hands:
    """The people of the workspace, moved from outside."""

    world: World
    space: Workspace
    outbox: Outbox
    hooks: Hooks

    def add_person(self, name: str, email: str, *, handle: str = "", tz: str = "Europe/Amsterdam") -> str:
        """Take somebody into the workspace and give the user id; `handle` is made of the name."""
        with self.world.lock:
            person = self.space.add_person(handle or name.lower().replace(" ", "."), name, email=email)
            person.tz = tz
            return person.id

    def add_group(self, handle: str, users: list[str]) -> str:
        """Make a user group and give its id."""
        with self.world.lock:
            members = [self._who(user).id for user in users]
            group = Group(self.space.new_id("S"), handle, handle, members, self.space.seconds())
            self.space.groups[group.id] = group
            return group.id

    def add_channel(self, name: str, members: list[str], *, private: bool = False) -> str:
        """Make a channel in which these people are, the first as its creator; gives its id."""
        with self.world.lock:
            creator, *others = [self._who(user).id for user in members]
            channel = self.space.add_channel(name, creator, "private" if private else "public")
            channel.members.extend(others)
            return channel.id

    def deactivate(self, user: str) -> None:
        """Close somebody's account: they stay in channels' histories and leave the channels."""
        with self.world.lock:
            person = self._who(user)
            person.deleted, person.updated = True, self.space.seconds()
            for channel in list(self.space.of_member(person.id)):
                channel.members.remove(person.id)
            self.world.touch()

    def person_says(self, channel: str, user: str, text: str, *, thread_ts: str = "") -> str:
        """Write a message as a person and give its ts."""
        with self.world.lock:
            place = self._where(channel)
            message: Message = {"user": self._who(user).id, "text": text}
            if thread_ts:
                message["thread_ts"] = thread_ts
            ts = self.space.post(place, message)["ts"]
            self.world.touch()
            return str(ts)

    def person_joins(self, channel: str, user: str, *, inviter: str = "") -> None:
        """Let somebody enter a channel, perhaps invited; being in it already changes nothing."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            if person.id not in place.members:
                admit(self.space, place, person.id, inviter=self._who(inviter).id if inviter else "")
            self.world.touch()

    def person_leaves(self, channel: str, user: str) -> None:
        """Let somebody leave a channel."""
        with self.world.lock:
            dismiss(self.space, self._where(channel), self._who(user).id)
            self.world.touch()

    def person_reacts(self, channel: str, user: str, *, ts: str, name: str, off: bool = False) -> None:
        """Put somebody's reaction on a message, or take it off."""
        with self.world.lock:
            place = self._where(channel)
            change = unreact if off else react
            change(self.space, place, found(place, ts), user=self._who(user).id, name=name)
            self.world.touch()

    def person_archives(self, channel: str, user: str) -> None:
        """Archive a channel as a person."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            self.space.system(
                place, "channel_archive", user=person.id, text=f"<@{person.id}> archived the channel"
            )
            place.archived = True
            self.space.emit(place, {"type": "channel_archive", "channel": place.id, "user": person.id})
            self.world.touch()

    def commands(self, channel: str, user: str, text: str, *, command: str = "/incident") -> Knock:
        """Send a slash command as a person and give what the app answered at once."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            form = {
                "token": "sandbox",
                "team_id": self.space.team_id,
                "team_domain": self.space.domain,
                "channel_id": place.id,
                "channel_name": place.name or "directmessage",
                "user_id": person.id,
                "user_name": person.name,
                "command": command,
                "text": text,
                "api_app_id": self.space.app_id,
                "is_enterprise_install": "false",
                "response_url": self.hooks.open(place.id, person.id),
                "trigger_id": new_trigger(self.space),
            }
        knock = self.outbox.command(form)
        self.hooks.take(form["response_url"], knock.body)
        return knock

    def clicks(self, channel: str, user: str, *, ts: str, action_id: str, **chosen: Any) -> Knock:
        """Click a message's element (`chosen`: value, selected_option, ...) and give the app's answer.

        The message may be an ephemeral one. An unknown `action_id` raises LookupError.
        """
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            message = self._seen(place, ts)
            action = {**_element(message.get("blocks", []), action_id), **chosen, "action_ts": ts}
            payload = {
                **self._interaction(person, "block_actions"),
                "container": {"type": "message", "message_ts": ts, "channel_id": place.id},
                "channel": {"id": place.id, "name": place.name or "directmessage"},
                "message": dict(message),
                "response_url": self.hooks.open(place.id, person.id, ts),
                "actions": [action],
            }
        return self.outbox.interaction(payload)

    def submits(self, user: str, view_id: str, values: dict[str, dict[str, Any]]) -> Knock:
        """Submit a modal with `values` (block id, action id, state) and give the app's answer.

        A modal that the app accepts (an empty answer or "clear") is closed.
        """
        with self.world.lock:
            view = {**self.space.views[view_id], "state": {"values": values}}
            payload = {
                **self._interaction(self._who(user), "view_submission"),
                "view": view,
                "response_urls": [],
            }
        knock = self.outbox.interaction(payload)
        action = knock.body.get("response_action") if isinstance(knock.body, dict) else ""
        with self.world.lock:
            if knock.status == 200 and action in (None, "", "clear"):
                self.space.views.pop(view_id, None)
            elif action == "update":
                self.space.views[view_id].update(knock.body["view"])
            self.world.touch()
        return knock

    def _interaction(self, person: Person, kind: str) -> dict[str, Any]:
        who = {"id": person.id, "username": person.name, "name": person.name, "team_id": self.space.team_id}
        return {
            "type": kind,
            "team": {"id": self.space.team_id, "domain": self.space.domain},
            "user": who,
            "api_app_id": self.space.app_id,
            "token": "sandbox",
            "trigger_id": new_trigger(self.space),
        }

    def _seen(self, place: Channel, ts: str) -> Message:
        whispered = next((m for m in place.ephemerals if m["ts"] == ts), None)
        return whispered or found(place, ts)

    def _who(self, user: str) -> Person:
        if user in self.space.people:
            return self.space.people[user]
        for person in self.space.people.values():
            if user in (person.name, person.email, person.real_name):
                return person
        raise LookupError(f"nobody is called {user!r}")

    def _where(self, channel: str) -> Channel:
        wanted = destination_id(self.space, channel)
        if wanted not in self.space.channels:
            raise LookupError(f"there is no channel {channel!r}")
        return self.space.channels[wanted]


def _element(blocks: list[dict[str, Any]], action_id: str) -> dict[str, Any]:
    for block in blocks:
        for element in [*(block.get("elements") or []), block.get("accessory") or {}]:
            if element.get("action_id") == action_id:
                kept = {
                    name: element[name] for name in ("type", "action_id", "value", "text") if name in element
                }
                return {**kept, "block_id": block.get("block_id", "")}
    raise LookupError(f"no element {action_id!r} in the message")
