"""More new incidents than people can take in: they queue, the worst first, and one notice says so."""

from collections.abc import Sequence

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from multivac.errors import TryAgain
from multivac.incident import Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.every_database

# Two new incidents in ten seconds are calm, so in a storm one comes in every five.
TWO = {"storm__new_incidents": "2", "storm__within": "10s"}
APART = {"join": {"same_service_within": "0s"}, "invite": [], "lead": [{"fixed": "ana@example.com"}]}


def start(multivac: Multivac, **settings: str) -> None:
    multivac.start(APART, settings=TWO | settings)


def break_out(pagerduty: PagerDuty, clock: Clock, priorities: Sequence[str]) -> list[str]:
    """One alert after the other within the same second, each of this priority."""
    alerts = []
    for number, priority in enumerate(priorities, start=1):
        alerts.append(pagerduty.trigger(f"Fault {'abcdefghij'[number]} of checkout", priority=priority))
        clock.forward(seconds=0.001)
    return alerts


def opened(slack: Slack) -> list[int]:
    """The incidents that have a channel."""
    return sorted(int(name.split("-")[1]) for name in slack.incident_channels())


def test_beyond_the_budget_the_worst_comes_in_first_and_the_oldest_still_moves(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac)
    break_out(pagerduty, clock, ["P4", "P4", "P5", "P4", "P4", "P3", "P4", "P1"])
    clock.forward(seconds=1)
    assert opened(slack) == [1, 2, 8]
    assert (
        "Declared as SEV4 by the playbook story, waits for its turn in an alert storm" in multivac.timeline(4)
    )
    order: list[int] = []
    for _ in range(5):
        clock.forward(seconds=5)
        order += [number for number in opened(slack) if number not in [1, 2, 8, *order]]
    assert order == [6, 4, 5, 3, 7]
    assert all(multivac.incident(number).result("ticket") for number in multivac.numbers())


def test_one_notice_stands_for_the_announcements_of_a_storm_and_is_edited_until_it_is_over(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac)
    break_out(pagerduty, clock, ["P3", "P3", "P4", "P1", "P4", "P3"])
    clock.forward(seconds=1)
    multivac.running.storms.tell()
    incidents = slack.channel("incidents")
    assert len(incidents.said("announcement")) == 3  # of the first two, and of the sev1
    (notice,) = [text for text in incidents.said() if "Alert storm" in text]
    assert "Alert storm: 4 new incidents, 3 waiting for a channel, worst first" in notice
    assert notice.index("INC-4") < notice.index("INC-6") < notice.index("INC-3") < notice.index("INC-5")
    for _ in range(5):
        clock.forward(seconds=10)
        multivac.running.storms.tell()
    assert opened(slack) == [1, 2, 3, 4, 5, 6]
    incidents = slack.channel("incidents")
    assert len(incidents.said("announcement")) == 3
    (notice,) = [text for text in incidents.said() if "Alert storm" in text]
    assert "Alert storm over: 4 new incidents" in notice
    assert "waits for its channel" not in notice


def test_an_alert_that_is_resolved_while_it_waits_never_opens_a_channel(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac)
    alerts = break_out(pagerduty, clock, ["P3", "P3", "P3", "P4"])
    pagerduty.resolve(alerts[3])
    clock.forward(minutes=1)
    assert opened(slack) == [1, 2, 3]
    assert multivac.incident(4).status is Status.DISMISSED
    assert multivac.metric("multivac_incidents_waiting") == 0


def test_an_incident_that_turns_out_worse_waits_no_longer(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac, slack__signing_secret="what-slack-signs-with")
    alerts = break_out(pagerduty, clock, ["P3", "P3", "P3", "P4", "P4"])
    pagerduty.set_priority(alerts[3], "P1", by="Ana")
    clock.forward(seconds=1)
    assert opened(slack) == [1, 2, 4]
    assert "Only those who respond" in slack.asks("Bo", "INC-5 severity sev2")
    slack.asks("Bo", "INC-5 join")
    assert "INC-5 is SEV2 now" in slack.asks("Bo", "INC-5 severity sev2")
    clock.settle()
    assert opened(slack) == [1, 2, 4, 5]


def test_what_waits_is_let_in_after_a_restart_too(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac)
    break_out(pagerduty, clock, ["P3"] * 5)
    multivac.stop()
    clock.forward(minutes=5)
    multivac.start_again()
    clock.forward(seconds=1)
    assert opened(slack) == [1, 2, 3, 4]  # after a pause no more than at once
    clock.forward(seconds=5)
    assert opened(slack) == [1, 2, 3, 4, 5]


def test_a_notice_whose_answer_was_lost_is_found_again_by_whoever_comes_next(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac)
    break_out(pagerduty, clock, ["P3"] * 4)
    clock.forward(seconds=1)
    pagerduty.world.fail(Fault("slack", "chat.postMessage", "lose_answer"))
    with pytest.raises(TryAgain):
        multivac.running.storms.tell()
    multivac.running.storms.tell()  # not before it may be looked for
    multivac.stop()
    multivac.start_again()
    clock.forward(seconds=11)
    multivac.running.storms.tell()
    assert sum("Alert storm" in text for text in slack.channel("incidents").said()) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_an_incident_that_takes_over_a_worse_one_waits_no_longer(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    start(multivac, slack__signing_secret="what-slack-signs-with")
    break_out(pagerduty, clock, ["P3", "P3", "P3", "P4", "P1"])
    clock.forward(seconds=1)
    assert opened(slack) == [1, 2, 5]
    slack.asks("Ana", "INC-5 merge INC-4")
    clock.forward(seconds=1)
    assert opened(slack) == [1, 2, 4, 5]
