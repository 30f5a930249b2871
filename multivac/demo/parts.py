"""What must have come of the outage, read from the stand-ins' own state and never from ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.server import Sandbox
from multivac.demo.story import ANA, BO, BRIDGE, CARA, CHANNEL, DEE, TITLE
from multivac.demo.transcript import Json

_FIRST, _SECOND = "First 5 minutes", "Stabilise"
_SECOND_DUE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Found:
    """The ends of the story in Slack, Jira and PagerDuty, by what a person would call them."""

    began: datetime
    names: dict[str, str]  # by user id
    channels: dict[str, Json]  # by name
    tickets: list[Json]
    alert: Json
    invited: list[list[str]]  # the ids of each call that invited somebody into the channel
    posted: list[str]  # each message of ours as it was at first

    @property
    def channel(self) -> Json:
        """The incident's channel; empty where there is none."""
        return self.channels.get(CHANNEL, {"messages": [], "pins": [], "members": [], "bookmarks": []})

    @property
    def ticket(self) -> Json:
        """The fields of the incident's one ticket; empty where there is none, or more than one."""
        return self.tickets[0]["fields"] if len(self.tickets) == 1 else {}

    def said(self, *words: str, where: str = CHANNEL) -> Json:
        """The first message by our bot that shows all these words; empty if there is none."""
        messages: list[Json] = self.channels.get(where, self.channel)["messages"]
        for message in messages:
            shown = json.dumps([message["text"], message.get("blocks", [])], ensure_ascii=False)
            if message.get("bot_id") and all(word in shown for word in words):
                return message
        return {}

    def posted_once(self, *words: str) -> bool:
        """Whether a message showed all these words when it was posted, whatever became of it."""
        return any(all(word in shown for word in words) for shown in self.posted)

    def mention(self, name: str) -> str:
        """How Slack writes a person who is to notice it."""
        return next((f"<@{ident}>" for ident, known in self.names.items() if known == name), name)

    def are_members(self, *names: str) -> bool:
        """Whether all these people are in the channel."""
        return set(names) <= {self.names[ident] for ident in self.channel["members"]}

    def has_bookmark(self, address: str) -> bool:
        """Whether the channel's bar holds a link to this."""
        return any(mark["link"].endswith(address) for mark in self.channel["bookmarks"])

    def headline(self, *words: str) -> Json:
        """The headline, if it holds these words."""
        return self.said(f"INC-1 · {TITLE}", *words)

    def minutes_in(self, message: Json) -> timedelta:
        """How far into the story a message was written."""
        return timedelta(seconds=float(message.get("ts", 0)) - self.began.timestamp())


def _responders_came(found: Found) -> bool:
    first = {found.names[ident] for ident in found.invited[0]} if found.invited else set()
    return {ANA, BO, CARA, DEE} <= first and found.are_members(ANA, BO, CARA, DEE)


def _first_checklist_came(found: Found) -> bool:
    came = found.said(_FIRST)
    return bool(came) and found.minutes_in(came) < timedelta(minutes=1)


def _second_checklist_came(found: Found) -> bool:
    came = found.said(_SECOND, "Roll it back first")
    return bool(came) and _SECOND_DUE <= found.minutes_in(came) < _SECOND_DUE + timedelta(minutes=1)


def _second_alert_joined(found: Found) -> bool:
    return len([name for name in found.channels if name.startswith("inc-")]) == 1 and bool(
        found.headline("2 alerts", "PagerDuty #1", "PagerDuty #2")
    )


def _ticket_is_labelled(found: Found) -> bool:
    return TITLE in found.ticket.get("summary", "") and any(
        label.startswith("multivac-inc-1-") for label in found.ticket.get("labels", ())
    )


def _note_was_left(found: Found) -> bool:
    return any(
        f"is in the Slack channel #{CHANNEL}" in note["content"] for note in found.alert.get("notes", ())
    )


PARTS: dict[str, Callable[[Found], Any]] = {
    "the channel was opened under its name": lambda found: CHANNEL in found.channels,
    "the topic says what it is": lambda found: f"INC-1 · {TITLE}" in found.channel.get("topic", ""),
    "the description says what the channel is for": lambda found: "INC-1" in found.channel.get("purpose", ""),
    "the headline was posted": lambda found: found.headline(),
    "the headline is pinned": lambda found: found.headline().get("ts") in found.channel["pins"],
    "the headline was redrawn with lead and ticket": lambda found: (
        "edited" in found.headline(DEE, "OPS-1", ANA)
    ),
    "the responders were invited in one call": _responders_came,
    "the cx lead was chosen": lambda found: found.headline("*Roles:*", CARA),
    "the cx lead was asked for the severity": lambda found: found.posted_once(
        found.mention(CARA), "severity"
    ),
    "the support leads came with SEV1": lambda found: found.are_members("Cy Tanaka"),
    "the responder whom Dee asked for came": lambda found: found.are_members("Gus Moreau"),
    "the ticket was opened with its label": _ticket_is_labelled,
    "the ticket is assigned to the lead": lambda found: (
        (found.ticket.get("assignee") or {}).get("displayName") == DEE
    ),
    "the lead was told": lambda found: found.said(found.mention(DEE), "leads this incident, accepted"),
    "the incident was announced": lambda found: found.said("INC-1", TITLE, where="incidents"),
    "the announcement was redrawn": lambda found: (
        "edited" in found.said("SEV1", DEE, "INC-1", where="incidents")
    ),
    "the first checklist was posted at once": _first_checklist_came,
    "the second checklist was posted when it was due": _second_checklist_came,
    "the alert is in the bookmarks": lambda found: found.has_bookmark(f"/incidents/{found.alert.get('id')}"),
    "the ticket is in the bookmarks": lambda found: found.has_bookmark("/browse/OPS-1"),
    "the bridge is in the bookmarks": lambda found: found.has_bookmark(BRIDGE),
    "PagerDuty shows where the response is": _note_was_left,
    "the second alert joined": _second_alert_joined,
    "the severity was planned anew": lambda found: (
        found.channel.get("topic", "").startswith("SEV1") and found.headline("SEV1")
    ),
    "the resolution was proposed": lambda found: found.said("resolved the last of 2 alerts", "Is it over?"),
}


def missing(world: Sandbox, began: datetime) -> list[str]:
    """The names of the parts that did not happen, in the order in which they would have."""
    found = _look(world, began)
    return [name for name, happened in PARTS.items() if not happened(found)]


def _look(world: Sandbox, began: datetime) -> Found:
    state = world.state()
    slack = state["slack"]
    calls = world.world.calls
    invites = [one for one in calls("slack", "conversations.invite") if one.fault is None]
    posts = [one for one in calls("slack", "chat.postMessage") if one.fault is None]
    return Found(
        began=began,
        names={one["id"]: one["profile"]["real_name"] for one in slack["people"]},
        channels={one["name"]: one for one in slack["channels"]},
        tickets=state["jira"]["issues"],
        alert=next((one for one in state["pagerduty"]["incidents"] if one["title"] == TITLE), {}),
        invited=[str(one.request_body["users"]).split(",") for one in invites],
        posted=[json.dumps(one.request_body, ensure_ascii=False) for one in posts],
    )
