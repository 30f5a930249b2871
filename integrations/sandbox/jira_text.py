"""Atlassian documents and plain text: what is one, and how one becomes the other. Pure."""

from collections.abc import Iterator
from typing import Any

from integrations.sandbox.jira_model import Json, Text

LONGEST = 32_767
BLOCKS = {"paragraph", "heading", "listItem", "codeBlock", "tableRow", "rule", "blockquote"}
KNOWN = BLOCKS | {
    "doc", "text", "hardBreak", "bulletList", "orderedList", "mention", "emoji", "inlineCard", "blockCard",
    "panel", "status", "date", "table", "tableCell", "tableHeader", "expand", "taskList", "taskItem",
    "decisionList", "decisionItem", "media", "mediaSingle", "mediaGroup", "nestedExpand", "embedCard",
    "mediaInline", "layoutSection", "layoutColumn",
}  # fmt: skip


def is_document(value: Any) -> bool:
    """Say whether this is an Atlassian document: version 1, a doc of known nodes, no empty text."""
    fine = isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1
    return fine and isinstance(value.get("content"), list) and all(_sound(node) for node in _nodes(value))


def as_document(text: Text | None) -> Json | None:
    """Give text as v3 shows it: each line a paragraph."""
    if text is None or isinstance(text, dict):
        return text
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
        for line in text.split("\n")
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}


def as_plain(text: Text | None) -> str | None:
    """Give text as v2 shows it, without marks: one line per block."""
    if text is None or isinstance(text, str):
        return text
    return "".join(_words(text)).strip("\n")


def _words(node: Json) -> Iterator[str]:
    kind, attrs = node.get("type"), node.get("attrs") or {}
    if kind == "text":
        yield node["text"]
        yield from (f"|{m['attrs']['href']}" for m in node.get("marks") or [] if m.get("type") == "link")
    elif kind == "hardBreak":
        yield "\n"
    elif attrs.get("text") or attrs.get("url"):
        yield str(attrs.get("text") or attrs.get("url"))
    for child in node.get("content") or []:
        yield from _words(child)
    if kind in BLOCKS:
        yield "\n"


def _nodes(node: Json) -> Iterator[Any]:
    yield node
    for child in node.get("content") or []:
        if isinstance(child, dict):
            yield from _nodes(child)
        else:
            yield child


def _sound(node: Any) -> bool:
    if not isinstance(node, dict) or node.get("type") not in KNOWN:
        return False
    # Jira refuses empty text nodes, a classic mistake of home-made documents.
    return node["type"] != "text" or (isinstance(node.get("text"), str) and node["text"] != "")
