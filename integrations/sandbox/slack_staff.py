"""Who is in the Slack workspace, changed from outside: people come, change and go, and so do user groups.

`Staff` is the part of `Slack` that an administrator would move. People are named by id, handle, e-mail
address or real name, groups by id or handle.
"""

from typing import Any

from integrations.sandbox.slack_people import group_as_json
from integrations.sandbox.slack_state import Group, Person, Workspace
from integrations.sandbox.world import World


class Staff:
    """The workspace's accounts and user groups."""

    world: World
    space: Workspace

    def add_person(self, name: str, email: str, *, handle: str = "", tz: str = "Europe/Amsterdam") -> str:
        """Take somebody into the workspace and give the user id; `handle` is made of the name."""
        with self.world.lock:
            person = self.space.add_person(handle or name.lower().replace(" ", "."), name, email=email)
            person.tz = tz
            self.world.touch()
            return person.id

    def change_person(self, user: str, **changed: Any) -> None:
        """Change `name` (the handle), `real_name`, `title`, `email`, `tz`, `locale`, or `guest`."""
        with self.world.lock:
            person = self._who(user)
            if unknown := changed.keys() - {"name", "real_name", "title", "email", "tz", "locale", "guest"}:
                raise ValueError(f"nobody can change {', '.join(sorted(unknown))}")
            for name, value in changed.items():
                setattr(person, name, value)
            self._tell_user(person)

    def deactivate(self, user: str) -> None:
        """Close somebody's account: they stay in channels' histories and leave the channels."""
        with self.world.lock:
            person = self._who(user)
            person.deleted = True
            for channel in list(self.space.of_member(person.id)):
                channel.members.remove(person.id)
            self._tell_user(person)

    def add_group(self, handle: str, users: list[str]) -> str:
        """Make a user group and give its id."""
        with self.world.lock:
            members = [self._who(user).id for user in users]
            group = Group(self.space.new_id("S"), handle, handle, members, self.space.seconds())
            self.space.groups[group.id] = group
            self.world.touch()
            return group.id

    def change_group(self, group: str, users: list[str]) -> None:
        """Put these people in a user group instead of those who are in it."""
        with self.world.lock:
            changed, before = self._group(group), list(self._group(group).users)
            changed.users = [self._who(user).id for user in users]
            added = [user for user in changed.users if user not in before]
            removed = [user for user in before if user not in changed.users]
            event = {
                "type": "subteam_members_changed",
                "subteam_id": changed.id,
                "team_id": self.space.team_id,
                "date_previous_update": changed.created,
                "date_update": self.space.seconds(),
                "added_users": added,
                "added_users_count": str(len(added)),
                "removed_users": removed,
                "removed_users_count": str(len(removed)),
            }
            self._tell(event)
            self._tell_group(changed)

    def remove_group(self, group: str) -> None:
        """Switch a user group off: nobody finds it any more."""
        with self.world.lock:
            gone = self._group(group)
            del self.space.groups[gone.id]
            self._tell_group(gone, date_delete=self.space.seconds())

    def _tell_user(self, person: Person) -> None:
        person.updated = self.space.seconds()
        shown = person.as_json(self.space.team_id)
        self._tell({"type": "user_change", "user": shown, "cache_ts": self.space.seconds()})

    def _tell_group(self, group: Group, **more: Any) -> None:
        shown = group_as_json(self.space, group) | {"users": list(group.users), **more}
        self._tell({"type": "subteam_updated", "subteam": shown})

    def _tell(self, event: dict[str, Any]) -> None:
        """Tell the app about what belongs to no channel."""
        self.space.emit(None, {**event, "event_ts": f"{self.space.clock.now().timestamp():.6f}"})
        self.world.touch()

    def _group(self, group: str) -> Group:
        for known in self.space.groups.values():
            if group in (known.id, known.handle):
                return known
        raise LookupError(f"there is no user group {group!r}")

    def _who(self, user: str) -> Person:
        if user in self.space.people:
            return self.space.people[user]
        for person in self.space.people.values():
            if user in (person.name, person.email, person.real_name):
                return person
        raise LookupError(f"nobody is called {user!r}")
