"""What happened, line by line, as somebody saw it who watched Slack, Jira and PagerDuty all the time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

Json = dict[str, Any]

_WIDTH = 112
_POINTED = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was seen: when, where, who did it, what."""

    at: datetime
    place: str
    who: str
    text: str


class Transcript:
    """Compares the stand-ins' state with what was seen before, and tells what is new.

    `before` is the state (as `Sandbox.state` gives it) before anything happened.
    """

    def __init__(self, before: Json) -> None:
        self._began = datetime.fromisoformat(before["now"])
        self._seen: dict[str, Any] = {}
        self._lines(before)

    def look(self, state: Json, tell: Callable[[str], None]) -> None:
        """Tell a line for everything that is new in the state."""
        for line in self._lines(state):
            tell(_written(line, line.at - self._began))

    def _lines(self, state: Json) -> list[Line]:
        now = datetime.fromisoformat(state["now"])
        news = (*self._pagerduty(state, now), *self._jira(state, now), *self._slack(state, now))
        return sorted(news, key=lambda line: line.at)

    def _news(self, key: str, value: Any) -> Any:
        """The value if it is another than before, and there is one; else None."""
        old = self._seen.get(key)
        self._seen[key] = value
        return value if value and value != old else None

    def _pagerduty(self, state: Json, now: datetime) -> Iterator[Line]:
        for one in state["pagerduty"]["incidents"]:
            for key, value, who, text in (*_standing(one), *_added(one)):
                if self._news(f"{one['id']} {key}", value):
                    yield Line(now, "PagerDuty", who, f"#{one['incident_number']} {text}")

    def _jira(self, state: Json, now: datetime) -> Iterator[Line]:
        for issue in state["jira"]["issues"]:
            key, fields = issue["key"], issue["fields"]
            if summary := self._news(f"{key} summary", fields["summary"]):
                yield Line(now, "Jira", fields["reporter"]["displayName"], f"{key} {summary}")
            if assignee := self._news(f"{key} assignee", (fields["assignee"] or {}).get("displayName")):
                yield Line(now, "Jira", "", f"{key} is assigned to {assignee}")

    def _slack(self, state: Json, now: datetime) -> Iterator[Line]:
        slack = state["slack"]
        names = {one["id"]: one["profile"]["real_name"] for one in slack["people"]}
        names |= {one["id"]: one["name"] for one in slack["channels"]}
        for channel in slack["channels"]:
            place = "#" + "-".join(channel["name"].split("-")[:2])
            if self._news(channel["id"], channel["name"]):
                opened = datetime.fromtimestamp(channel["created"], UTC)
                yield Line(opened, place, names[channel["members"][0]], f"opened #{channel['name']}")
            if joined := [ident for ident in channel["members"][1:] if self._news(place + ident, "joined")]:
                people = ", ".join(names[ident] for ident in joined)
                yield Line(now, place, "", f"{people} joined")
            yield from self._messages(channel, place, names)
            for mark in channel["bookmarks"]:
                if self._news(mark["id"], mark["title"]):
                    yield Line(now, place, "", f"a bookmark: {mark['title']}")

    def _messages(self, channel: Json, place: str, names: dict[str, str]) -> Iterator[Line]:
        for message in channel["messages"]:
            key = f"{channel['id']} {message['ts']}"
            is_new = key not in self._seen
            text = self._news(key, message["text"])
            if text is None or message.get("subtype") == "channel_join":
                continue
            stamp = message["ts"] if is_new else message["edited"]["ts"]
            who, said = names[message["user"]], plain(text, names)
            if message.get("subtype"):
                said = said.removeprefix(f"@{who} ")
            at = datetime.fromtimestamp(float(stamp), UTC)
            yield Line(at, place, who, said if is_new else f"(edited) {said}")


Seen = tuple[str, Any, str, str]  # what it is, its value, who did it, in words


def _standing(incident: Json) -> Iterator[Seen]:
    """What an incident of PagerDuty's has one of."""
    status, priority = incident["status"], (incident["priority"] or {}).get("summary")
    acked = [ack["acknowledger"]["summary"] for ack in incident["acknowledgements"]]
    who = acked[-1] if status == "acknowledged" else incident["last_status_change_by"]["summary"]
    bridge = (incident["conference_bridge"] or {}).get("conference_url")
    yield "title", incident["title"], who, incident["title"]
    yield "status", status, who, f"is {status}"
    yield "priority", priority, "", f"has the priority {priority}"
    yield "bridge", bridge, "", f"has a bridge: {bridge}"


def _added(incident: Json) -> Iterator[Seen]:
    """What people have added to an incident of PagerDuty's."""
    for note in incident["notes"]:
        yield note["id"], note["content"], note["user"]["summary"], f"note: {note['content']}"
    for update in incident["status_updates"]:
        said = update["message"]
        yield update["id"], said, update["sender"]["summary"], f"update for stakeholders: {said}"
    for asked in incident["incidents_responders"]:
        person, state = asked["user"], asked["state"]
        yield person["id"], state, person["summary"], f"asked to help: {state}"


def plain(text: str, names: dict[str, str]) -> str:
    """The words of a text in Slack's markup, people and channels by their names."""

    def said(found: re.Match[str]) -> str:
        sign, target, label = found.groups()
        if sign in {"@", "#"}:
            return f"{sign}{names.get(target, label or target)}"
        return label or target

    return unescape(_POINTED.sub(said, text)).replace("*", "")


def _written(line: Line, since: timedelta) -> str:
    minutes, seconds = divmod(round(since.total_seconds()), 60)
    head = f"{minutes:02}:{seconds:02}  {line.place:<10}  "
    body = f"{line.who}: {line.text}" if line.who else line.text
    return textwrap.fill(
        body, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
