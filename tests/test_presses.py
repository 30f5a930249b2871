"""The check that the stories use every button, form and shortcut finds what they do not."""

import json

from tests.presses import Used, drawn, drawn_in, unused, used_by

SOURCE = 'Press(label=phrase("Ask {name} to approve"), line=f"INC-{number} ask {what}")'


def test_a_button_counts_as_used_by_its_words_and_its_line() -> None:
    (button,) = drawn_in(SOURCE, "desk/approving.py")
    assert button.where == "desk/approving.py:1"
    assert button.is_used([Used("Press", "Ask Ana to approve", "INC-1 ask resolve")])
    for other in (
        Used("Press", "Ask Ana to approve", "INC-1 resolve"),
        Used("Press", "Approve", "INC-1 ask resolve"),
        Used("Form", "Ask Ana to approve", "INC-1 ask resolve"),
    ):
        assert not button.is_used([other])


def test_a_click_a_form_and_a_shortcut_are_noted_as_slack_tells_them() -> None:
    text = {"type": "plain_text", "text": "Done"}
    button = {"type": "button", "text": text, "value": "INC-1 task done 1"}
    menu = {"type": "static_select", "selected_option": {"text": text, "value": "INC-1 task skip 1"}}
    view = {"title": text, "private_metadata": json.dumps({"line": "INC-1 update"})}
    told = (
        {"type": "block_actions", "actions": [button, menu]},
        {"type": "view_submission", "view": view},
        {"type": "shortcut", "callback_id": "declare"},
    )
    assert [one for payload in told for one in used_by(payload)] == [
        Used("Press", "Done", "INC-1 task done 1"),
        Used("Press", "Done", "INC-1 task skip 1"),
        Used("Form", "Done", "INC-1 update"),
        Used("Shortcut", "declare", ""),
    ]


def test_everything_is_missed_by_whoever_uses_nothing() -> None:
    assert len(unused([])) == len(drawn()) > 60


def test_every_button_is_known_by_its_words_or_its_line() -> None:
    vague = [one.where for one in drawn() if one.words == one.line == ".*"]
    assert vague == [], "write the words or the line where the button is made"
