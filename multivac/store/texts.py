"""Texts from outside, without what no database or chat can hold. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


def cleaned(value: T) -> T:
    """The same value, its texts without control characters and half pairs."""
    found: T = _cleaned(value)
    return found


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _cleaned(getattr(value, each.name)) for each in fields(value)})
    return value


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable():  # nearly all are, and the long way takes long
        return text
    kept = (
        " " if one in "\n\r\t" else one
        for one in text
        if one in "\n\r\t" or unicodedata.category(one)[0] != "C"
    )
    return "".join(kept)
