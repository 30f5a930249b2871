"""Block Kit's limits, checked as Slack checks them: the first findings, worded with a path.

The numbers are those of Slack's Block Kit reference (2026).
"""

from collections.abc import Iterator
from typing import Any

from integrations.sandbox.slack_inputs import FIELDS, options_of
from integrations.sandbox.slack_rules import Refusal

MOST_IN_MESSAGE = 50
MOST_IN_VIEW = 100
# Not documented; reported from practice in slackapi/bolt-js#2509.
LONGEST_TOGETHER = 13_200

_BLOCK_TYPES = frozenset(
    {
        "actions",
        "context",
        "context_actions",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "rich_text",
        "section",
        "table",
        "video",
    }
)
_TEXT_TYPES = frozenset({"plain_text", "mrkdwn"})
_IN_ACTIONS, _IN_CONTEXT, _IN_FIELDS, _IN_OPTIONS = 25, 10, 10, 100
_MOST_OPTIONS = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
_WITH_OPTIONS = frozenset({"checkboxes", "multi_static_select", "overflow", "radio_buttons", "static_select"})
# What each block takes; texts can be typed only into an input block.
_TYPED = frozenset(kind for kind in FIELDS if kind.endswith("_input"))
_MANY = frozenset(kind for kind in FIELDS if kind.startswith("multi_"))
_IN_INPUT_BLOCK = frozenset(FIELDS) | {"file_input", "rich_text_input"}
_PRESSED = frozenset({"button", "overflow", "workflow_button"})
_IN_SECTION_BLOCK = frozenset(FIELDS) - _TYPED - {"datetimepicker"} | _PRESSED | {"image"}
_IN_ACTIONS_BLOCK = frozenset(FIELDS) - _TYPED - _MANY | _PRESSED


