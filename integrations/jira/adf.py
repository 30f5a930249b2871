"""Text for Jira: the Atlassian Document Format for Cloud (v3), escaped wiki text for Data Center (v2).

Pure. What is written comes from outside (alert titles, people's words), so nothing in it may act as
markup: neither mention a person nor load a picture nor start a macro.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Jira refuses longer descriptions: 32,767 characters is the default limit of a text field.
LONGEST = 30_000

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# Hyphens and plus signs act only at the start of a word, and are too common to escape in all others.
_MARKUP = re.compile(r"([{}\[\]*_^~!|]|(?<!\w)[-+])")
_BLOCK_WORD = re.compile(r"^(\s*(?:h[1-6]|bq))\.", re.MULTILINE)
_WEB = ("https://", "http://")

Node = dict[str, object]
Links = Sequence[tuple[str, str]]


def plain(text: str) -> str:
    """The text without what no Jira field can hold."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most `limit` characters, as a summary must be."""
    flat = " ".join(plain(text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def document(paragraphs: Sequence[str], links: Links) -> Node:
    """The paragraphs, then one line for each link, as an ADF document."""
    texts = [_paragraph(_lines(text)) for text in _fitting(paragraphs)]
    content = [*texts, *(_paragraph([_link(label, url)]) for label, url in links if label.strip())]
    return {"version": 1, "type": "doc", "content": content or [_paragraph([])]}


def wiki(paragraphs: Sequence[str], links: Links) -> str:
    """The same in wiki markup, with everything that would act as markup escaped."""
    texts = [_escaped(text) for text in _fitting(paragraphs)]
    return "\n\n".join([*texts, *(_wiki_link(label, url) for label, url in links if label.strip())])


def _fitting(paragraphs: Sequence[str]) -> list[str]:
    left, kept = LONGEST, []
    for text in filter(None, (plain(each).strip() for each in paragraphs)):
        if left <= 0:
            break
        kept.append(text if len(text) <= left else text[: left - 1] + "…")
        left -= len(text)
    return kept


def _paragraph(content: list[Node]) -> Node:
    return {"type": "paragraph", "content": content}


def _lines(text: str) -> list[Node]:
    nodes: list[Node] = []
    for each in text.split("\n"):
        if nodes:
            nodes.append({"type": "hardBreak"})
        if each:  # an empty text node is not valid ADF
            nodes.append({"type": "text", "text": each})
    return nodes


def _link(label: str, url: str) -> Node:
    shown = one_line(label, 200)
    if not url.startswith(_WEB):
        return {"type": "text", "text": f"{shown}: {plain(url)}"}
    return {"type": "text", "text": shown, "marks": [{"type": "link", "attrs": {"href": plain(url)}}]}


def _escaped(text: str) -> str:
    # A backslash cannot escape itself (two of them are a line break), but an entity can stand for it.
    marked = _MARKUP.sub(r"\\\1", text.replace("\\", "&#92;"))
    return _BLOCK_WORD.sub(r"\1&#46;", marked)


def _wiki_link(label: str, url: str) -> str:
    shown = _escaped(one_line(label, 200))
    if not url.startswith(_WEB):
        return f"{shown}: {_escaped(one_line(url, 2000))}"
    safe = re.sub(r"[\s|\[\]{}\\^]", lambda found: f"%{ord(found.group()):02X}", plain(url).strip())
    return f"[{shown}|{safe}]"
