"""What somebody says to us in Slack outside a form: a mention, a direct message, a shortcut, a button. Pure.

Each is a line of the core's grammar, in plain words: what Slack writes in its own way is undone here, once.
Called by inbound.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from integrations.slack.events import bot_of
from integrations.slack.mouth import Place
from integrations.slack.text import typed
from multivac.desk import Ask
from multivac.shortcuts import Shortcut
from multivac.verbs import Pointed

Body = Mapping[str, Any]

_SAY = re.compile(r"say-\d+")
_SOMEBODY = "[UW][A-Z0-9]+"
_CALLED = re.compile(rf"^(?:\s*<@{_SOMEBODY}(?:\|[^>]*)?>[:,]?)+")


def said_to_us(body: Body, event: Body) -> tuple[Ask, Place] | None:
    """What somebody asks in a mention or directly, and where they are answered; None for any other event."""
    at_us = event.get("type") == "app_mention"
    in_person = event.get("type") == "message" and event.get("channel_type") == "im"
    if not (at_us or in_person):
        return None
    user, channel, thread = event["user"], str(event.get("channel", "")), event.get("thread_ts")
    ask = Ask(
        request=f"event:{body.get('event_id', '')}",
        by=user,
        name="",
        via="mention" if at_us else "message",
        line=typed(_but_for_us(str(event.get("text", "")), bot_of(body), at_us=at_us)),
        channel=channel if at_us else "",
        thread=str(thread or "") if at_us else "",
    )
    return ask, Place(user=user, channel=channel, thread=thread, direct=in_person)


def _but_for_us(text: str, bot: str, *, at_us: bool) -> str:
    """The text without the mention that called us, and whoever is called before; all others are meant."""
    before, ours, after = _parted(text, re.compile(rf"<@{re.escape(bot) or _SOMEBODY}(?:\|[^>]*)?>[:,]?"))
    if not (at_us or bot) or not ours:
        return text.strip()
    return f"{_CALLED.sub('', before) if at_us else before} {after}".strip()


def _parted(text: str, mention: re.Pattern[str]) -> tuple[str, str, str]:
    found = mention.search(text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def asked_by_shortcut(chosen: Shortcut, body: Body) -> Ask:
    """What choosing an entry of Slack's own menus asks; of a message, with its words and where it is."""
    user, message = body["user"], body.get("message") or {}
    channel = str((body.get("channel") or {}).get("id", ""))
    line = chosen.line
    if chosen.of_message:
        ts = str(body["message_ts"])
        team = str((body.get("team") or {}).get("domain") or "")
        host = f"{team}.slack.com" if team else "slack.com"
        link = f"https://{host}/archives/{channel}/p{ts.replace('.', '')}"
        line = (
            f"{line} {Pointed(id=ts, place=channel, link=link, author=str(message.get('user') or '')).word}"
        )
    return Ask(
        request=f"shortcut:{body['trigger_id']}",
        by=user["id"],
        name=name_of(user),
        via="shortcut",
        line=line,
        channel=channel,
        thread=str(message.get("thread_ts") or message.get("ts") or ""),
        quoted=typed(str(message.get("text", ""))),
    )


def name_of(user: Body) -> str:
    """What Slack calls whoever did something."""
    return str(user.get("name") or user.get("username") or "")


def line_of(action: Body) -> str | None:
    """What pressing it says; None for a button that no release of ours has drawn."""
    if not _SAY.fullmatch(str(action.get("action_id", ""))):
        return None
    chosen = action.get("selected_option") or {}
    return str(action.get("value") or chosen.get("value") or "")
