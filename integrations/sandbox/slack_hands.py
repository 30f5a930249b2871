"""What people do in Slack by hand, for tests, the demo and the page: talk, pin, react, join, rename, archive.

`Hands` is the part of `Slack` that plays the people; channels are named by id or name. What Slack would
not let them do raises its refusal. What they do with the app itself is in `slack_fingers`.
"""

from typing import Any

from integrations.sandbox.slack_channels import admit, close_channel, dismiss, give_name, open_again
from integrations.sandbox.slack_events import Outbox
from integrations.sandbox.slack_hooks import Hooks
from integrations.sandbox.slack_marks import pin, react, unpin, unreact
from integrations.sandbox.slack_messages import (
    count_replies,
    destination_id,
    direct,
    found,
    take_away,
    tell_changed,
)
from integrations.sandbox.slack_rules import Refusal
from integrations.sandbox.slack_staff import Staff
from integrations.sandbox.slack_state import Channel, Message, Person


class Hands(Staff):
    """The people of the workspace, moved from outside."""

    outbox: Outbox
    hooks: Hooks

    def add_channel(self, name: str, members: list[str], *, private: bool = False) -> str:
        """Make a channel in which these people are, the first as its creator; gives its id."""
        with self.world.lock:
            creator, *others = [self._who(user).id for user in members]
            channel = self.space.add_channel(name, creator, "private" if private else "public")
            channel.members.extend(others)
            self.world.touch()
            return channel.id

    def open_direct(self, user: str, other: str = "multivac") -> str:
        """Give the id of the direct messages between two, by default a person and our bot."""
        with self.world.lock:
            channel = direct(self.space, self._who(user).id, self._who(other).id)
            self.world.touch()
            return channel.id

    def person_says(self, channel: str, user: str, text: str, *, thread_ts: str = "") -> str:
        """Write a message as a person, perhaps into a thread, and give its ts."""
        with self.world.lock:
            place = self._where(channel)
            message: Message = {"user": self._who(user).id, "text": text}
            parent = place.messages.get(thread_ts)
            if thread_ts:
                message["thread_ts"] = thread_ts
            ts = self.space.post(place, message)["ts"]
            if parent:
                count_replies(place, parent)
            self.world.touch()
            return str(ts)

    def person_edits(self, channel: str, user: str, *, ts: str, text: str) -> None:
        """Change what somebody wrote."""
        with self.world.lock:
            place, message = self._own(channel, user, ts)
            before = dict(message)
            message["text"] = text
            message["edited"] = {"user": message["user"], "ts": f"{self.space.seconds()}.000000"}
            tell_changed(self.space, place, message, before=before)
            self.world.touch()

    def person_deletes(self, channel: str, user: str, *, ts: str) -> None:
        """Take away what somebody wrote."""
        with self.world.lock:
            place, message = self._own(channel, user, ts)
            take_away(self.space, place, message)
            self.world.touch()

    def person_reacts(self, channel: str, user: str, *, ts: str, name: str, off: bool = False) -> None:
        """Put somebody's reaction on a message, or take it off."""
        with self.world.lock:
            place = self._where(channel)
            change = unreact if off else react
            change(self.space, place, found(place, ts), user=self._who(user).id, name=name)
            self.world.touch()

    def person_pins(self, channel: str, user: str, *, ts: str, off: bool = False) -> None:
        """Pin a message as a person, or take its pin off."""
        with self.world.lock:
            place = self._where(channel)
            change = unpin if off else pin
            change(self.space, place, found(place, ts), user=self._who(user).id)
            self.world.touch()

    def person_joins(self, channel: str, user: str, *, inviter: str = "") -> None:
        """Let somebody enter a channel, perhaps invited; being in it already changes nothing."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            if person.id not in place.members:
                admit(self.space, place, person.id, inviter=self._who(inviter).id if inviter else "")
            self.world.touch()

    def person_leaves(self, channel: str, user: str) -> None:
        """Let somebody leave a channel, or be removed from it: the app hears the same."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            if person.id not in place.members:
                raise Refusal("not_in_channel")
            dismiss(self.space, place, person.id)
            self.world.touch()

    def person_renames(self, channel: str, user: str, *, name: str) -> None:
        """Give a channel another name, as a person."""
        with self.world.lock:
            give_name(self.space, self._where(channel), name, user=self._who(user).id)
            self.world.touch()

    def person_archives(self, channel: str, user: str, *, off: bool = False) -> None:
        """Archive a channel as a person, or open it again."""
        with self.world.lock:
            change = open_again if off else close_channel
            change(self.space, self._where(channel), self._who(user).id)
            self.world.touch()

    def _own(self, channel: str, user: str, ts: str) -> tuple[Channel, Message]:
        place = self._where(channel)
        message = found(place, ts)
        if message["user"] != self._who(user).id or message.get("subtype") not in (None, "thread_broadcast"):
            raise Refusal("cant_update_message")
        return place, message

    def _seen(self, place: Channel, ts: str, person: Person) -> Message:
        """Give a message as this person sees it; LookupError where they see none."""
        whispered = next((m for m in place.ephemerals if m["ts"] == ts), None)
        seen: dict[str, Any] | None = place.messages.get(ts) if whispered is None else whispered
        if seen is None or seen.get("to", person.id) != person.id:
            raise LookupError(f"{person.real_name} sees no message {ts} in {place.name or place.id!r}")
        return seen

    def _where(self, channel: str) -> Channel:
        wanted = destination_id(self.space, channel)
        if wanted not in self.space.channels:
            raise LookupError(f"there is no channel {channel!r}")
        return self.space.channels[wanted]
