"""What changes is one line; what is too much is edited, folded or waits; and it is counted."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack) -> str:
    """A P1 on checkout, whose people are there."""
    multivac.start(settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.presses("Ana", "Accept", channel="inc-1")
    clock.forward(minutes=1)
    return alert


def in_thread(slack: Slack, kind: str = "") -> list[str]:
    """What stakeholders were told in threads; of that kind, only what everybody in the channel sees."""
    told = [
        one for one in slack.channel("incidents").messages if one.get("thread_ts", one["ts"]) != one["ts"]
    ]
    return [text_of(one) for one in told if not kind or one.get("subtype") == kind]


def test_what_people_change_within_a_minute_is_one_line(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Ana", "severity sev3 Only the app", channel="inc-1")
    clock.forward(seconds=20)
    slack.asks("Ana", "severity sev2", channel="inc-1")
    slack.asks("Ana", "mitigate Rolled back", channel="inc-1")
    slack.asks("Bo", "role scribe me", channel="inc-1")
    clock.settle()
    (line,) = slack.channel("inc-1").said("change line")
    assert line == (
        "Severity SEV1 → SEV2, settled by Ana Silva · updates every 1 hour · no longer to do: Tell management"
        " · Ana Silva says it is mitigated: Rolled back · Bo Lindqvist is the scribe"
    )
    clock.forward(minutes=1)
    slack.asks("Ana", "severity sev1 It came back", channel="inc-1")
    clock.settle()
    (_, line) = slack.channel("inc-1").said("change line")
    assert line.startswith(
        "Severity SEV2 → SEV1, settled by Ana Silva: It came back · updates every 30 minutes"
    )
    assert in_thread(slack) == [
        "INC-1: Severity SEV1 → SEV2, settled by Ana Silva",
        "INC-1: Severity SEV2 → SEV1, settled by Ana Silva: It came back",
    ]
    slack.asks("Ana", "severity sev2 It did not", channel="inc-1")
    clock.settle()
    assert slack.channel("inc-1").said("change line")[1:] == ["Severity SEV2, as before"]
    assert in_thread(slack)[1:] == ["INC-1: Severity SEV2, as before"]
    assert in_thread(slack, "thread_broadcast") == []  # it was never worse than at first


def test_alerts_that_flap_get_one_line_and_the_headline_has_the_rest(
    alert: str, multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock
) -> None:
    for priority in ("P2", "P1", "P2"):
        pagerduty.set_priority(alert, priority, by="bo@example.com")
        clock.forward(minutes=2)
    room = slack.channel("inc-1")
    (line,) = room.said("alert line")
    assert line.startswith("Severity SEV1 → SEV2")
    assert "Latest: Severity SEV1 → SEV2" in room.headline
    assert len(room.kinds()) == 4
    assert multivac.metric("multivac_slack_suppressed_total", kind="alert line") == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_an_alert_that_gets_worse_is_told_to_stakeholders_once_however_it_flaps(
    multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock
) -> None:
    multivac.start(settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P3")
    clock.forward(minutes=1)
    for priority in ("P1", "P3", "P1"):
        pagerduty.set_priority(alert, priority, by=None)
        clock.forward(minutes=2)
    loud = in_thread(slack, "thread_broadcast")
    assert [one.partition(": ")[2][:22] for one in loud] == ["Severity SEV3 → SEV1: "]


def test_quiet_holds_back_what_can_wait_for_everybody(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "|12:46 UTC>" in slack.asks("Ana", "quiet 45m", channel="inc-1")
    clock.forward(minutes=40)
    assert slack.channel("inc-1").said("update due") == []
    assert len(slack.channel("inc-1").said("checklist")) == 1
    assert "come again as usual" in slack.asks("Ana", "quiet off", channel="inc-1")
    clock.settle()
    assert len(slack.channel("inc-1").said("update due")) == 1
    assert len(slack.channel("inc-1").said("checklist")) > 1
