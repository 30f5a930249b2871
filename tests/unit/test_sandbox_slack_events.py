"""The Slack stand-in tells the app what happens, signed, as Slack does; and plays the people."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.unit.office import SECRET, App, Office, genuine, modal

pytest_plugins = ["tests.unit.office_fixtures"]


def test_a_late_joiner_is_told_to_the_app_with_a_genuine_signature(office: Office, app: App) -> None:
    office.slack.person_joins("incidents", "Ana Silva")
    assert app.heard == []
    channel = office.open()
    office.slack.person_joins("inc-1", "Ana Silva", inviter="Bo Lindqvist")
    office.slack.deliveries.redeliver_due()
    told = next(each for each in app.events() if each["event"]["type"] == "member_joined_channel")
    assert told["type"] == "event_callback"
    assert told["event"]["channel"] == channel
    assert told["event"]["inviter"] == office.user("Bo Lindqvist")
    assert all(genuine(office, headers, body) for _, headers, body in app.heard)


def test_a_message_of_a_person_is_told_and_a_mention_twice(office: Office, app: App) -> None:
    ts = office.slack.person_says("incidents", "Ana Silva", "<@U0MULTIVAC> declare")
    assert office.world.wait_for(lambda: len(app.events()) == 2)
    events = {each["event"]["type"]: each["event"] for each in app.events()}
    assert set(events) == {"message", "app_mention"}
    assert events["message"]["ts"] == ts
    assert events["message"]["channel_type"] == "channel"
    assert len({each["event_id"] for each in app.events()}) == 2


def test_the_app_hears_nothing_of_channels_it_is_not_in(office: Office, app: App) -> None:
    office.slack.person_says("general", "Ana Silva", "lunch?")
    office.slack.person_says("incidents", "Ana Silva", "help")
    assert office.world.wait_for(lambda: len(app.events()) == 1)
    office.slack.deliveries.redeliver_due()
    assert [each["event"]["text"] for each in app.events()] == ["help"]


def test_an_event_is_tried_again_at_once_after_one_and_after_five_minutes(office: Office, app: App) -> None:
    app.answers = [(500, {}, b"")] * 4
    office.slack.person_says("incidents", "Ana Silva", "help")
    for attempts, forward in ((2, 0), (3, 60), (4, 300), (4, 3600)):
        office.world.clock.forward(forward)
        office.slack.deliveries.redeliver_due()
        assert len(app.heard) == attempts
    assert "x-slack-retry-num" not in app.heard[0][1]
    assert [headers["x-slack-retry-num"] for _, headers, _ in app.heard[1:]] == ["1", "2", "3"]
    assert {headers["x-slack-retry-reason"] for _, headers, _ in app.heard[1:]} == {"http_error"}
    assert len({each["event_id"] for each in app.events()}) == 1


def test_the_app_can_stop_the_retries(office: Office, app: App) -> None:
    app.answers = [(500, {"X-Slack-No-Retry": "1"}, b"")]
    office.slack.person_says("incidents", "Ana Silva", "help")
    office.slack.deliveries.redeliver_due()
    office.world.clock.forward(3600)
    office.slack.deliveries.redeliver_due()
    assert len(app.heard) == 1


def test_renames_archivings_and_edits_are_told(office: Office, app: App) -> None:
    channel = office.open()
    ts = office.post(channel)
    office.web.chat_update(channel=channel, ts=ts, text="new")
    office.web.chat_delete(channel=channel, ts=ts)
    office.web.conversations_rename(channel=channel, name="inc-2")
    office.slack.person_archives("inc-2", "Ana Silva")
    office.slack.deliveries.redeliver_due()
    told = {(e["event"]["type"], e["event"].get("subtype")) for e in app.events()}
    assert {
        ("channel_created", None),
        ("message", None),
        ("message", "message_changed"),
        ("message", "message_deleted"),
        ("channel_rename", None),
        ("channel_archive", None),
    } <= told


def test_only_the_subscribed_types_of_events_are_sent(office: Office, app: App) -> None:
    office.slack.connect(signing_secret=SECRET, events=f"{app.url}/events", types=["app_mention"])
    office.slack.person_says("incidents", "Ana Silva", "<@U0MULTIVAC> help")
    office.slack.deliveries.redeliver_due()
    assert [each["event"]["type"] for each in app.events()] == ["app_mention"]


def test_an_address_proves_itself_by_echoing_the_challenge(office: Office, app: App) -> None:
    assert not office.slack.outbox.challenge()
    app.echoes = True
    assert office.slack.outbox.challenge()


def test_slack_looks_whether_the_app_is_there_and_says_when_it_sends_no_more(
    office: Office, app: App, payloads: Path
) -> None:
    assert office.slack.outbox.check_ssl().status == 200
    assert parse_qs(app.heard[-1][2].decode())["ssl_check"] == ["1"]
    office.slack.outbox.rate_limited()
    office.slack.deliveries.redeliver_due()
    [told] = app.events()
    record = json.loads((payloads / "slack" / "event.app_rate_limited.json").read_text())
    assert told.keys() == record.keys()
    assert told["type"] == "app_rate_limited"


def test_a_command_reaches_the_app_signed_and_shows_its_answer(office: Office, app: App) -> None:
    app.answers = [(200, {}, b'{"text": "Declared.", "response_type": "ephemeral"}')]
    knock = office.slack.commands("incidents", "Ana Silva", "declare checkout is down")
    assert knock.status == 200
    [(path, headers, body)] = app.heard
    assert path == "/commands"
    assert genuine(office, headers, body)
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert (form["command"], form["text"]) == ("/incident", "declare checkout is down")
    whispers = office.slack.channel("incidents").ephemerals
    assert [(m["text"], m["to"]) for m in whispers] == [("Declared.", office.user("Ana Silva"))]
    assert office.web.views_open(trigger_id=form["trigger_id"], view=modal())["ok"]


def test_a_commands_response_url_takes_five_answers_within_half_an_hour_and_replaces_none(
    office: Office, app: App
) -> None:
    office.slack.commands("incidents", "Ana Silva", "help")
    url = parse_qs(app.heard[0][2].decode())["response_url"][0]
    host, _, path = url.removeprefix("http://").partition("/")

    def answer() -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(host)
        body = json.dumps({"text": "on it", "response_type": "in_channel", "replace_original": True})
        connection.request("POST", f"/{path}", body, {"Content-Type": "application/json"})
        said = connection.getresponse()
        outcome = said.status, said.read()
        connection.close()
        return outcome

    assert [answer()[0] for _ in range(6)] == [200] * 5 + [404]
    assert len(office.slack.channel("incidents").by("U0MULTIVAC")) == 5
    office.world.clock.forward(1801)
    assert b"expired_url" in answer()[1]


def test_a_click_carries_the_message_and_its_element(office: Office, app: App) -> None:
    button = {
        "type": "button",
        "action_id": "take",
        "value": "1",
        "text": {"type": "plain_text", "text": "Take"},
    }
    blocks = [{"type": "actions", "block_id": "lead", "elements": [button]}]
    ts = office.post("#incidents", blocks=blocks)
    office.slack.clicks("incidents", "Ana Silva", ts=ts, action_id="take")
    clicked = [
        json.loads(parse_qs(b.decode())["payload"][0]) for p, _, b in app.heard if p == "/interactions"
    ]
    assert clicked[0]["type"] == "block_actions"
    assert clicked[0]["message"]["ts"] == ts
    [action] = clicked[0]["actions"]
    assert (action["action_id"], action["value"], action["block_id"]) == ("take", "1", "lead")
    with pytest.raises(LookupError, match="no element 'drop'"):
        office.slack.clicks("incidents", "Ana Silva", ts=ts, action_id="drop")


def test_a_submitted_modal_closes_unless_the_app_finds_mistakes(office: Office, app: App) -> None:
    ask = {
        "type": "input",
        "block_id": "title",
        "label": {"type": "plain_text", "text": "Title"},
        "element": {"type": "plain_text_input", "action_id": "text"},
    }
    view = office.web.views_open(trigger_id=office.slack.trigger(), view=modal(blocks=[ask]))["view"]["id"]
    values = {"title": {"text": {"type": "plain_text_input", "value": "checkout"}}}
    app.answers = [
        (200, {}, b'{"response_action": "errors", "errors": {"title": "too short"}}'),
        (200, {}, b""),
    ]
    assert office.slack.submits("Ana Silva", view, values).body["errors"] == {"title": "too short"}
    assert view in office.slack.space.views
    office.slack.submits("Ana Silva", view, values)
    assert view not in office.slack.space.views


def test_people_can_be_moved_from_another_process(office: Office) -> None:
    def control(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(office.loopback.url.removeprefix("http://"))
        connection.request("POST", f"/_sandbox/slack/{path}", json.dumps(body))
        answer = connection.getresponse()
        outcome = answer.status, json.loads(answer.read())
        connection.close()
        return outcome

    status, said = control("say", {"channel": "incidents", "user": "Ana Silva", "text": "help"})
    assert status == 200
    assert office.slack.channel("incidents").by(office.user("Ana Silva"))[0]["ts"] == said["id"]
    control("person", {"name": "Hal Ito", "email": "hal@example.com"})
    control("join", {"channel": "incidents", "user": "hal@example.com"})
    assert office.user("Hal Ito") in office.slack.channel("incidents").members
    assert control("join", {"channel": "incidents", "user": "nobody"})[0] == 400
