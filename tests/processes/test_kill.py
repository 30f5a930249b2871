"""A daemon that is killed loses nothing it has answered for, and does nothing twice when it comes back."""

import pytest

from tests.processes.daemon import Daemon, until
from tests.processes.outage import Outage

TWO_STARTS = "starts the daemon twice and waits for whole responses, perhaps on two busy cores"

# Every call with an effect in a response: each is interrupted once, in whichever response comes first.
EFFECTS = (
    ("slack", "conversations.create"),
    ("slack", "conversations.invite"),
    ("slack", "conversations.setTopic"),
    ("slack", "pins.add"),
    ("slack", "bookmarks.add"),
    ("jira", "POST /issue"),
    ("jira", "PUT /issue/{key}/assignee"),
    ("pagerduty", "POST /incidents/{id}/notes"),
)
WORDS = (
    "multivac_headline",
    "multivac_announcement",
    "multivac_checklist_first_5_minutes",
    "multivac_lead_told",
)


def hold_one_of_each(outage: Outage) -> int:
    """Let one call of each kind wait before its effect; how many those are."""
    for vendor, method in EFFECTS:
        # A service that Jira has no component for is refused first, which is not the effect we mean.
        outage.fail(vendor, method, "hold")
    for kind in WORDS:
        outage.fail("slack", "chat.postMessage", "hold", match={"metadata.event_type": kind})
    return len(EFFECTS) + len(WORDS)


@pytest.mark.slow(40, TWO_STARTS)
def test_a_kill_right_after_the_answer_loses_no_alert(daemon: Daemon, outage: Outage) -> None:
    alerts = outage.alerts(20)
    assert [daemon.post(alert.body)[0] for alert in alerts] == [202] * 20
    daemon.kill()
    daemon.start()
    outage.wait_until_whole(alerts, 25)
    daemon.stop()
    assert outage.amiss(alerts) == []


@pytest.mark.slow(40, TWO_STARTS)
def test_a_kill_before_an_effect_leaves_nothing_missing_and_nothing_twice(
    daemon: Daemon, outage: Outage
) -> None:
    alerts, held = outage.alerts(6), hold_one_of_each(outage)
    for alert in alerts:
        daemon.post(alert.body)
    until(lambda: outage.world.held == held, 8, lambda: f"{outage.world.held} of {held} calls are held")
    daemon.kill()
    # The vendors have the calls in hand: they happen although the caller is dead.
    outage.world.release()
    daemon.start()
    outage.wait_until_whole(alerts, 25)
    daemon.stop()
    assert outage.amiss(alerts) == []


@pytest.mark.slow(40, TWO_STARTS)
def test_a_kill_between_an_effect_and_its_answer_leaves_nothing_missing_and_nothing_twice(
    daemon: Daemon, outage: Outage
) -> None:
    alerts, held = outage.alerts(6), hold_one_of_each(outage)
    for alert in alerts:
        daemon.post(alert.body)
    until(lambda: outage.world.held == held, 8, lambda: f"{outage.world.held} of {held} calls are held")
    daemon.freeze()
    before = len(outage.world.exchanges)
    outage.world.release()
    until(lambda: len(outage.world.exchanges) >= before + held, 8, "the effects have not happened")
    daemon.kill()
    daemon.start()
    outage.wait_until_whole(alerts, 25)
    daemon.stop()
    assert outage.amiss(alerts) == []
