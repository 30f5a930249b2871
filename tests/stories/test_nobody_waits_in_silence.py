"""Whoever asks is answered in Slack's three seconds, or told that they were heard."""

from typing import Any

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.verbs.presses import ASKS
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack, text_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
HEARS = {"slack__signing_secret": "what-slack-signs-with"}
HELD = 20  # people who ask what PagerDuty does not answer


@pytest.fixture
def hearing(multivac: Multivac) -> Multivac:
    multivac.start(PLAYBOOK, settings=HEARS)
    return multivac


def typed(view: dict[str, Any]) -> dict[str, str]:
    """What stands in the lines of a form."""
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    return {one["block_id"].partition("~")[0]: one["element"].get("initial_value", "") for one in inputs}


def test_a_form_is_taken_in_time_and_answered_where_it_was_sent_or_else_in_the_channel(
    hearing: Multivac, slack: Slack, clock: Clock, world: World, pagerduty: PagerDuty
) -> None:
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.presses("Ana", "Page somebody", channel="inc-1", kind="headline")
    world.fail(Fault("pagerduty", "GET /services", "hold"))
    assert slack.sends("Ana", service="refunds", message="The rollback hangs") == {}
    assert text_of(slack.form()) == "On it…"
    world.release()
    slack.wait_for(lambda: "submit" in slack.form(), "the form again")
    assert "PagerDuty has no service called “refunds”." in text_of(slack.form())
    assert typed(slack.form())["message"] == "The rollback hangs"
    world.fail(Fault("pagerduty", "GET /services", "hold"))
    with slack._told("Ana", slack.channel("inc-1").name) as told:
        view = slack.form()
        filled = {"type": "plain_text_input", "value": "checkout"}
        slack.standin.submits(slack.person("Ana"), view["id"], {"service~1": {"service": filled}})
        slack.standin.closes(slack.person("Ana"), view["id"])
        world.release()
        slack.wait_for(lambda: bool(slack.whispers("inc-1", "Ana")), "an answer without a window")
    assert "PagerDuty is asked to page whoever is on call for checkout." in told.text
    clock.settle()
    assert sum("asks to page" in line for line in hearing.timeline()) == 1


def test_many_who_wait_for_a_vendor_hold_up_nobody_who_needs_none(
    hearing: Multivac, slack: Slack, world: World
) -> None:
    world.fail(Fault("pagerduty", "GET /oncalls", "hold", times=0))
    for _ in range(HELD):
        slack.standin.commands("general", slack.person("Cy"), "oncall")
    slack.wait_for(lambda: world.held == HELD, "everybody's question")
    assert "What you can ask" in slack.asks("Bo", "help")
    world.clock.forward(1.5)
    slack.wait_for(lambda: slack.whispers("general", "Cy") == ["On it…"] * HELD, "a word to each")


def test_a_window_opens_in_time_for_a_form_that_takes_longer(
    hearing: Multivac, slack: Slack, clock: Clock, world: World
) -> None:
    world.fail(Fault("slack", "users.info", "hold"))
    slack.standin.commands("general", slack.person("Gus"), "declare")
    slack.wait_for(lambda: world.held == 1, "somebody whom nobody knows yet")
    world.clock.forward(1.5)
    assert text_of(slack.form()) == "On it…"
    world.clock.forward(60)  # a trigger lives for three seconds
    world.release()
    slack.wait_for(lambda: "submit" in slack.form(), "the form in its place")
    assert "title" in typed(slack.form())
    (call,) = world.calls("slack", "views.update")
    assert call.request_body["hash"]
    assert slack.sends("Gus", title="Search is slow") == {}
    clock.settle()
    # These need more than one alert, or another incident, or answer with a list.
    for verb in ASKS - {"split", "merge", "drill"}:  # for whatever else a window would open, too
        before = set(slack.standin.space.views)
        slack.asks("Gus", f"INC-1 {verb}")
        (new,) = set(slack.standin.space.views) - before
        assert "submit" in slack.standin.space.views[new], verb
