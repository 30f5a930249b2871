"""What a window looks like in Slack, a form or an answer, and what came back from it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.slack.blocks import render
from integrations.slack.pieces import Block, presses
from integrations.slack.text import plain, said_line, short
from multivac.briefing import Answer, Asked, Field, Form
from multivac.desk import Filled
from multivac.tongue import phrase

FORM, ANSWER = "multivac-form", "multivac-answer"
TITLE_LIMIT = 24
OPTION_LIMIT = 75
LABEL_LIMIT = 150
HINT_LIMIT = 150
_AGAIN = "~"  # Slack keeps what stands in a field of the same id, so a form that comes back has others
_NONE = "-"  # an option needs a value that is not empty
_HELD_IN = {  # where an input that is no text has its value
    "users_select": "selected_user",
    "datetimepicker": "selected_date_time",
    "datepicker": "selected_date",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form as it came back: what its line says with the fields, and where it was asked for.

    `blocks` has the id of each field in the view; see `Form` for the others.
    """

    line: str
    channel: str
    fields: Mapping[str, Filled]
    blocks: Mapping[str, str]
    as_of: str
    again: int
    over: bool


def draw_form(form: Form, *, channel: str) -> dict[str, Any]:
    """The view of a form; `channel` is where it was asked for, and is told to whoever sends it."""
    intro: list[Block] = [
        {"type": "context", "elements": [{"type": "mrkdwn", "text": said_line(each)}]} for each in form.intro
    ]
    intro += filter(None, (presses(form.presses),))
    inputs = [
        _input(each, f"{each.name}{_AGAIN}{form.again}" if form.again else each.name) for each in form.fields
    ]
    return {
        "type": "modal",
        "callback_id": FORM,
        "title": _titled(form.title),
        "submit": _titled(form.send),
        "close": _titled(phrase("Cancel")),
        "private_metadata": json.dumps({"line": form.line, "channel": channel} | _unseen(form)),
        "blocks": [*(intro if form.again else ()), *inputs, *(() if form.again else intro)],
    }


def on_it() -> Answer:
    """What is told whoever waits for longer."""
    return Answer(lines=(phrase("On it…"),))


def draw_answer(answer: Answer) -> dict[str, Any]:
    """The view that shows an answer, for whoever did not ask in a channel; closing it ends what led there."""
    return {
        "type": "modal",
        "clear_on_close": True,
        "callback_id": ANSWER,
        "title": _titled("Multivac"),
        "close": _titled(phrase("Close")),
        "blocks": render(answer).blocks,
    }


def _unseen(form: Form) -> dict[str, Any]:
    """What a form brings back without showing it."""
    known = {"as_of": form.as_of, "again": form.again, "over": form.over, "kept": dict(form.kept)}
    return {name: value for name, value in known.items() if value}


def read_form(view: Mapping[str, Any]) -> Sent:
    """A form that was sent. Raises `ValueError` for one that this release does not know."""
    about = json.loads(view.get("private_metadata") or "{}")
    if not isinstance(about, dict) or not isinstance(about.get("line"), str):
        raise ValueError("a form that this release does not know")  # noqa: TRY004 - wrong content, not code
    fields = read_fields(view)
    kept = {
        name: tuple(one) if isinstance(one, list) else str(one)
        for name, one in (about.get("kept") or {}).items()
    }
    return Sent(
        line=about["line"],
        channel=str(about.get("channel", "")),
        fields=kept | {name: value for name, (_, value) in fields.items()},
        blocks={name: block for name, (block, _) in fields.items()},
        as_of=str(about.get("as_of", "")),
        again=int(about.get("again", 0)),
        over=bool(about.get("over")),
    )


def read_fields(view: Mapping[str, Any]) -> dict[str, tuple[str, Filled]]:
    """What was filled into any form, by the fields' names, each with the id it has in the view."""
    values = (view.get("state") or {}).get("values") or {}
    return {
        block.partition(_AGAIN)[0]: (block, _value(state))
        for block, states in values.items()
        for state in states.values()
    }


def _input(field: Field, block_id: str) -> Block:
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": _plain(field.label, LABEL_LIMIT),
        "optional": field.optional,
        "element": _element(field) | {"action_id": field.name},
    }
    if field.hint:
        block["hint"] = _plain(field.hint, HINT_LIMIT)
    return block


def _element(field: Field) -> dict[str, Any]:
    match field.kind:
        case Asked.LINE | Asked.PROSE:
            filled = {"initial_value": field.filled[0][: field.longest]} if any(field.filled) else {}
            is_long = field.kind is Asked.PROSE
            return {"type": "plain_text_input", "multiline": is_long, "max_length": field.longest} | filled
        case Asked.PERSON:
            filled = {"initial_user": field.filled[0]} if any(field.filled) else {}
            return {"type": "users_select"} | filled
        case Asked.CHOICE:
            return {"type": "static_select", "options": _options(field)} | _chosen(field, "initial_option")
        case Asked.TICKS:
            return {"type": "checkboxes", "options": _options(field)} | _chosen(field, "initial_options")
        case Asked.MOMENT:
            at = next((int(one) for one in field.filled if one.isdigit()), None)
            return {"type": "datetimepicker"} | ({} if at is None else {"initial_date_time": at})
        case Asked.DAY:
            return {"type": "datepicker"} | ({"initial_date": field.filled[0]} if any(field.filled) else {})


def _options(field: Field) -> list[dict[str, Any]]:
    return [_option(value, label) for value, label in field.choices]


def _option(value: str, label: str) -> dict[str, Any]:
    return {"text": _plain(label, OPTION_LIMIT), "value": value or _NONE}


def _chosen(field: Field, name: str) -> dict[str, Any]:
    chosen = [_option(value, label) for value, label in field.choices if value in field.filled]
    if not chosen:
        return {}
    return {name: chosen if field.kind is Asked.TICKS else chosen[0]}


def _value(state: Mapping[str, Any]) -> str | tuple[str, ...]:
    kind = str(state.get("type"))
    if kind == "checkboxes":
        return tuple(map(_value_of, state.get("selected_options") or ()))
    held = state.get(_HELD_IN.get(kind, "value"))
    return _value_of(held) if isinstance(held, Mapping) else str(held or "")


def _value_of(option: Mapping[str, Any]) -> str:
    value = str(option.get("value", ""))
    return "" if value == _NONE else value


def _titled(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": short(text, TITLE_LIMIT), "emoji": True}


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": plain(text, limit), "emoji": True}
