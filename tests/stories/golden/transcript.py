"""What all of Slack saw of a storyline, as lines of text: places, messages, edits, mentions, buttons.

The vendors of a story answer at once, so much happens within one instant of its clock. What has no order
by itself is put into one here: entries and messages of one instant, but for the three that open a channel.
How often a message is redrawn while facts come in differs from run to run: of those that are redrawn all
the time is told only whether they still were after a minute. But no message may pass a bound. Of what asks
somebody, which is what they were notified of, both are told: what they read first, and what it became. What
people write is told where we put a sign under it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from integrations.sandbox.server import Sandbox
from integrations.sandbox.slack_state import Channel
from tests.stories.workspace import text_of

# What differs from one run to the next, or from one machine to another.
_VARIES = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://sandbox"),
    (re.compile(r"\bQ[A-Z0-9]{13}\b"), "Q-ALERT"),
    (re.compile(r"/archives/\w+/p\d+"), "/archives/…"),
    (re.compile(r"<!date\^\d+\^[^|]*\|([^>]+)>"), r"\1"),  # to the minute
    (re.compile(r"\bRef [0-9A-Z]{4,}\b"), "Ref …"),
)
_INSTANT = re.compile(r"<!date\^\d+")
_OPENING = ("headline", "checklist", "lead told")
_REDRAWN = ("headline", "announcement", "gaps")
_ASKING = ("lead told", "severity asked", "given", "approval", "gaps")
_MOST_EDITS = 16  # of one message in a whole storyline: twice as many as there were ever


def transcript(sandbox: Sandbox) -> str:
    """Every place that we wrote into: channels as they were opened, then what people were told directly."""
    edits = Counter(_edited(one) for one in sandbox.world.calls("slack", "chat.update"))
    assert max(edits.values(), default=0) <= _MOST_EDITS, f"a message was redrawn too often: {edits}"
    posts = dict(map(_posted, sandbox.world.calls("slack", "chat.postMessage")))
    lines: list[str] = []
    places = sorted(sandbox.slack.space.channels.values(), key=lambda one: _rank(sandbox, one))
    for channel in places:
        told = list(_told(sandbox, channel, edits, posts))
        if told:
            lines += [_heading(sandbox, channel), *told, ""]
    return _settled(sandbox, "\n".join(lines))


def shape(told: str) -> list[str]:
    """The transcript without its words: what was said where, in which order, how loud, with which buttons."""
    return [
        re.sub(r"\[.*\] ", "[…] ", line) if line.startswith("      [") else line
        for line in told.splitlines()
        if not line.startswith("      |")
    ]


def _rank(sandbox: Sandbox, channel: Channel) -> tuple[bool, str]:
    is_direct = channel.kind == "im"
    return is_direct, _heading(sandbox, channel) if is_direct else ""


def _in_order(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By time; of one instant first what opens a channel, as it was posted, then the rest by its kind."""

    def rank(message: dict[str, Any]) -> tuple[str, bool, str]:
        opens = _kind(message).partition("/")[0] in _OPENING
        return message["ts"].partition(".")[0], not opens, "" if opens else _kind(message)

    return sorted(messages, key=rank)


def _kind(message: dict[str, Any]) -> str:
    return str(message.get("metadata", {}).get("event_payload", {}).get("kind", "answer"))


def _edited(call: Any) -> tuple[str, str]:
    return str(call.request_body.get("channel")), str(call.request_body.get("ts"))


def _posted(call: Any) -> tuple[tuple[str, str], dict[str, Any]]:
    body = call.response_body if isinstance(call.response_body, dict) else {}
    return (str(body.get("channel")), str(body.get("ts"))), body.get("message", {})


def _heading(sandbox: Sandbox, channel: Channel) -> str:
    names = sorted(_names(sandbox)[one] for one in channel.members if one != sandbox.slack.space.bot.id)
    if channel.kind == "im":
        return f"direct messages: {', '.join(names)}"
    closed = ", archived" if channel.archived else ""
    kind = "private channel" if channel.kind == "private" else "channel"
    by_us = channel.creator == sandbox.slack.space.bot.id
    return f"{kind} #{channel.name}{closed}" + (f": {', '.join(names)}" if by_us else "")


