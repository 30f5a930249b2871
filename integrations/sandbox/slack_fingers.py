"""What people type and press to reach the app: slash commands, buttons, inputs, modals.

`Fingers` is the part of `Slack` whose doors wait for the app's answer and do with it what Slack does.
"""

from typing import Any

from integrations.sandbox.slack_events import Knock
from integrations.sandbox.slack_hands import Hands
from integrations.sandbox.slack_inputs import action_of, blocks_of, missing, state_of
from integrations.sandbox.slack_rules import Refusal
from integrations.sandbox.slack_state import Channel, Message, Person
from integrations.sandbox.slack_views import View, close_view, keep_view, new_trigger, replace_view


class Fingers(Hands):
    """The people of the workspace, using the app."""

    def trigger(self, user: str = "") -> str:
        """Give a trigger id, as a person's command or click would bring one."""
        with self.world.lock:
            return new_trigger(self.space, user=self._who(user).id if user else "")

    def commands(self, channel: str, user: str, text: str, *, command: str = "/incident") -> Knock:
        """Send a slash command as a person and give what the app answered at once."""
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            form = {
                "token": "sandbox",
                "team_id": self.space.team_id,
                "team_domain": self.space.domain,
                "channel_id": place.id,
                "channel_name": _named(place),
                "user_id": person.id,
                "user_name": person.name,
                "command": command,
                "text": text,
                "api_app_id": self.space.app_id,
                "is_enterprise_install": "false",
                "response_url": self.hooks.open(place.id, person.id),
                "trigger_id": new_trigger(self.space, user=person.id),
            }
        knock = self.outbox.command(form)
        self.hooks.take(form["response_url"], knock.body)
        return knock

    def clicks(self, channel: str, user: str, *, ts: str, action_id: str, **chosen: Any) -> Knock:
        """Use a message's element (`chosen`: selected_option, ...) and give the app's answer.

        `values` in `chosen` is what stands in the message's other inputs, `block_id` tells elements of
        one name apart. The message may be an ephemeral one of this person. An unknown `action_id` raises
        LookupError.
        """
        with self.world.lock:
            place, person = self._where(channel), self._who(user)
            message = self._seen(place, ts, person)
            blocks, given = blocks_of(message), chosen.pop("values", None)
            action = {**action_of(blocks, action_id, chosen), "action_ts": self._now()}
            about = _container(place, message)
            payload = {
                **self._interaction(person, "block_actions"),
                "container": about,
                "channel": {"id": place.id, "name": _named(place)},
                "state": {"values": state_of(blocks, given)},
                "response_url": self.hooks.open(place.id, person.id, ts),
                "actions": [action],
            }
            if not about["is_ephemeral"]:
                # Slack sends no message along where it has kept none.
                payload["message"] = dict(message)
        return self.outbox.interaction(payload)

    def presses(self, user: str, view_id: str, *, action_id: str, **chosen: Any) -> Knock:
        """Use an element of a modal or of App Home, as `clicks` does in a message."""
        with self.world.lock:
            person = self._who(user)
            view, given = self._view(view_id, person), chosen.pop("values", None)
            action = {**action_of(view["blocks"], action_id, chosen), "action_ts": self._now()}
            payload = {
                **self._interaction(person, "block_actions", view_id),
                "container": {"type": "view", "view_id": view_id},
                "view": {**view, "state": {"values": state_of(view["blocks"], given)}},
                "actions": [action],
            }
        return self.outbox.interaction(payload)

    def submits(self, user: str, view_id: str, values: dict[str, dict[str, Any]]) -> Knock:
        """Submit a modal with `values` (block id, action id, state) and give the app's answer.

        What `values` leaves out keeps its start value; ValueError where a required input is empty, which
        Slack's client does not let through. The app's answer closes, changes or covers the modal.
        """
        with self.world.lock:
            person = self._who(user)
            view = self._view(view_id, person)
            state = state_of(view["blocks"], values)
            if labels := missing(view["blocks"], state):
                raise ValueError(f"Slack would not send this: fill in {', '.join(labels)}")
            payload = {
                **self._interaction(person, "view_submission", view_id),
                "view": {**view, "state": {"values": state}},
                "response_urls": [],
            }
        knock = self.outbox.interaction(payload)
        if knock.status == 200:
            with self.world.lock:
                self._follow(person, view_id, knock.body)
                self.world.touch()
        return knock

    def closes(self, user: str, view_id: str, *, everything: bool = False) -> Knock | None:
        """Close a modal (or, with `everything`, all that lie under it too); the app hears if it wished to."""
        with self.world.lock:
            person = self._who(user)
            view = self._view(view_id, person)
            cleared = everything or bool(view["clear_on_close"])
            payload = {
                **self._interaction(person, "view_closed"),
                "view": view,
                "is_cleared": cleared,
                "response_urls": [],
            }
            del payload["trigger_id"]
            close_view(self.space, view_id, everything=cleared)
            self.world.touch()
        return self.outbox.interaction(payload) if view["notify_on_close"] else None

    def suggests(self, user: str, action_id: str, *, value: str, **where: str) -> Knock:
        """Ask the app for the options of an external select, as typing `value` into it does.

        `where` is `view_id`, or `channel` and `ts`; `block_id` beside it tells elements apart.
        """
        with self.world.lock:
            person = self._who(user)
            block_id = {"block_id": where["block_id"]} if where.get("block_id") else {}
            if view_id := where.get("view_id"):
                view = self._view(view_id, person)
                blocks: list[dict[str, Any]] = view["blocks"]
                about: dict[str, Any] = {"container": {"type": "view", "view_id": view_id}, "view": view}
            else:
                place = self._where(where["channel"])
                message = self._seen(place, where["ts"], person)
                blocks = blocks_of(message)
                channel = {"id": place.id, "name": _named(place)}
                about = {"container": _container(place, message), "channel": channel, "message": message}
            found = action_of(blocks, action_id, block_id)
            payload = {
                **self._interaction(person, "block_suggestion"),
                **about,
                "action_id": action_id,
                "block_id": found["block_id"],
                "value": value,
            }
            del payload["trigger_id"]
        return self.outbox.options(payload)

    def shortcuts(self, user: str, callback_id: str, *, channel: str = "", ts: str = "") -> Knock:
        """Choose one of the app's shortcuts: in a message's menu where `ts` says so, else the global one."""
        with self.world.lock:
            person = self._who(user)
            payload = self._interaction(person, "message_action" if ts else "shortcut")
            del payload["api_app_id"]
            payload |= {"callback_id": callback_id, "action_ts": self._now()}
            if ts:
                place = self._where(channel)
                payload |= {
                    "user": {"id": person.id, "name": person.name},
                    "channel": {"id": place.id, "name": _named(place)},
                    "message_ts": ts,
                    "message": dict(self._seen(place, ts, person)),
                    "response_url": self.hooks.open(place.id, person.id),
                }
            else:
                del payload["user"]["name"]
        return self.outbox.interaction(payload)

    def opens_home(self, user: str, tab: str = "home") -> str:
        """Open the app's tab ("home" or "messages") and give the id of the direct messages beside it."""
        with self.world.lock:
            person = self._who(user)
            place = self._where(self.open_direct(person.id))
            event: dict[str, Any] = {"type": "app_home_opened", "user": person.id, "channel": place.id}
            event |= {"tab": tab, "event_ts": self._now()}
            home = self.space.homes.get(person.id)
            if tab == "home" and home:
                event["view"] = dict(home)
            self.space.emit(place, event)
            self.world.touch()
            return place.id

    def _follow(self, person: Person, view_id: str, said: Any) -> None:
        """Do with a submitted modal what the app answered: close it, change it, cover it, close all."""
        said = said if isinstance(said, dict) else {}
        try:
            match said.get("response_action"):
                case None | "":
                    close_view(self.space, view_id)
                case "clear":
                    close_view(self.space, view_id, everything=True)
                case "update":
                    replace_view(self.space, view_id, said["view"])
                case "push":
                    keep_view(self.space, said["view"], user=person.id, under=view_id)
                case "errors":
                    self._check_errors(view_id, said.get("errors"))
                case other:
                    raise ValueError(f"Slack knows no response_action {other!r}")
        except Refusal as refusal:
            raise ValueError(f"Slack refuses the app's view: {refusal.error} {refusal.more}") from refusal

    def _check_errors(self, view_id: str, errors: Any) -> None:
        inputs = {b["block_id"] for b in self.space.views[view_id]["blocks"] if b["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
            raise ValueError(f"Slack shows errors at input blocks only: {errors}, and there are {inputs}")

    def _interaction(self, person: Person, kind: str, view: str = "") -> dict[str, Any]:
        who = {"id": person.id, "username": person.name, "name": person.name, "team_id": self.space.team_id}
        return {
            "type": kind,
            "team": {"id": self.space.team_id, "domain": self.space.domain},
            "user": who,
            "api_app_id": self.space.app_id,
            "token": "sandbox",
            "trigger_id": new_trigger(self.space, user=person.id, view=view),
        }

    def _now(self) -> str:
        return f"{self.space.clock.now().timestamp():.6f}"

    def _view(self, view_id: str, person: Person) -> View:
        """Give a view as this person sees it; LookupError where it is closed or somebody else's."""
        space = self.space
        view = space.views.get(view_id)
        viewer = space.viewers.get(view_id, "")
        if view is None:
            view = next((home for home in space.homes.values() if home["id"] == view_id), None)
            viewer = next((user for user, home in space.homes.items() if home is view), "")
        if view is None or viewer not in ("", person.id):
            raise LookupError(f"{person.real_name} has no open view {view_id!r}")
        return {**view, "app_installed_team_id": space.team_id}


def _named(place: Channel) -> str:
    return {"im": "directmessage", "private": "privategroup"}.get(place.kind, place.name)


def _container(place: Channel, message: Message) -> dict[str, Any]:
    about = {"type": "message", "message_ts": message["ts"], "channel_id": place.id}
    if "thread_ts" in message:
        about["thread_ts"] = message["thread_ts"]
    return {**about, "is_ephemeral": "to" in message}
