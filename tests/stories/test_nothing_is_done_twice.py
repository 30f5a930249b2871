"""An answer that is lost, a limit, a refusal: the response goes on, and nothing is doubled."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

KINDS = ["headline", "checklist/first-5-minutes", "lead told"]
LOSSES = {
    "the channel": ("slack", "conversations.create"),
    "a message": ("slack", "chat.postMessage"),
    "an edit": ("slack", "chat.update"),
    "the invite": ("slack", "conversations.invite"),
    "the pin": ("slack", "pins.add"),
    "a bookmark": ("slack", "bookmarks.add"),
    "the topic": ("slack", "conversations.setTopic"),
    "a look-up": ("slack", "users.lookupByEmail"),
    "the ticket": ("jira", "POST /issue"),
    "the assignee": ("jira", "PUT /issue/{key}/assignee"),
    "the note": ("pagerduty", "POST /incidents/{id}/notes"),
    "who is on call": ("pagerduty", "GET /oncalls"),
}


def is_whole(slack: Slack, jira: Jira, pagerduty: PagerDuty, alert: str) -> None:
    """Every part of the response is there, and each of them once."""
    (name,) = slack.incident_channels()
    room = slack.channel(name)
    assert sorted(set(room.kinds()) - {"gaps"}) == sorted(KINDS)
    assert len(room.kinds()) == len(set(room.kinds()))
    assert room.members == {"Ana", "Bo"}
    assert room.pinned == [room.headline]
    assert room.mentions == ["Ana"]
    assert sorted(room.bookmarks) == ["OPS-1", "PagerDuty"]
    assert len(slack.standin.channel(name).bookmarks) == 2
    assert len(slack.channel("incidents").said("announcement")) == 1
    assert [issue.key for issue in jira.site.issues.values()] == ["OPS-1"]
    assert jira.issue("OPS-1")["fields"]["assignee"]["displayName"] == "Ana Silva"
    assert len(pagerduty.incident(alert)["notes"]) == 1
    assert "OPS-1>" in room.headline
    assert "*Lead*\nAna Silva" in room.headline


@pytest.mark.every_database
@pytest.mark.parametrize(("vendor", "method"), LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("times", [1, 2])
def test_an_answer_that_is_lost_doubles_nothing(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    slack: Slack,
    *,
    world: World,
    jira: Jira,
    vendor: str,
    method: str,
    times: int,
) -> None:
    world.fail(Fault(vendor, method, "lose_answer", times=times))
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=2)
    is_whole(slack, jira, pagerduty, alert)


@pytest.mark.parametrize("kind", ["malformed", "html", "reset", "server_error"])
@pytest.mark.parametrize("vendor", ["slack", "jira", "pagerduty"])
def test_every_first_call_may_fail(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    slack: Slack,
    *,
    world: World,
    jira: Jira,
    vendor: str,
    kind: str,
) -> None:
    for each, method in LOSSES.values():
        if each == vendor:
            world.fail(Fault(vendor, method, kind))
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=2)
    is_whole(slack, jira, pagerduty, alert)


@pytest.mark.every_database
def test_a_search_that_lags_does_not_double_the_ticket(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, world: World, jira: Jira
) -> None:
    jira.search_lag = 8.0
    world.fail(Fault("jira", "POST /issue", "lose_answer"))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=4)
    assert [issue.key for issue in jira.site.issues.values()] == ["OPS-1"]
    assert multivac.step("ticket").result["key"] == "OPS-1"
    assert "second look/ticket" not in multivac.incident().steps  # it was not opened twice


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_ticket_made_after_long_failing_is_looked_for_as_long_as_any(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, world: World, jira: Jira
) -> None:
    jira.search_lag = 25.0
    refusal = world.fail(Fault("jira", "POST /issue", "rate_limit", times=0, retry_after=40))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(seconds=30)
    world.faults.remove(refusal)
    world.fail(Fault("jira", "POST /issue", "lose_answer"))
    clock.forward(minutes=4)
    assert [issue.key for issue in jira.site.issues.values()] == ["OPS-1"]
    assert multivac.step("ticket").result["key"] == "OPS-1"


@pytest.mark.parametrize(
    ("vendor", "method"),
    [
        ("slack", "conversations.create"),
        ("slack", "chat.postMessage"),
        ("jira", "POST /issue"),
        ("pagerduty", "GET /oncalls"),
    ],
)
def test_a_vendor_that_asks_for_patience_gets_it(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    slack: Slack,
    *,
    world: World,
    jira: Jira,
    vendor: str,
    method: str,
) -> None:
    world.fail(Fault(vendor, method, "rate_limit", retry_after=20))
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(seconds=19)
    refused = [call for call in world.calls(vendor, method) if call.status == 429]
    assert len(refused) == 1
    if method != "chat.postMessage":  # of which there are several, and one was refused
        assert world.calls(vendor, method) == refused
    clock.forward(seconds=20)
    is_whole(slack, jira, pagerduty, alert)


@pytest.mark.every_database
def test_a_name_that_is_taken_gets_a_suffix(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    slack.standin.add_channel("inc-1-checkout-is-slow", ["Ana Silva"])
    slack.standin.add_channel("inc-1-checkout-is-slow-2", ["Ana Silva"])
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert slack.incident_channels() == ["inc-1-checkout-is-slow-3"]
    assert "#inc-1-checkout-is-slow-3" in pagerduty.incident(alert)["notes"][0]["content"]
    assert multivac.incident().channel_name == "inc-1-checkout-is-slow-3"


def test_a_channel_of_another_is_not_taken_for_ours(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, world: World
) -> None:
    slack.standin.add_channel("inc-1-checkout-is-slow", ["Ana Silva", "multivac"])
    world.fail(Fault("slack", "conversations.create", "lose_answer"))
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=1)
    assert slack.incident_channels() == ["inc-1-checkout-is-slow-2"]


@pytest.mark.parametrize("field", ["priority", "components", "labels", "description"])
def test_a_ticket_is_opened_without_the_fields_that_jira_refuses(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, jira: Jira, field: str
) -> None:
    jira.refuse_field(field)
    multivac.start({"lead": [{"component_lead": {}}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert jira.issue("OPS-1")["fields"]["assignee"]["displayName"] == "Ana Silva"
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "Jira refused these fields, so the ticket is without them" in gap
    assert field in gap


def test_a_ticket_that_jira_will_not_open_is_said_with_what_to_do(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack, *, jira: Jira
) -> None:
    jira.require_field("customfield_10012")
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert jira.site.issues == {}
    room = slack.channel("inc-1")
    assert room.mentions == ["Ana"]
    (gap,) = room.said("gaps")
    assert "There is no Jira ticket" in gap
    assert "optional for Incident in project OPS" in gap
    clock.forward(minutes=30)
    assert len(slack.channel("inc-1").said("gaps")) == 1
