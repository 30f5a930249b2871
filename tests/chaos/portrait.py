"""What one incident looks like from outside once all is done, without what differs from run to run."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.sandbox.server import Sandbox
from multivac.incident import Entry

Portrait = dict[str, list[str]]


def portrait(sandbox: Sandbox, title: str, timeline: Sequence[Entry]) -> Portrait:
    """Everything that people see of the incident with this title: line by line, in a settled order.

    Numbers, ids and times are blotted out, so that two incidents of the same kind have equal portraits
    where nothing is missing, doubled or different.
    """
    state = sandbox.state()
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower())
    channels = [c for c in state["slack"]["channels"] if re.fullmatch(rf"inc-\d+-{slug}(-\d+)?", c["name"])]
    numbers = {int(c["name"].split("-")[1]) for c in channels}
    tickets = [i for i in state["jira"]["issues"] if i["fields"]["summary"].endswith(f" {title}")]
    pager = [i for i in state["pagerduty"]["incidents"] if i["title"] == title]
    everywhere = next(c for c in state["slack"]["channels"] if c["name"] == "incidents")
    drawn = {
        "channels": [f"{c['name']} | {c['topic']} | {c['purpose']}" for c in channels],
        "members": [each for c in channels for each in c["members"]],
        "messages": [_message(m) for c in channels for m in c["messages"]],
        "pinned": [_message(m) for c in channels for m in c["messages"] if m["ts"] in c["pins"]],
        "bookmarks": [f"{b['title']} {b['link']}" for c in channels for b in c["bookmarks"]],
        "announcements": [_message(m) for m in everywhere["messages"] if _incident_of(m) in numbers],
        "tickets": [json.dumps(i["fields"], sort_keys=True) for i in tickets],
        "notes": [note["content"] for i in pager for note in i["notes"]],
        "paged": [one["user"]["summary"] for i in pager for one in i["incidents_responders"]],
        "acknowledged": [one["acknowledger"]["summary"] for i in pager for one in i["acknowledgements"]],
        "timeline": [f"{e.kind} {e.text} {e.actor}" for e in timeline],
    }
    names = {person.id: person.real_name for person in sandbox.slack.space.people.values()}
    return {part: sorted(_blotted(line, names) for line in lines) for part, lines in drawn.items()}


def differences(seen: Portrait, expected: Portrait) -> tuple[list[str], list[str]]:
    """What is missing, and what is there that should not be (most often: twice)."""
    lost, doubled = [], []
    for part, lines in expected.items():
        rest = list(seen[part])
        for line in lines:
            if line in rest:
                rest.remove(line)
            else:
                lost.append(f"{part}: {line}")
        doubled += [f"{part}: {line}" for line in rest]
    return lost, doubled


def _incident_of(message: dict[str, Any]) -> int | None:
    number: int | None = message.get("metadata", {}).get("event_payload", {}).get("incident")
    return number


def _message(message: dict[str, Any]) -> str:
    kind = message.get("metadata", {}).get("event_payload", {}).get("kind", message.get("subtype", ""))
    return f"{kind} | {message.get('text')} | {json.dumps(message.get('blocks', []), sort_keys=True)}"


# The marks that our ticket and our note carry, and ids of PagerDuty and Slack.
_IDS = re.compile(r"multivac-inc-\d+-[0-9a-f]+|INC-\d+ [0-9a-f]+(?=\])|\b[A-Z0-9]{7,}\b")


def _blotted(line: str, names: Mapping[str, str]) -> str:
    """The line with people's names for their ids, and without other ids and numbers."""
    named = re.sub(r"\bU\d+\b", lambda found: names.get(found[0], found[0]), line)
    return re.sub(r"\d+", "#", _IDS.sub("ID", named))
