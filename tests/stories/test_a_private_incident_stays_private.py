"""Nothing of a private incident is said where uninvited people read."""

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack


def test_a_private_incident_is_neither_announced_nor_noted(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Suspicious login on checkout", "checkout")
    clock.settle()
    room = slack.channel("sec-1")
    assert room.name == "sec-1-20260302"
    assert room.is_private
    assert room.members == {"Ana", "Bo", "Dee"}
    assert "Suspicious login" in room.headline
    assert len(room.said("checklist")) == 1
    assert slack.channel("incidents").said() == []
    assert pagerduty.incident(alert)["notes"] == []


def test_a_private_incident_follows_its_alert(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Suspicious login on checkout", "checkout")
    clock.settle()
    pagerduty.acknowledge(alert, by="Ana")
    pagerduty.add_responder(alert, "Cy", by="Ana")
    clock.settle()
    room = slack.channel("sec-1")
    assert "acknowledged by Ana Silva" in room.headline
    assert "Cy" in room.members
