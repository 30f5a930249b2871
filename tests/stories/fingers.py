"""What people do in Slack that nobody is told of: ticking a task, choosing from a menu, reacting, pinning."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from multivac.store.tables import audit
from tests.stories.stage import Multivac
from tests.stories.workspace import Slack


@dataclass
class Fingers:
    """The people's, over the workspace; each act is waited for until Multivac has written it down."""

    slack: Slack
    multivac: Multivac

    def ticks(self, who: str, label: str, *, channel: str, kind: str, near: str = "") -> None:
        """Press a button of this label, or choose this entry of a menu; `near` is in the button's line."""
        room = self.slack.channel(channel)
        self._presses(who, room.id, next(_usable(room.ours(kind), label, near)))

    def ticks_in_direct(self, who: str, label: str) -> None:
        """Press a button of this label in what we wrote to them directly."""
        place = self.slack.standin.direct(self.slack.id_of(who))
        self._presses(who, place.id, next(_usable(list(place.messages), label, "")))

    def _presses(self, who: str, place: str, found: "Found") -> None:
        ts, block, action, chosen = found
        with self.acting():
            self.slack.standin.clicks(
                place,
                self.slack.person(who),
                ts=ts,
                action_id=action["action_id"],
                block_id=block["block_id"],
                **chosen,
            )

    def says(self, channel: str, who: str, text: str) -> str:
        """Let a person write; gives the message's ts."""
        return self.slack.standin.person_says(self.slack.channel(channel).name, self.slack.person(who), text)

    def reacts(self, who: str, emoji: str, ts: str, *, channel: str, off: bool = False) -> None:
        """Let a person react to a message, or take it back."""
        with self.acting():
            self.slack.standin.person_reacts(
                self.slack.channel(channel).id, self.slack.person(who), ts=ts, name=emoji, off=off
            )

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Wait until the trail has a line more."""
        before = self._trail()
        yield
        self.slack.wait_for(lambda: self._trail() > before, "a line of the trail")

    def _trail(self) -> int:
        with self.multivac.running.database.read() as tx:
            return int(tx.scalar(sa.select(sa.func.count()).select_from(audit)) or 0)


Found = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]


def _usable(messages: list[dict[str, Any]], label: str, near: str) -> Iterator[Found]:
    for message in reversed(messages):
        for block in message.get("blocks", ()):
            for element in (*block.get("elements", ()), block.get("accessory", {})):
                said = block.get("text", {}).get("text", "")
                is_button = element.get("type") == "button" and element["text"]["text"] == label
                if is_button and near in said:
                    yield message["ts"], block, element, {}
                for option in element.get("options", ()):
                    if option["text"]["text"] == label and near == element["placeholder"]["text"]:
                        yield message["ts"], block, element, {"selected_option": option}
