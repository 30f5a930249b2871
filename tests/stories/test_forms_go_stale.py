"""A form that comes too late is shown again as things stand now, and nobody types their words twice."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from multivac.incident import Severity, Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana; everybody has done their part."""
    multivac.start(settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def filled(view: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the fields of a form, by their names."""
    found = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            chosen = element.get("initial_option") or {}
            ticked = [one["value"] for one in element.get("initial_options", ())]
            stands = ticked or element.get("initial_value") or chosen.get("value")
            found[block["block_id"].partition("~")[0]] = stands
    return found


@SQLITE
def test_an_update_on_what_others_have_changed_comes_back_with_its_words(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Bo", "update", channel="inc-1")
    slack.asks("Ana", "severity sev2", channel="inc-1")
    assert slack.sends("Bo", text="We roll back", severity="sev1", next="15", places=["ticket"]) == {}
    view = slack.form()
    assert "Others changed INC-1 meanwhile: it is SEV2 and active now." in text_of(view)
    kept = {"text": "We roll back", "status": "active", "severity": "sev2", "next": "15"}
    assert filled(view) == {**kept, "places": ["ticket"]}
    names = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    assert names == {
        "text~1",
        "status~1",
        "severity~1",
        "next~1",
        "places~1",
    }  # Slack would keep the old choices
    values = {"text~1": {"text": {"type": "plain_text_input", "value": " "}}}
    knock = slack.standin.submits(slack.person("Bo"), view["id"], values)
    assert list(knock.body["errors"]) == ["text~1"]
    values = {"text~1": {"text": {"type": "plain_text_input", "value": "We roll back"}}}
    slack.standin.submits(slack.person("Bo"), view["id"], values)
    assert slack.form()["title"]["text"] == "Send this update?"
    slack.sends("Bo")
    clock.settle()
    assert multivac.incident().severity is Severity.SEV2
    assert "Update by Bo Lindqvist (not announced): We roll back" in multivac.timeline()


@SQLITE
def test_a_severity_that_was_refused_comes_back_with_its_words_and_whom_to_ask(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Bo", "severity", channel="inc-1")
    slack.asks("Ana", "severity sev2", channel="inc-1")
    slack.sends("Bo", severity="sev3", reason="Only the app")
    assert filled(slack.form()) == {"severity": "sev2", "reason": "Only the app"}
    view, lower = slack.form(), {"type": "static_select", "selected_option": {"value": "sev3"}}
    slack.standin.submits(slack.person("Bo"), view["id"], {"severity~1": {"severity": lower}})
    assert "Only the lead (Ana Silva), a deputy or the customer-experience lead can lower" in text_of(
        slack.form()
    )
    assert filled(slack.form()) == {"severity": "sev3", "reason": "Only the app"}
    told = slack.presses_on_page("Bo", "Ask Ana Silva to approve")
    assert "Ana Silva is asked by a direct message" in told
    clock.settle()
    assert "Bo Lindqvist asks Ana Silva to approve: severity sev3 Only the app" in multivac.timeline()


@SQLITE
def test_a_preview_that_others_must_allow_by_now_says_so_where_it_shows_something(
    alert: str, slack: Slack, clock: Clock
) -> None:
    slack.asks("Bo", "update", channel="inc-1")
    assert slack.sends("Bo", text="It gets better", severity="sev1") == {}
    slack.asks("Dee", "INC-1 join")
    slack.asks("Cara", "severity sev1", channel="inc-1")
    shown = [block.get("block_id") for block in slack.form()["blocks"]]
    assert slack.sends("Bo").keys() <= set(shown)


@SQLITE
def test_words_for_an_incident_that_has_ended_are_kept_as_a_note(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Bo", "update", channel="inc-1")
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    assert multivac.incident().status is Status.RESOLVED
    slack.sends("Bo", text="The queue is empty")
    view = slack.form()
    assert "INC-1 is resolved" in text_of(view)
    assert filled(view) == {"text": "The queue is empty"}
    slack.standin.submits(slack.person("Bo"), view["id"], {})
    clock.settle()
    assert "Bo Lindqvist: The queue is empty" in multivac.timeline()


@SQLITE
def test_a_form_of_another_release_gives_its_words_back(alert: str, slack: Slack) -> None:
    for change in (
        {"callback_id": "a-form-of-old"},
        {"private_metadata": json.dumps({"line": "INC-1 shout"})},
        {"private_metadata": "not json"},
    ):
        slack.asks("Bo", "update", channel="inc-1")
        view = next(reversed(slack.standin.space.views.values()))
        view.update(change)
        slack.sends("Bo", text="The queue is long")
        shown = slack.form()
        assert "This form is of another release of Multivac." in text_of(shown)
        assert filled(shown) == {"text": "The queue is long"}
        assert slack.standin.submits(slack.person("Bo"), shown["id"], {}).status == 200
