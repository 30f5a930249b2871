"""When the parts of a response were there, read off what the sandbox heard: the same for every client."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.path import ASSEMBLED

Exchange = Mapping[str, Any]

# The milestones of the peers' measurements, in the calls' names.
MILESTONES = {
    "(a) channel exists": ("channel",),
    "(b) responders invited": ("invite",),
    "(c) Jira created": ("ticket",),
    "(c) Jira assigned to the lead": ("assignee",),
    "(d) headline in the channel": ("headline",),
    "(d) checklist posted": ("checklist",),
    "(e) announced": ("announcement",),
    "assembled": ASSEMBLED,
}


@dataclass(frozen=True, slots=True)
class Response:
    """One response as the vendors saw it: when each call ended first, in monotonic seconds."""

    began: float
    ended: Mapping[str, float]
    said: Sequence[Exchange]

    @property
    def is_whole(self) -> bool:
        """Whether everything happened that makes it assembled."""
        return all(name in self.ended for name in ASSEMBLED)

    def seconds(self, milestone: str) -> float:
        """From the webhook to that milestone; endless if it never came."""
        names = MILESTONES[milestone]
        return max(self.ended.get(name, float("inf")) for name in names) - self.began


def failed(said: Iterable[Exchange]) -> list[Exchange]:
    """The calls that a vendor refused."""
    return [one for one in said if not was_done(one)]


def response_of(token: str, began: float, said: Sequence[Exchange]) -> Response:
    """What was done for the alert with that word in its title."""
    trace = _Trace(token)
    ours: list[Exchange] = []
    ended: dict[str, float] = {}
    for one in sorted(said, key=lambda it: float(it["ended"])):
        name = trace.name(one)
        if name is None:
            continue
        ours.append({**one, "name": name})
        if was_done(one):
            ended.setdefault(name, one["ended"])
    return Response(began, ended, ours)


def medians(responses: Sequence[Response]) -> dict[str, float]:
    """The median of each milestone."""
    return {name: median(one.seconds(name) for one in responses) for name in MILESTONES}


def was_done(one: Exchange) -> bool:
    """Whether the vendor did what it was asked."""
    body = one["response_body"]
    said_no = one["vendor"] == "slack" and not (isinstance(body, dict) and body.get("ok") is True)
    return one["status"] < 400 and not said_no


_PAGERDUTY = {"GET /oncalls": "on call", "POST /incidents/{id}/notes": "note"}
_IN_THE_CHANNEL = {
    "conversations.setTopic": "topic",
    "conversations.setPurpose": "purpose",
    "conversations.invite": "invite",
    "pins.add": "pin",
    "bookmarks.add": "bookmark",
    "chat.update": "redrawn",
}


@dataclass(slots=True)
class _Trace:
    """Tells the calls of one response from those of others, as its channel and ticket become known."""

    token: str
    channel: str = ""
    ticket: str = ""

    def name(self, one: Exchange) -> str | None:
        """What this call is to the response; None if it belongs to another."""
        match one["vendor"], one["method"]:
            case "pagerduty", method:
                return _PAGERDUTY.get(method)
            case "jira", method:
                return self._to_jira(one, method)
            case "slack", "users.lookupByEmail":
                return "chat ids"
            case "slack", "conversations.create":
                return self._opens_channel(one)
            case "slack", "chat.postMessage":
                return self._message(one["request_body"])
            case _, method:
                asked = one["request_body"]
                here = self.channel and self.channel in {asked.get("channel"), asked.get("channel_id")}
                return _IN_THE_CHANNEL.get(method, method) if here else None

    def _opens_channel(self, one: Exchange) -> str | None:
        if self.token not in one["request_body"]["name"]:
            return None
        if was_done(one):
            self.channel = one["response_body"]["channel"]["id"]
        return "channel"

    def _message(self, asked: Mapping[str, str]) -> str | None:
        if asked["channel"] != self.channel:
            return "announcement" if self.token in json.dumps(asked) else None
        if asked["text"].startswith("Checklist"):
            return "checklist"
        return "headline" if self.token in asked["text"] else "message"

    def _to_jira(self, one: Exchange, method: str) -> str | None:
        if method == "POST /issue" and self.token in one["request_body"]["fields"]["summary"]:
            if was_done(one):
                self.ticket = one["response_body"]["key"]
            return "ticket"
        if method.startswith("PUT") and self.ticket and f"/{self.ticket}/" in one["path"]:
            return "assignee"
        return "account" if method.startswith("GET") else None
