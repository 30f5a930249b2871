"""What a title says once everything is taken out that differs from one alert to the next. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_LOOKED_AT = 300
_FEWEST_WORDS = 2  # one word, such as "alert", would throw everything together

# Each alternative reads a letter once, so that no title is slow. Dotted names are hosts, versions and files.
_DIFFERS = re.compile(
    r"""
      \w+://\S*                     # an address on the web
    | \S+@\S+                       # an e-mail
    | [\w-]+(?:[.:/][\w-]+)+        # web-1.example.com, 10.0.0.1:80, 12:30, 2026/01/31, a/b
    | [\w-]*\d[\w-]*                # whatever holds a digit: numbers, ids, hosts, times
    """,
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W\d_]{2,}")


@lru_cache(maxsize=256)
def gist(title: str) -> str | None:
    """The words of a title without numbers, ids, hosts, times and case; None if too few are left."""
    words = _WORD.findall(_DIFFERS.sub(" ", title[:_LOOKED_AT].casefold()))
    return " ".join(words) if len(words) >= _FEWEST_WORDS else None