def checked_blocks(blocks: Any, *, most: int = MOST_IN_MESSAGE) -> list[dict[str, Any]]:
    """Give blocks back with a `block_id` each, or refuse them with Slack's messages."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refusal("invalid_blocks_format")
    found = list(_faults(blocks, most))
    if found:
        raise Refusal("invalid_blocks", *found[:10])
    if sum(_written(block) for block in blocks) > LONGEST_TOGETHER:
        raise Refusal("msg_blocks_too_long")
    return [{"block_id": f"b{place:03d}", **block} for place, block in enumerate(blocks)]


def _faults(blocks: list[dict[str, Any]], most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:/blocks]"
    seen: set[str] = set()
    for place, block in enumerate(blocks):
        at = f"/blocks/{place}"
        name = block.get("block_id", "")
        if name and name in seen:
            yield f"[ERROR] `block_id` already exists [json-pointer:{at}/block_id]"
        seen.add(name)
        yield from _too_long(name, 255, f"{at}/block_id")
        if block.get("type") not in _BLOCK_TYPES:
            yield f"[ERROR] unsupported type: {block.get('type')} [json-pointer:{at}/type]"
        else:
            yield from _of_block(block, at)
    yield from _twice_named(blocks)


def _of_block(block: dict[str, Any], at: str) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield from _text(block.get("text"), 150, f"{at}/text", plain=True)
        case "section":
            yield from _section(block, at)
        case "context":
            yield from _count(block.get("elements"), _IN_CONTEXT, f"{at}/elements")
            yield from _context(block, at)
        case "actions":
            yield from _count(block.get("elements"), _IN_ACTIONS, f"{at}/elements")
            for place, element in enumerate(block.get("elements") or []):
                yield from _element(element, f"{at}/elements/{place}", _IN_ACTIONS_BLOCK)
        case "input":
            yield from _input(block, at)
        case "image":
            yield from _required(block, "alt_text", at)


def _section(block: dict[str, Any], at: str) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield f"[ERROR] missing required field: text [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], 3000, f"{at}/text")
    if "fields" in block:
        yield from _count(block["fields"], _IN_FIELDS, f"{at}/fields")
        for place, each in enumerate(block["fields"]):
            yield from _text(each, 2000, f"{at}/fields/{place}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory", _IN_SECTION_BLOCK)


def _input(block: dict[str, Any], at: str) -> Iterator[str]:
    yield from _text(block.get("label"), 2000, f"{at}/label", plain=True)
    yield from _element(block.get("element"), f"{at}/element", _IN_INPUT_BLOCK)
    if "hint" in block:
        yield from _text(block["hint"], 2000, f"{at}/hint", plain=True)


def _context(block: dict[str, Any], at: str) -> Iterator[str]:
    for place, element in enumerate(block.get("elements") or []):
        if element.get("type") != "image":
            yield from _text(element, 3000, f"{at}/elements/{place}")


def _element(element: Any, at: str, allowed: frozenset[str]) -> Iterator[str]:
    if not isinstance(element, dict) or not element.get("type"):
        yield f"[ERROR] missing required field: type [json-pointer:{at}]"
        return
    if element["type"] not in allowed:
        yield f"[ERROR] unsupported type: {element['type']} [json-pointer:{at}/type]"
        return
    yield from _too_long(element.get("action_id", ""), 255, f"{at}/action_id")
    if element["type"] == "button":
        yield from _text(element.get("text"), 75, f"{at}/text", plain=True)
        yield from _too_long(element.get("value", ""), 2000, f"{at}/value")
        yield from _too_long(element.get("url", ""), 3000, f"{at}/url")
        if element.get("style", "primary") not in {"primary", "danger"}:
            yield f"[ERROR] must be a valid enum value [json-pointer:{at}/style]"
    if element["type"] == "plain_text_input":
        yield from _too_long(element.get("initial_value") or "", element.get("max_length", 3000), at)
    yield from _options(element, at)
    if "placeholder" in element:
        yield from _text(element["placeholder"], 150, f"{at}/placeholder", plain=True)
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{at}/confirm")


def _options(element: dict[str, Any], at: str) -> Iterator[str]:
    """Check what can be chosen, and that what is chosen from the start is one of it, to the letter."""
    kind = element["type"]
    if kind in _WITH_OPTIONS and not ("options" in element or "option_groups" in element):
        yield f"[ERROR] missing required field: options [json-pointer:{at}]"
        return
    if "options" in element:
        yield from _count(element["options"], _MOST_OPTIONS.get(kind, _IN_OPTIONS), f"{at}/options")
    options = options_of(element)
    for place, option in enumerate(options):
        yield from _text(option.get("text"), 75, f"{at}/options/{place}/text")
        yield from _too_long(option.get("value", ""), 150, f"{at}/options/{place}/value")
        if "description" in option:
            yield from _text(option["description"], 75, f"{at}/options/{place}/description")
    started = [*(element.get("initial_options") or [])]
    if "initial_option" in element:
        started.append(element["initial_option"])
    if kind in _WITH_OPTIONS and any(each not in options for each in started):
        yield f"[ERROR] initial option(s) must be included in the options [json-pointer:{at}]"


def _confirm(confirm: Any, at: str) -> Iterator[str]:
    for name, longest in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if name in confirm or name in {"title", "text"}:
            yield from _text(confirm.get(name), longest, f"{at}/{name}", plain=name != "text")


def _text(text: Any, longest: int, at: str, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield f"[ERROR] missing required field: text [json-pointer:{at}]"
        return
    if text.get("type") not in _TEXT_TYPES or (plain and text["type"] != "plain_text"):
        yield f"[ERROR] unsupported type: {text.get('type')} [json-pointer:{at}/type]"
    if not text["text"]:
        yield f"[ERROR] must be more than 0 characters [json-pointer:{at}/text]"
    yield from _too_long(text["text"], longest, f"{at}/text")


def _too_long(value: str, longest: int, at: str) -> Iterator[str]:
    if len(value) > longest:
        yield f"[ERROR] must be less than {longest + 1} characters [json-pointer:{at}]"


def _count(items: Any, most: int, at: str) -> Iterator[str]:
    if not isinstance(items, list) or not items:
        yield f"[ERROR] no fewer than 1 items required [json-pointer:{at}]"
    elif len(items) > most:
        yield f"[ERROR] no more than {most} items allowed [json-pointer:{at}]"


def _required(block: dict[str, Any], name: str, at: str) -> Iterator[str]:
    if not block.get(name):
        yield f"[ERROR] missing required field: {name} [json-pointer:{at}]"


def _twice_named(blocks: list[dict[str, Any]]) -> Iterator[str]:
    """Within one block, an `action_id` names one element."""
    for place, block in enumerate(blocks):
        elements = block.get("elements") if block.get("type") == "actions" else None
        names = [element.get("action_id") for element in elements or [] if isinstance(element, dict)]
        named = [name for name in names if name]
        if len(named) != len(set(named)):
            yield f"[ERROR] `action_id` already exists [json-pointer:/blocks/{place}/elements]"


def _written(part: Any) -> int:
    """Count the characters of all texts inside a block."""
    if isinstance(part, dict):
        return sum(len(v) if k == "text" and isinstance(v, str) else _written(v) for k, v in part.items())
    return sum(map(_written, part)) if isinstance(part, list) else 0
