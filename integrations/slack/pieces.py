"""The pieces of which messages are made in Slack: paragraphs, lists, small print, buttons, menus. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.slack.text import joined, plain
from multivac.briefing import Press
from multivac.tongue import phrase
from multivac.verbs import irrevocable

# Slack's limits: https://docs.slack.dev/reference/block-kit/blocks. The header keeps a distance from
# its 150, because Slack may count an emoji by its name.
HEADER_LIMIT = 120
SECTION_LIMIT = 3000
# All blocks together may not pass about 13,200 characters, which Slack does not document.
LIST_LIMIT = 9000
BUTTON_LIMIT = 75
VALUE_LIMIT = 2000
CONTEXT_LIMIT = 10
OPTION_VALUE_LIMIT = 150
_IN_A_ROW = 5

# Plain dictionaries: the SDK's own block classes check themselves at each drawing, which cost a third
# of the time of a call. The tests hold every drawing against those classes instead.
Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A message as Slack takes it: the sentence that is spoken, and the blocks that are shown."""

    text: str
    blocks: list[Block]


def drawn(kind: str, text: str, blocks: Sequence[Block | None]) -> Drawn:
    """What is said in the blocks that there are, each of them with an id of its own."""
    shown = [block for block in blocks if block is not None]
    return Drawn(
        text=text,
        blocks=[block | {"block_id": f"{kind}-{place}"} for place, block in enumerate(shown, start=1)],
    )


def presses(said: Sequence[Press], *, rarer: Sequence[Press] = ()) -> Block | None:
    """A row of buttons; what each says is its value, so that one of an older release still works.

    Those that are pressed more rarely are behind the last of them, which has three dots.
    """
    if not said:
        return None
    shown = [button(one, place) for place, one in enumerate(said)]
    if rarer:
        shown.append({"type": "overflow", "action_id": f"say-{len(said)}", "options": _options(rarer)})
    return {"type": "actions", "elements": shown}


def rows(said: Sequence[Press]) -> list[Block]:
    """As `presses`, in rows of a few: a phone shows them so, and the eye finds the first."""
    drawn = [button(one, place) for place, one in enumerate(said)]
    return [
        {"type": "actions", "elements": drawn[start : start + _IN_A_ROW]}
        for start in range(0, len(drawn), _IN_A_ROW)
    ]


def button(said: Press, place: int) -> dict[str, Any]:
    """A button; `place` tells it from the others of the message."""
    drawn: dict[str, Any] = {
        "type": "button",
        "action_id": f"say-{place}",
        "text": plain_text(said.label, BUTTON_LIMIT),
        "value": said.line[:VALUE_LIMIT],
    }
    if said.stands_out:
        drawn["style"] = "primary"
    if asked := _asked_first(said):
        drawn["confirm"] = {
            "title": plain_text(phrase("Are you sure?"), 100),
            "text": plain_text(asked, 300),
            "confirm": plain_text(said.label, 30),
            "deny": plain_text(phrase("No"), 30),
        }
    return drawn


def _asked_first(said: Press) -> str:
    """What is asked before it does anything: always of what cannot simply be taken back."""
    verb = irrevocable(said.line)
    return said.confirm or (phrase(verb.help) if verb is not None else "")


def plain_text(text: str, limit: int) -> dict[str, Any]:
    """Text without any layout."""
    return {"type": "plain_text", "text": plain(text, limit), "emoji": True}


def menu(label: str, said: Sequence[Press]) -> dict[str, Any] | None:
    """A menu of presses, if there are any that fit it.

    It has another id whenever its entries differ: else Slack goes on showing what somebody chose.
    """
    fits = [one for one in said if len(one.line) <= OPTION_VALUE_LIMIT]
    if not fits:
        return None
    place = zlib.crc32("".join([label, *(one.line for one in fits)]).encode())
    return {
        "type": "static_select",
        "action_id": f"say-{place}",
        "placeholder": plain_text(label, BUTTON_LIMIT),
        "options": _options(fits),
    }


def _options(said: Sequence[Press]) -> list[dict[str, Any]]:
    return [{"text": plain_text(one.label or "-", BUTTON_LIMIT), "value": one.line} for one in said]


def header(text: str) -> Block:
    """A title; without words in it Slack would refuse it."""
    shown = plain(text, HEADER_LIMIT) or phrase("No title")
    return {"type": "header", "text": {"type": "plain_text", "text": shown, "emoji": True}}


def sections(text: str) -> list[Block]:
    """A paragraph, if there is something in it."""
    return [{"type": "section", "text": mrkdwn(text)}] if text.strip() else []


def fields(known: Iterable[tuple[str, str]]) -> Block:
    """Names and values side by side; those without a value are left out."""
    said = [mrkdwn(f"*{name}*\n{value}") for name, value in known if value]
    return {"type": "section", "fields": said}


def context(*parts: str) -> Block | None:
    """Small print, if there is some; as many pieces as Slack takes."""
    said = [mrkdwn(each) for each in parts if each][:CONTEXT_LIMIT]
    return {"type": "context", "elements": said} if said else None


def listed(lines: Iterable[str], limit: int = LIST_LIMIT) -> list[Block]:
    """The lines in as few sections as hold them, and a count of those for which there is no room."""
    shown = joined(lines, limit, "\n").split("\n")
    paragraphs = list[str]()
    for each in shown:
        if paragraphs and len(paragraphs[-1]) + 1 + len(each) <= SECTION_LIMIT:
            paragraphs[-1] += f"\n{each}"
        else:
            paragraphs.append(each)
    return [block for text in paragraphs for block in sections(text)]


def mrkdwn(text: str) -> dict[str, Any]:
    """Text of ours, in which words from outside are escaped already."""
    # verbatim: Slack adds no links and no mentions of its own to words that came from outside.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
