"""The ideal client: makes the calls of a response as early as their needs allow, and does nothing else.

No database, no vendor's SDK, no retries, no thought. What it needs is what the calls cost in Python.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks.path import KNOWN, LOOKED_UP, Call
from benchmarks.wire import Wire
from benchmarks.world import HEADERS, Alert, World

_PATHS = {"slack": "/slack/api", "jira": "/jira", "pagerduty": "/pagerduty"}
Asked = tuple[str, str, bytes]


@dataclass(slots=True)
class Known:
    """What one response knows so far: the alert and the answers, by the names of their calls."""

    alert: Alert
    answers: dict[str, Any] = field(default_factory=dict)
    chat_ids: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        """The channel's id."""
        return str(self.answers["channel"]["channel"]["id"])

    @property
    def emails(self) -> list[str]:
        """Who is on call."""
        return list(dict.fromkeys(one["user"]["email"] for one in self.answers["on call"]["oncalls"]))

    @property
    def policy(self) -> str:
        """Whom PagerDuty asks."""
        return str(json.loads(self.alert.body)["event"]["data"]["escalation_policy"]["id"])


class Ideal:
    """One client with its connections; it remembers people from one response to the next."""

    def __init__(self, world: World) -> None:
        self._wires = {vendor: Wire(world.url + path) for vendor, path in _PATHS.items()}
        self._chat_ids: dict[str, str] = {}
        self._accounts: dict[str, str] = {}

    async def respond(self, alert: Alert, *, looked_up: bool) -> None:
        """All calls of one response; `looked_up` asks for everybody's ids, else they are remembered."""
        known = Known(alert, chat_ids=self._chat_ids, accounts=self._accounts)
        running: dict[str, asyncio.Task[None]] = {}
        for call in LOOKED_UP if looked_up else KNOWN:
            waits = [running[need] for need in call.needs]
            running[call.name] = asyncio.create_task(self._make(call, known, waits))
        await asyncio.gather(*running.values())

    def close(self) -> None:
        """Close the connections."""
        for wire in self._wires.values():
            wire.close()

    async def _make(self, call: Call, known: Known, waits: list[asyncio.Task[None]]) -> None:
        for need in waits:
            await need
        if call.name == "chat ids":
            await asyncio.gather(*(self._look_up(known, email) for email in known.emails))
            return
        known.answers[call.name] = await self._ask(call.vendor, _REQUESTS[call.name](known))
        if call.name == "account":
            known.accounts[known.emails[0]] = known.answers["account"][0]["accountId"]

    async def _look_up(self, known: Known, email: str) -> None:
        found = await self._ask("slack", _slack("users.lookupByEmail", email=email))
        known.chat_ids[email] = found["user"]["id"]

    async def _ask(self, vendor: str, asked: Asked) -> Any:
        verb, path, body = asked
        reply = await self._wires[vendor].call(verb, path, body, headers=HEADERS[vendor])
        answer = reply.json
        if reply.status >= 400 or (vendor == "slack" and not answer["ok"]):
            raise RuntimeError(f"{path}: {reply.status} {answer}")
        return answer


def _slack(method: str, **fields: str) -> Asked:
    return "POST", f"/{method}", urlencode(fields).encode()


def _jira(verb: str, path: str, body: Any = None) -> Asked:
    return verb, f"/rest/api/3/{path}", json.dumps(body).encode() if body is not None else b""


def _ticket(known: Known) -> Asked:
    fields = {
        "project": {"key": "OPS"},
        "issuetype": {"name": "Task"},
        "summary": f"{known.alert.token} is slow to answer",
    }
    return _jira("POST", "issue", {"fields": fields})


def _note(known: Known) -> Asked:
    body = json.dumps({"note": {"content": f"The response is in #inc-{known.alert.token}"}}).encode()
    return "POST", f"/incidents/{known.alert.id}/notes", body


def _on_call(known: Known) -> Asked:
    asked = {
        "escalation_policy_ids[]": known.policy,
        "earliest": "true",
        "include[]": "users",
        "limit": "100",
    }
    return "GET", f"/oncalls?{urlencode(asked)}", b""


def _bookmark(known: Known, title: str) -> Asked:
    link = "https://example.com/browse"
    return _slack("bookmarks.add", channel_id=known.channel, title=title, type="link", link=link)


def _say(known: Known, text: str, channel: str | None = None) -> Asked:
    return _slack("chat.postMessage", channel=channel or known.channel, text=text)


_REQUESTS: dict[str, Callable[[Known], Asked]] = {
    "on call": _on_call,
    "channel": lambda known: _slack("conversations.create", name=f"inc-{known.alert.token}"),
    "ticket": _ticket,
    "topic": lambda known: _slack(
        "conversations.setTopic", channel=known.channel, topic=f"Triage: {known.alert.token}"
    ),
    "purpose": lambda known: _slack(
        "conversations.setPurpose", channel=known.channel, purpose=f"Response to {known.alert.token}"
    ),
    "headline": lambda known: _say(known, f"Incident: {known.alert.token} is slow to answer"),
    "announcement": lambda known: _say(known, f"Incident: {known.alert.token}", "#incidents"),
    "alert bookmark": lambda known: _bookmark(known, "PagerDuty"),
    "note": _note,
    "account": lambda known: _jira("GET", f"user/search?query={quote(known.emails[0])}&maxResults=50"),
    "invite": lambda known: _slack(
        "conversations.invite",
        channel=known.channel,
        force="1",
        users=",".join(known.chat_ids[email] for email in known.emails),
    ),
    "pin": lambda known: _slack("pins.add", channel=known.channel, timestamp=known.answers["headline"]["ts"]),
    "checklist": lambda known: _say(known, "Checklist First 5 minutes: 8 tasks, 8 to do."),
    "assignee": lambda known: _jira(
        "PUT",
        f"issue/{known.answers['ticket']['key']}/assignee",
        {"accountId": known.accounts[known.emails[0]]},
    ),
    "lead told": lambda known: _say(known, "You lead this incident."),
    "ticket bookmark": lambda known: _bookmark(known, known.answers["ticket"]["key"]),
}
