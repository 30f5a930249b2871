"""Values that an operator writes: durations, e-mails, addresses, and the base of every such model. Pure.

Settings, people and playbooks build their models from these, so that `10m` means the same in
every file and every mistake says what to write instead.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = r"^(?=.)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"
_LONGEST = timedelta(days=3_650)


class Strict(BaseModel):
    """Something an operator wrote: never changed after reading, and no key goes unnoticed."""

    # Errors are shown as findings, which hide secrets; pydantic's own text would print them.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def wrong(why: str, fix: str = "") -> PydanticCustomError:
    """Return the error that a validator raises: what is wrong, and what to write instead."""
    return PydanticCustomError("wrong", "{why}", {"why": why, "fix": fix})


def parse_duration(written: object) -> timedelta:
    """Return the time meant by `90s`, `10m`, `1h30m` or `2d`; a plain 0 needs no unit."""
    if isinstance(written, timedelta):
        return written
    text = str(written).replace(" ", "")
    if text == "0":
        return timedelta()
    if isinstance(written, bool) or not re.match(_DURATION, text):
        raise wrong(
            f"is {written!r}, which is no duration.", "Write a number and its unit: 90s, 10m, 1h30m or 2d."
        )
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d{1,12})([dhms])", text))
    if seconds > _LONGEST.total_seconds():
        raise wrong(f"is {written!r}, which is longer than ten years.", "Write a shorter time.")
    return timedelta(seconds=seconds)


def say_duration(time: timedelta) -> str:
    """Return the shortest way to write `time` in whole seconds: the inverse of `parse_duration`."""
    left, parts = int(time.total_seconds()), ""
    for unit, size in _UNITS.items():
        count, left = divmod(left, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(say_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION, "examples": ["90s", "10m", "1h30m", "2d"]}),
]


def _positive(time: timedelta) -> timedelta:
    if time <= timedelta():
        raise wrong("is 0, which never passes.", "Write a duration such as 5m.")
    return time


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]


def _email(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", text):
        raise wrong(f"is {text!r}, which is no e-mail address.", "Write it like ana@example.com.")
    return text


Email = Annotated[str, AfterValidator(_email)]


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or re.search(r"\s", text):
        raise wrong(f"is {text!r}, which is no web address.", "Write it with https:// at its beginning.")
    return text.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]
