"""What people do in Slack, for tests, the demo and the page: talk, join, leave, react.

`Hands` is the part of `Slack` that plays the people; people are named by id, handle or e-mail
address, channels by id or name. What they do with the app itself is in `slack_fingers`.
"""

from integrations.sandbox.slack_channels import admit, dismiss, retitle
from integrations.sandbox.slack_events import Outbox
from integrations.sandbox.slack_hooks import Hooks
from integrations.sandbox.slack_marks import react, unpin, unreact
from integrations.sandbox.slack_messages import destination_id, erase, found
from integrations.sandbox.slack_state import Channel, Group, Message, Person, Workspace
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
            self.world.touch()
            return person.id

    def add_group(self, handle: str, users: list[str]) -> str:
        """Make a user group and give its id."""
        with self.world.lock:
            members = [self._who(user).id for user in users]
            group = Group(self.space.new_id("S"), handle, handle, members, self.space.seconds())
            self.space.groups[group.id] = group
            self.world.touch()
            return group.id

    def add_channel(self, name: str, members: list[str], *, private: bool = False) -> str:
        """Make a channel in which these people are, the first as its creator; gives its id."""
        with self.world.lock:
            creator, *others = [self._who(user).id for user in members]
            channel = self.space.add_channel(name, creator, "private" if private else "public")
            channel.members.extend(others)
            self.world.touch()
            return channel.id

    def deactivate(self, user: str) -> None:
        """Close somebody's account: they stay in channels' histories and leave the channels."""
        with self.world.lock:
            person = self._who(user)
            person.deleted, person.updated = True, self.space.seconds()
            for channel in list(self.space.of_member(person.id)):
                channel.members.remove(person.id)
            about = {"user": person.as_json(self.space.team_id), "event_ts": f"{self.space.seconds()}.000000"}
            self.space.emit(None, {"type": "user_change", "cache_ts": self.space.seconds(), **about})
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

    def person_unarchives(self, channel: str, user: str) -> None:
        """Open an archived channel again as a person."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            place.archived = False
            line = f"<@{person.id}> un-archived the channel"
            self.space.system(place, "channel_unarchive", user=person.id, text=line)
            self.space.emit(place, {"type": "channel_unarchive", "channel": place.id, "user": person.id})
            self.world.touch()

    def person_renames(self, channel: str, user: str, name: str) -> None:
        """Give a channel another name as a person."""
        with self.world.lock:
            retitle(self.space, self._where(channel), name, user=self._who(user).id)
            self.world.touch()

    def person_unpins(self, channel: str, user: str, ts: str) -> None:
        """Take a pin off as a person."""
        with self.world.lock:
            place = self._where(channel)
            unpin(self.space, place, found(place, ts), user=self._who(user).id)
            self.world.touch()

    def admin_deletes(self, channel: str, ts: str) -> None:
        """Take away anybody's message, which only an admin can."""
        with self.world.lock:
            place = self._where(channel)
            erase(self.space, place, found(place, ts))
            self.world.touch()

    def _seen(self, place: Channel, ts: str, person: Person) -> Message:
        """Give a message as this person sees it; LookupError where they see none."""
        whispered = next((m for m in place.ephemerals if m["ts"] == ts), None)
        seen = place.messages.get(ts) if whispered is None else whispered
        if seen is None or seen.get("to", person.id) != person.id:
            raise LookupError(f"{person.real_name} sees no message {ts} in {place.name or place.id!r}")
        return seen

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
