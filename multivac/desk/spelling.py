"""What somebody wrote as others read it: whoever is mentioned in it is called by their name."""

from __future__ import annotations

import re
from dataclasses import replace

import structlog

from multivac.desk.asking import Sitting
from multivac.desk.people import who_is
from multivac.errors import MultivacError
from multivac.steps.base import Outside
from multivac.verbs import Part

log = structlog.get_logger()

_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|([^<>]*))?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|@?([^<>]*))?>")


def spelt(out: Outside, text: str) -> str:
    """The text with names for the chat's ids; who cannot be looked up now keeps the id."""
    named = _PERSON.sub(lambda found: f"@{who_is(out, found[1], '')[0].name}", text)
    named = _CHANNEL.sub(lambda found: f"#{found[2] or _channel(out, found[1])}", named)
    return _GROUP.sub(lambda found: f"@{found[2]}" if found[2] else called(out, found[1]), named)


def called(out: Outside, group: str) -> str:
    """What people call this user group by; its id if that cannot be looked up now."""
    try:
        return f"@{(out.chat.group_handle(group) if out.chat is not None else None) or group}"
    except MultivacError as error:
        log.info("user group not looked up", group=group, why=str(error))
        return f"@{group}"


def _channel(out: Outside, chat_id: str) -> str:
    try:
        return (out.chat.channel_name(chat_id) if out.chat is not None else None) or chat_id
    except MultivacError as error:
        log.info("channel not looked up", chat_id=chat_id, why=str(error))
        return chat_id


def spelt_out(sitting: Sitting) -> Sitting:
    """The request with names in whatever it says besides what its verb acts on."""
    if Part.LINE in sitting.verb.takes:
        return sitting
    out, words, ask = sitting.house.out, sitting.words, sitting.ask
    return replace(
        sitting,
        words=replace(words, text=spelt(out, words.text)),
        ask=replace(ask, quoted=spelt(out, ask.quoted)),
    )
