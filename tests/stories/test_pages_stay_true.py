"""Multivac's own page in Slack: it stays true for whoever opened it, costs little, and tells no secret."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with", "slack__admins": "dee@example.com"}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana; everybody has done their part."""
    multivac.start(settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def redrawn(multivac: Multivac, clock: Clock) -> int:
    """How many pages are redrawn once all is done that follows from what happened."""
    clock.settle()
    assert multivac.running.desk is not None
    return multivac.running.desk.redraw_homes()


def page_of(slack: Slack, who: str) -> str:
    return text_of(slack.standin.space.homes[slack.id_of(who)])


@pytest.mark.every_database
def test_a_page_is_redrawn_when_its_owners_own_things_change_at_most_twice_a_minute(
    alert: str, multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, world: World
) -> None:
    assert redrawn(multivac, clock) == 0  # nobody has ever opened one
    slack.asks("Cy", "oncall")  # so that their pages need not ask
    slack.opens_home("Bo")
    slack.opens_home("Cy")
    calls = len(world.calls("slack", "views.publish"))
    slack.asks("Ana", f"role deputy <@{slack.id_of('Bo')}>", channel="inc-1")
    assert redrawn(multivac, clock) == 0  # it was opened a moment ago
    clock.forward(seconds=30)
    assert redrawn(multivac, clock) == 1
    assert "you: deputy" in page_of(slack, "Bo")
    slack.asks("Ana", f"task add Call the bank <@{slack.id_of('Bo')}>", channel="inc-1")
    slack.asks("Ana", "severity sev2", channel="inc-1")
    assert redrawn(multivac, clock) == 0
    multivac.stop()  # and the rows remember what is to be drawn
    clock.forward(seconds=30)
    multivac.start_again()
    assert redrawn(multivac, clock) == 1
    assert "INC-1 · SEV2" in page_of(slack, "Bo")
    assert "Call the bank" in page_of(slack, "Bo")
    clock.forward(seconds=30)
    pagerduty.trigger("Checkout is slow", "checkout", priority="P3")  # joins, and changes nothing of his
    assert redrawn(multivac, clock) == 0
    assert len(world.calls("slack", "views.publish")) == calls + 2
    clock.forward(seconds=30)
    world.fail(Fault("slack", "views.publish", "rate_limit", retry_after=20))
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    with pytest.raises(Exception, match="fewer calls"):
        redrawn(multivac, clock)
    assert redrawn(multivac, clock) == 0
    clock.forward(seconds=40)  # what Slack asks for, and what is kept for worse incidents comes back
    assert redrawn(multivac, clock) == 1
    assert "INC-1" not in page_of(slack, "Bo")
    assert "SEV1" in page_of(slack, "Cy")  # nothing in it is hers: it is true again when she opens it


@ON_SQLITE
def test_what_becomes_private_leaves_the_pages_of_all_who_are_not_in_it(
    alert: str, multivac: Multivac, clock: Clock, slack: Slack
) -> None:
    assert "Checkout returns 500" in slack.opens_home("Cy")
    assert "Checkout returns 500" in slack.opens_home("Ana")
    slack.asks("Ana", "private", channel="inc-1")
    slack.presses("Ana", "Make it private", channel="inc-1")
    clock.forward(seconds=30)
    assert redrawn(multivac, clock) == 2  # with that Ana has accepted to lead
    assert "Checkout returns 500" not in page_of(slack, "Cy")
    assert "Checkout returns 500" in page_of(slack, "Ana")


@ON_SQLITE
def test_whoever_is_on_call_sees_on_their_page_what_asking_shows(
    alert: str, multivac: Multivac, clock: Clock, slack: Slack, world: World
) -> None:
    asked = slack.asks("Cy", "oncall").splitlines()
    slack.opens_home("Bo")
    (line,) = [one for one in page_of(slack, "Bo").splitlines() if "(level" in one]
    assert line in asked
    assert line.count("Bo Lindqvist") == 1
    assert "*On call*" not in slack.opens_home("Cy")
    clock.forward(minutes=6)
    world.fail(Fault("pagerduty", "GET /oncalls", "server_error", times=0))
    slack.opens_home("Bo")
    slack.wait_for(lambda: "This is as of" in page_of(slack, "Bo"), "how old it is")
    assert line in page_of(slack, "Bo")
