"""What people press in the Slack stand-in reaches the app as Slack words it, and its answers take effect."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.unit.office import SECTION, App, Office, modal, refused, why

pytest_plugins = ["tests.unit.office_fixtures"]

Body = dict[str, Any]


def words(text: str) -> Body:
    return {"type": "plain_text", "text": text}


def option(text: str) -> Body:
    return {"text": words(text), "value": text.lower()}


def asked(name: str, kind: str, *, optional: bool = True, **more: Any) -> Body:
    element = {"type": kind, "action_id": name, **more}
    return {
        "type": "input",
        "block_id": name,
        "label": words(name),
        "element": element,
        "optional": optional,
    }


def said(app: App, kind: str) -> list[Body]:
    """The payloads of one type that the app was sent, in order."""
    bodies = [parse_qs(body.decode()) for path, _, body in app.heard if path == "/interactions"]
    payloads = [json.loads(body["payload"][0]) for body in bodies]
    return [each for each in payloads if each["type"] == kind]


def opened(office: Office, user: str = "Ana Silva", **more: Any) -> str:
    trigger = office.slack.trigger(user)
    return str(office.web.views_open(trigger_id=trigger, view=modal(**more))["view"]["id"])


def recorded(payloads: Path, name: str) -> Body:
    read: Body = json.loads((payloads / "slack" / f"{name}.json").read_text())
    return read


def test_a_submission_tells_every_input_as_it_stands(office: Office, app: App) -> None:
    view = opened(
        office,
        blocks=[
            asked("title", "plain_text_input"),
            asked("impact", "plain_text_input", multiline=True),
            asked("severity", "static_select", options=[option("Sev1")], initial_option=option("Sev1")),
            asked("lead", "users_select"),
            asked("flags", "checkboxes", options=[option("Drill")]),
            asked("since", "datetimepicker", initial_date_time=1795766400),
        ],
    )
    office.slack.submits("Ana Silva", view, {"title": {"title": {"value": "Checkout is down"}}})
    [payload] = said(app, "view_submission")
    assert payload["view"]["state"]["values"] == {
        "title": {"title": {"type": "plain_text_input", "value": "Checkout is down"}},
        "impact": {"impact": {"type": "plain_text_input", "value": None}},
        "severity": {"severity": {"type": "static_select", "selected_option": option("Sev1")}},
        "lead": {"lead": {"type": "users_select", "selected_user": None}},
        "flags": {"flags": {"type": "checkboxes", "selected_options": []}},
        "since": {"since": {"type": "datetimepicker", "selected_date_time": 1795766400}},
    }
    assert office.slack.state()["views"] == []


def test_nobody_submits_what_slacks_client_would_hold_back(office: Office, app: App) -> None:
    view = opened(office, blocks=[asked("title", "plain_text_input", optional=False, min_length=3)])
    for value in (None, "", "ab"):
        with pytest.raises(ValueError, match="fill in title"):
            office.slack.submits("Ana Silva", view, {"title": {"title": {"value": value}}})
    with pytest.raises(LookupError, match="no input 'name'"):
        office.slack.submits("Ana Silva", view, {"name": {"name": {"value": "x"}}})
    assert said(app, "view_submission") == []


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ({"response_action": "errors", "errors": {"title": "Too short."}}, ["Declare"]),
        ({"response_action": "update", "view": modal(title=words("Preview"))}, ["Preview"]),
        ({"response_action": "push", "view": modal(title=words("Preview"))}, ["Declare", "Preview"]),
        ({"response_action": "clear"}, []),
        ({}, []),
    ],
)
def test_the_apps_answer_decides_what_becomes_of_a_modal(
    office: Office, app: App, answer: Body, titles: list[str]
) -> None:
    view = opened(office, blocks=[asked("title", "plain_text_input")])
    app.answers = [(200, {}, json.dumps(answer).encode())]
    knock = office.slack.submits("Ana Silva", view, {})
    assert (knock.status, knock.body) == (200, answer)
    assert [each["title"]["text"] for each in office.slack.state()["views"]] == titles


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "Too short."}},
        {"response_action": "update", "view": modal(title=words("A title of more than 24 letters"))},
        {"response_action": "replace"},
    ],
)
def test_an_answer_that_slack_would_not_take_is_said_to_whoever_tests(
    office: Office, app: App, answer: Body
) -> None:
    view = opened(office, blocks=[asked("title", "plain_text_input")])
    app.answers = [(200, {}, json.dumps(answer).encode())]
    with pytest.raises(ValueError, match="Slack"):
        office.slack.submits("Ana Silva", view, {})


def test_a_modal_that_the_app_does_not_take_stays_open(office: Office, app: App) -> None:
    view = opened(office)
    app.answers = [(500, {}, b"")]
    assert office.slack.submits("Ana Silva", view, {}).status == 500
    assert [each["id"] for each in office.slack.state()["views"]] == [view]


def test_a_modal_belongs_to_whoever_caused_it(office: Office, app: App) -> None:
    view = opened(office, "Ana Silva", blocks=[asked("title", "plain_text_input")])
    [shown] = office.slack.state()["views"]
    assert shown["user"] == office.user("Ana Silva")
    with pytest.raises(LookupError, match="Bo Lindqvist has no open view"):
        office.slack.submits("Bo Lindqvist", view, {})
    other = opened(office, "Bo Lindqvist")
    office.web.views_push(trigger_id=office.slack.trigger("Ana Silva"), view=modal(title=words("Next")))
    top = office.slack.state()["views"][-1]
    assert (top["user"], top["previous_view_id"]) == (office.user("Ana Silva"), view)
    office.slack.closes("Ana Silva", view)
    assert [each["id"] for each in office.slack.state()["views"]] == [other]


def test_closing_is_told_only_to_an_app_that_wished_it(office: Office, app: App) -> None:
    assert office.slack.closes("Ana Silva", opened(office)) is None
    lower = opened(office, notify_on_close=True)
    office.web.views_push(trigger_id=office.slack.trigger("Ana Silva"), view=modal())
    office.slack.closes("Ana Silva", lower, everything=True)
    [payload] = said(app, "view_closed")
    assert (payload["view"]["id"], payload["is_cleared"]) == (lower, True)
    assert office.slack.state()["views"] == []
    with pytest.raises(LookupError, match="no open view"):
        office.slack.closes("Ana Silva", lower)


def test_a_click_in_a_modal_carries_what_is_typed_there(office: Office, app: App) -> None:
    button = {"type": "button", "action_id": "more", "text": words("More"), "value": "7"}
    blocks = [
        asked("title", "plain_text_input"),
        {"type": "actions", "block_id": "buttons", "elements": [button]},
    ]
    view = opened(office, blocks=blocks)
    given = {"title": {"title": {"value": "half a"}}}
    office.slack.presses("Ana Silva", view, action_id="more", values=given)
    [payload] = said(app, "block_actions")
    assert payload["container"] == {"type": "view", "view_id": view}
    assert payload["view"]["state"]["values"]["title"]["title"]["value"] == "half a"
    assert (payload["actions"][0]["value"], payload["actions"][0]["block_id"]) == ("7", "buttons")
    assert "message" not in payload
    pushed = office.web.views_push(trigger_id=payload["trigger_id"], view=modal())["view"]
    assert pushed["root_view_id"] == view


def test_a_choice_in_a_message_tells_the_state_of_all_its_inputs(office: Office, app: App) -> None:
    people = {"type": "users_select", "action_id": "who", "placeholder": words("Lead")}
    level = {"type": "static_select", "action_id": "sev", "options": [option("Sev1"), option("Sev2")]}
    blocks = [
        {**SECTION, "block_id": "a", "accessory": people},
        {"type": "actions", "block_id": "b", "elements": [level]},
    ]
    ts = office.post("#incidents", blocks=blocks)
    ana = office.user("Ana Silva")
    office.slack.clicks("incidents", "Ana Silva", ts=ts, action_id="who", selected_user=ana)
    [payload] = said(app, "block_actions")
    assert payload["actions"][0]["selected_user"] == ana
    assert payload["container"]["is_ephemeral"] is False
    office.slack.clicks(
        "incidents",
        "Ana Silva",
        ts=ts,
        action_id="sev",
        selected_option=option("Sev2"),
        values={"b": {"sev": {"selected_option": option("Sev2")}}},
    )
    state = said(app, "block_actions")[1]["state"]["values"]
    assert state["b"]["sev"] == {"type": "static_select", "selected_option": option("Sev2")}
    assert state["a"]["who"] == {"type": "users_select", "selected_user": None}


def test_a_whisper_is_clicked_by_its_reader_alone_and_sent_without_its_message(
    office: Office, app: App
) -> None:
    button = {"type": "button", "action_id": "go", "text": words("Go")}
    blocks = [{"type": "actions", "elements": [button]}]
    ana = office.user("Ana Silva")
    channel = office.open_to("Ana Silva")
    ts = office.web.chat_postEphemeral(channel=channel, user=ana, text="Go?", blocks=blocks)["message_ts"]
    with pytest.raises(LookupError, match="Bo Lindqvist sees no message"):
        office.slack.clicks("inc-1", "Bo Lindqvist", ts=ts, action_id="go")
    office.slack.clicks("inc-1", "Ana Silva", ts=ts, action_id="go")
    [payload] = said(app, "block_actions")
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload


LEVELS = [option("Sev1"), option("Sev2")]


@pytest.mark.parametrize(
    ("block", "finding"),
    [
        (asked("x", "static_select"), "missing required field: options"),
        (asked("x", "static_select", options=LEVELS, initial_option=option("Sev3")), "must be included"),
        (asked("x", "checkboxes", options=[option(str(n)) for n in range(11)]), "no more than 10 items"),
        (asked("x", "radio_buttons", options=[option("y" * 76)]), "less than 76 characters"),
        (asked("x", "static_select", options=[{"text": words("y"), "value": "v" * 151}]), "than 151"),
        (asked("x", "plain_text_input", max_length=3, initial_value="four"), "less than 4 characters"),
        (asked("x", "button", text=words("Go")), "unsupported type: button"),
        (
            {"type": "actions", "elements": [{"type": "plain_text_input", "action_id": "x"}]},
            "unsupported type",
        ),
        ({**asked("x", "datepicker"), "hint": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn"),
        (
            asked("x", "users_select", confirm={"title": words("t" * 101), "text": words("Sure?")}),
            "less than 101 characters",
        ),
    ],
)
def test_inputs_that_slack_refuses_are_refused_with_the_reason(
    office: Office, block: Body, finding: str
) -> None:
    trigger = office.slack.trigger()
    answer = refused(office.web.views_open, trigger_id=trigger, view=modal(blocks=[block]))
    assert finding in answer["response_metadata"]["messages"][0]


def test_a_modal_with_inputs_needs_a_button_to_send_them(office: Office) -> None:
    view = modal(blocks=[asked("x", "plain_text_input")])
    del view["submit"]
    answer = refused(office.web.views_open, trigger_id=office.slack.trigger(), view=view)
    assert "must define `submit`" in answer["response_metadata"]["messages"][0]


def test_an_external_select_is_filled_by_the_app(office: Office, app: App) -> None:
    view = opened(office, blocks=[asked("service", "external_select")])
    app.answers = [(200, {}, json.dumps({"options": [option("Checkout")]}).encode())]
    knock = office.slack.suggests("Ana Silva", "service", value="che", view_id=view)
    assert knock.body["options"] == [option("Checkout")]
    [payload] = said(app, "block_suggestion")
    assert (payload["value"], payload["action_id"], payload["block_id"]) == ("che", "service", "service")


def test_a_spent_trigger_and_a_full_pile_are_refused_to_their_owner(office: Office, app: App) -> None:
    opened(office)
    for _ in range(2):
        office.web.views_push(trigger_id=office.slack.trigger("Ana Silva"), view=modal())
    push = office.web.views_push
    assert why(push, trigger_id=office.slack.trigger("Ana Silva"), view=modal()) == "push_limit_reached"
    assert why(push, trigger_id=office.slack.trigger("Bo Lindqvist"), view=modal()) == "not_found"


def _beyond(payload: Body, record: Body, at: str = "") -> set[str]:
    """The fields that we send and the record lacks, and those it has and we lack, in objects both have."""
    differing = {f"{at}{name}" for name in payload.keys() ^ record.keys()}
    for name in payload.keys() & record.keys():
        if isinstance(payload[name], dict) and isinstance(record[name], dict):
            differing |= _beyond(payload[name], record[name], f"{at}{name}.")
    return differing


def test_payloads_have_the_fields_of_recorded_ones(office: Office, app: App, payloads: Path) -> None:
    ask = {"type": "input", "block_id": "hspI", "label": words("Label")}
    text = {"type": "plain_text_input", "action_id": "maBWU"}
    frame: Body = {"submit": words("Submit"), "close": words("Cancel"), "notify_on_close": True}
    view = opened(office, blocks=[{**ask, "element": text}], **frame)
    office.slack.suggests("Ana Silva", "maBWU", value="x", view_id=view)
    office.slack.submits("Ana Silva", view, {"hspI": {"maBWU": {"value": "test"}}})
    office.slack.closes("Ana Silva", opened(office, blocks=[{**ask, "element": text}], **frame))
    # Only an organisation's workspaces have these two.
    ours = {"team.enterprise_id", "team.enterprise_name"}
    for kind, known in (
        ("view_submission", set()),
        ("block_suggestion", set()),
        # Documented; in the record it was left out.
        ("view_closed", {"is_cleared"}),
    ):
        [payload] = said(app, kind)
        assert _beyond(payload, recorded(payloads, f"interactive.{kind}")) == ours | known
    state = recorded(payloads, "interactive.view_submission")["view"]["state"]
    assert said(app, "view_submission")[0]["view"]["state"] == state
