"""Names of incident channels: always what Slack accepts, whatever the title holds. Pure.

Slack's rule: lower case, no spaces or full stops, at most 80 characters, not only punctuation.
We keep to a-z, 0-9, - and _, which every tool that meets the name can print.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from multivac.values import Strict, wrong

PLACEHOLDERS = ("number", "title", "service", "date")
LONGEST = 79
_ROOM_FOR_SUFFIX = 5
_LONGEST_SERVICE = 24
_TITLE_LOOKED_AT = 500
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
# Letters that Unicode does not take apart; an apostrophe inside a word is not a break.
_SPELT = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "'": None, "’": None}  # noqa: RUF001  # as titles have it
)


def _template(text: str) -> str:
    unknown = [name for name in _PLACEHOLDER.findall(text) if name not in PLACEHOLDERS]
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    if unknown:
        raise wrong(f"has a placeholder that does not exist: {{{unknown[0]}}}.", f"Use {known}.")
    if "{number}" not in text:
        raise wrong(
            "has no {number}, so two channels could get the same name.", "Write inc-{number}-{title}."
        )
    if len(slug(_PLACEHOLDER.sub("", text))) > LONGEST // 2:
        raise wrong(f"is too long: Slack allows {LONGEST} characters in all.", "Shorten the fixed part.")
    return text


class ChannelRule(Strict):
    """What the incident's channel is called and who may see it."""

    name: Annotated[str, AfterValidator(_template)] = Field(
        "inc-{number}-{title}",
        description="The pattern of the name. Placeholders: {number}, {title}, {service}, {date}.",
    )
    private: bool = Field(default=False, description="Whether only invited people can see the channel.")
    ask_before_inviting: bool = Field(
        default=False,
        description="Whether those whom rules name are invited only once somebody in the channel agrees.",
    )

    def hidden(self) -> ChannelRule:
        """The same for an incident that people make private: its rules were not written for that."""
        return (
            self if self.private else self.model_copy(update={"private": True, "ask_before_inviting": True})
        )


def slug(text: str) -> str:
    """Return `text` in a-z, 0-9, - and _, without accents; empty if no letter or digit can be kept."""
    plain = (
        unicodedata.normalize("NFKD", text.casefold().translate(_SPELT)).encode("ascii", "ignore").decode()
    )
    return re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9_]+", "-", plain.lower())).strip("-_")


def name_channel(template: str, *, number: int, title: str, service: str | None, opened_at: datetime) -> str:
    """Return a valid channel name that holds `number`, and as much of the rest as there is room for."""
    values = {"number": str(number), "date": f"{opened_at.astimezone(UTC):%Y%m%d}"}
    room = LONGEST - _ROOM_FOR_SUFFIX - len(_fill(template, values))
    if "{service}" in template:
        values["service"] = _cut(slug((service or "")[:_TITLE_LOOKED_AT]), min(room, _LONGEST_SERVICE))
        room -= len(values["service"])
    values["title"] = _cut(slug(title[:_TITLE_LOOKED_AT]), room)
    name = slug(_fill(template, values))
    return name if str(number) in name and len(name) <= LONGEST - _ROOM_FOR_SUFFIX else f"inc-{number}"


def _fill(template: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], ""), template)


def _cut(text: str, room: int) -> str:
    """Shorten at a word's end, unless that would cost half of the room."""
    if len(text) <= room:
        return text
    kept = text[: max(room, 0)]
    whole = kept.rpartition("-")[0]
    if text[len(kept)] != "-" and len(whole) >= room // 2:
        kept = whole
    return kept.strip("-_")


def with_suffix(name: str, attempt: int) -> str:
    """Return the name to try after `attempt` refusals: 0 gives the name itself, 1 gives `name-2`."""
    if attempt <= 0:
        return name
    suffix = f"-{attempt + 1}"
    return name[: LONGEST - len(suffix)].rstrip("-_") + suffix