def _told(
    sandbox: Sandbox,
    channel: Channel,
    edits: Counter[tuple[str, str]],
    posts: Mapping[tuple[str, str], dict[str, Any]],
) -> Iterator[str]:
    """Each message of ours with all that a reader sees of it; what only one person was shown comes last."""
    ours = [one for one in channel.messages.values() if one["user"] == sandbox.slack.space.bot.id]
    for message in _in_order(ours):
        if "subtype" in message and message["subtype"] != "thread_broadcast":
            continue
        kind = _kind(message)
        what = "    in the thread, " if message.get("thread_ts", message["ts"]) != message["ts"] else "  "
        loud = ", also in the channel" if message.get("subtype") == "thread_broadcast" else ""
        is_redrawn = _is_redrawn_late(message) if kind in _REDRAWN else edits[channel.id, message["ts"]]
        often = ", edited" if is_redrawn else ""
        pinned = ", pinned" if message["ts"] in channel.pins else ""
        first = posts.get((channel.id, message["ts"]), message)  # an edit notifies nobody
        yield f"{what}{kind}{loud}{often}{pinned}{_mentions(sandbox, first)}"
        if often and kind.partition("/")[0] in _ASKING:
            yield from ("    at first", *_shown(first), "    now")
        yield from _shown(message)
    yield from _signed(sandbox, channel)
    for message in channel.ephemerals:
        yield f"  only {_names(sandbox)[message['to']]} sees"
        yield from _shown(message)


def _is_redrawn_late(message: dict[str, Any]) -> bool:
    edited = float(message.get("edited", {}).get("ts", message["ts"]))
    return edited - float(message["ts"]) >= 60


def _signed(sandbox: Sandbox, channel: Channel) -> Iterator[str]:
    """What people wrote and we put a sign under, with all the signs there."""
    us = sandbox.slack.space.bot.id
    for message in channel.messages.values():
        signs = message.get("reactions", ())
        if any(us in sign["users"] for sign in signs):
            told = ", ".join(f"{sign['name']} by {_listed(sandbox, sign['users'])}" for sign in signs)
            yield f"  written by {_names(sandbox)[message['user']]}: {told}"
            yield f"      | {message['text']}"


def _listed(sandbox: Sandbox, users: Sequence[str]) -> str:
    names = _names(sandbox) | {sandbox.slack.space.bot.id: "us"}
    return ", ".join(names[one] for one in users)


def _shown(message: dict[str, Any]) -> Iterator[str]:
    buttons = list(_buttons(message))
    labels = {label for label, _ in buttons}
    lines = [line for line in text_of(message).splitlines() if line and line not in labels]
    for _, of_one_instant in groupby(lines, key=_instant):
        yield from (f"      | {line}" for line in sorted(of_one_instant))
    for label, value in buttons:
        yield f"      [{label}] {value}"


def _instant(line: str) -> str:
    return found.group() if (found := _INSTANT.match(line)) else line


def _buttons(message: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for block in message.get("blocks", ()):
        for element in (*block.get("elements", ()), block.get("accessory", {})):
            if element.get("type") == "button":
                yield element["text"]["text"], str(element.get("value", element.get("url", "")))
            for option in element.get("options", ()):
                yield option["text"]["text"], str(option["value"])


def _mentions(sandbox: Sandbox, message: dict[str, Any]) -> str:
    named = re.findall(r"<@(U\w+)>|<!(here|channel|everyone)", text_of(message))
    names = _names(sandbox)
    told = sorted({names[person] if person else f"@{group}" for person, group in named})
    return f", mentions {', '.join(told)}" if told else ""


def _names(sandbox: Sandbox) -> dict[str, str]:
    return {one.id: one.real_name.split()[0] for one in sandbox.slack.space.people.values()}


def _settled(sandbox: Sandbox, told: str) -> str:
    """The same with names for ids, and nothing that varies."""
    for ident, name in _names(sandbox).items():
        told = told.replace(f"<@{ident}>", f"@{name}")
    for channel in sandbox.slack.space.channels.values():
        told = told.replace(f"<#{channel.id}>", f"#{channel.name}").replace(channel.id, f"#{channel.name}")
    for pattern, instead in _VARIES:
        told = pattern.sub(instead, told)
    return told
