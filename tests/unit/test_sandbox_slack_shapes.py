"""What the Slack stand-in answers has no field that Slack's recorded and documented answers lack."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.unit.office import SECTION, Office, modal

pytest_plugins = ["tests.unit.office_fixtures"]

# Seen in practice, or documented in prose, though in no record.
BESIDE_THE_RECORDS = {
    "auth.test": {"bot_id"},
    "views.open": {"view.previous_view_id"},
}


def _calls(office: Office) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every kind of answer once: the method's name and what it needs."""
    ana = office.user("Ana Silva")
    channel = office.open()
    ts = office.post(channel)
    here = {"channel": channel}
    yield "auth.test", {}
    yield "team.info", {}
    yield "conversations.create", {"name": "inc-2"}
    yield "conversations.info", {**here, "include_num_members": True}
    yield "conversations.invite", {**here, "users": ana}
    yield "conversations.kick", {**here, "user": ana}
    yield "conversations.setTopic", {**here, "topic": "x"}
    yield "conversations.setPurpose", {**here, "purpose": "x"}
    yield "conversations.rename", {**here, "name": "inc-1-x"}
    yield "conversations.join", here
    yield "conversations.list", {}
    yield "conversations.members", here
    yield "conversations.open", {"users": ana}
    yield "users.conversations", {}
    yield "chat.update", {**here, "ts": ts, "text": "x"}
    yield "chat.getPermalink", {**here, "message_ts": ts}
    yield "pins.add", {**here, "timestamp": ts}
    yield "reactions.add", {**here, "timestamp": ts, "name": "eyes"}
    yield "bookmarks.add", {"channel_id": channel, "title": "x", "type": "link", "link": "https://x.example"}
    yield "bookmarks.list", {"channel_id": channel}
    yield "users.info", {"user": ana, "include_locale": True}
    yield "users.list", {}
    yield "users.lookupByEmail", {"email": "ana@example.com"}
    yield "usergroups.list", {"include_users": True, "include_count": True}
    yield "views.open", {"trigger_id": office.slack.trigger(), "view": json.dumps(modal())}
    yield "views.publish", {"user_id": ana, "view": json.dumps({"type": "home", "blocks": [SECTION]})}
    yield "chat.delete", {**here, "ts": ts}
    yield "conversations.archive", here


def _paths(value: Any, at: str = "") -> set[str]:
    """All fields of an object and of the objects in its lists, as dotted paths."""
    if isinstance(value, list):
        return {path for each in value for path in _paths(each, at)}
    if not isinstance(value, dict):
        return set()
    own = {f"{at}.{name}".lstrip(".") for name in value}
    return own.union(*(_paths(each, f"{at}.{name}") for name, each in value.items()), set())


def _known(recorded: Path, method: str) -> set[str]:
    known = set(BESIDE_THE_RECORDS.get(method, ()))
    answer = recorded / "responses" / f"{method}.json"
    if answer.exists():
        known |= _paths(json.loads(answer.read_text()))
    reference = recorded / "methods" / f"{method}.json"
    if reference.exists():
        examples = json.loads(reference.read_text()).get("examples") or {}
        known |= _paths(examples.get("success", {}).get("example"))
    return known


def test_answers_have_no_field_that_slacks_lack(office: Office, payloads: Path) -> None:
    strange = {}
    for method, given in _calls(office):
        answer = office.web.api_call(method, data=given)
        beyond = _paths(answer.data) - _known(payloads / "slack", method)
        # What stands inside blocks is ours, and no record shows a whole message.
        beyond = {path for path in beyond if not path.startswith(("message.", "view.blocks."))}
        if beyond:
            strange[method] = sorted(beyond)
    assert strange == {}
