"""What people choose and type in Block Kit's elements, worded as Slack tells it to the app.

`state_of` is the `state.values` of a message or view, `action_of` one entry of `actions`. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Block = dict[str, Any]
Element = dict[str, Any]
Values = dict[str, dict[str, dict[str, Any]]]

# For each kind of input: the field that holds what was chosen, and where the app writes its start value.
FIELDS = {
    "channels_select": ("selected_channel", "initial_channel"),
    "checkboxes": ("selected_options", "initial_options"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "email_text_input": ("value", "initial_value"),
    "external_select": ("selected_option", "initial_option"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "number_input": ("value", "initial_value"),
    "plain_text_input": ("value", "initial_value"),
    "radio_buttons": ("selected_option", "initial_option"),
    "static_select": ("selected_option", "initial_option"),
    "timepicker": ("selected_time", "initial_time"),
    "url_text_input": ("value", "initial_value"),
    "users_select": ("selected_user", "initial_user"),
}
_MANY = frozenset(kind for kind, (field, _) in FIELDS.items() if field.endswith("s"))
# What an action says of its element besides what was chosen.
_SAID = ("type", "action_id", "value", "text", "style", "placeholder", "initial_option")


def elements(blocks: Iterable[Block]) -> Iterator[tuple[Block, Element]]:
    """Go through the elements that somebody can use, each with its block."""
    for block in blocks:
        for element in [*(block.get("elements") or []), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("action_id"):
                yield block, element


def blocks_of(message: Mapping[str, Any]) -> list[Block]:
    """Give a message's own blocks and those of its attachments."""
    attached = [block for each in message.get("attachments") or [] for block in each.get("blocks") or []]
    return [*(message.get("blocks") or []), *attached]


def state_of(blocks: Iterable[Block], given: Mapping[str, Mapping[str, Any]] | None = None) -> Values:
    """Give `state.values`: what was `given` (block id, action id, state), start values for the rest.

    LookupError where `given` names an input that is not there.
    """
    rest = {block: dict(actions) for block, actions in (given or {}).items()}
    values: Values = {}
    for block, element in elements(blocks):
        if element["type"] not in FIELDS:
            continue
        chosen = rest.get(block["block_id"], {}).pop(element["action_id"], {})
        state = {**_start(element), **chosen}
        values.setdefault(block["block_id"], {})[element["action_id"]] = state
    for block_id, actions in rest.items():
        if actions:
            raise LookupError(f"no input {block_id!r} {next(iter(actions))!r} in what is shown")
    return values


def missing(blocks: Iterable[Block], values: Values) -> list[str]:
    """Give the labels of inputs that Slack would not let anybody leave as they are: empty or too short."""
    return [
        str(block["label"]["text"])
        for block, element in elements(blocks)
        if block["type"] == "input" and _wants(block, element, values)
    ]


def action_of(blocks: Iterable[Block], action_id: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Give one entry of `actions`; LookupError where no element has this `action_id`.

    `chosen` holds what was chosen, and `block_id` where several blocks have an element of that id.
    """
    wanted = chosen.get("block_id")
    for block, element in elements(blocks):
        if element["action_id"] == action_id and wanted in (None, block.get("block_id")):
            said = {name: element[name] for name in _SAID if name in element}
            return {**said, **chosen, "block_id": block.get("block_id", "")}
    raise LookupError(f"no element {action_id!r} in what is shown")


def options_of(element: Element) -> list[dict[str, Any]]:
    """Give an element's options, those in groups too."""
    grouped = [option for group in element.get("option_groups") or [] for option in group["options"]]
    return [*(element.get("options") or []), *grouped]


def _start(element: Element) -> dict[str, Any]:
    field, initial = FIELDS[element["type"]]
    nothing: Any = [] if element["type"] in _MANY else None
    return {"type": element["type"], field: element.get(initial, nothing)}


def _wants(block: Block, element: Element, values: Values) -> bool:
    field, _ = FIELDS[element["type"]]
    value = values[block["block_id"]][element["action_id"]][field]
    if not value:
        return not block.get("optional", False)
    return field == "value" and len(value) < element.get("min_length", 0)
