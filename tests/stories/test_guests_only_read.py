"""A guest of another company is told nothing and changes nothing, in whatever way they ask."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from multivac.incident import Status
from tests.stories.fingers import Fingers
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
HEARS = {"slack__signing_secret": "what-slack-signs-with"}
NOT_FOR_GUESTS = "Guests can read here, but not ask for this. Ask somebody of the team."


def test_a_guest_can_ask_for_nothing(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    multivac.start(PLAYBOOK | {"lead": []}, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.standin.space.people[slack.id_of("Cy")].guest = True
    room, bot = slack.channel("inc-1"), slack.standin.space.bot.id
    slack.standin.person_joins(room.name, slack.person("Cy"))
    for line in ("list", "show INC-1", "timeline", "lead me", "note I was here", "declare Mine"):
        assert slack.asks("Cy", line, channel="inc-1") == NOT_FOR_GUESTS
    assert slack.presses("Cy", "Take the lead", channel="inc-1", kind="headline") == NOT_FOR_GUESTS
    assert slack.calls_us("Cy", f"<@{bot}> severity sev5", channel="inc-1") == NOT_FOR_GUESTS
    assert slack.writes_to_us("Cy", "INC-1 briefing") == NOT_FOR_GUESTS
    slack.presses("Ana", "Impact", channel="inc-1", kind="headline")
    form = slack.form()
    slack.standin.space.viewers[form["id"]] = slack.id_of("Cy")  # as if it was opened before they were one
    before = slack.whispers("inc-1", "Cy")
    assert slack.sends("Cy", impact="None at all") == {}
    slack.wait_for(lambda: slack.whispers("inc-1", "Cy") == [*before, NOT_FOR_GUESTS], "an answer")
    page = slack.opens_home("Cy")
    assert page == "Ask somebody of the team what is going on."
    assert "You are a guest: you can read here." in slack.asks("Cy", "whoami", channel="inc-1")
    clock.settle()
    assert (multivac.lead(), multivac.incident().impact) == (None, "")
    assert not any("Cy Tanaka" in line for line in multivac.timeline())


@pytest.mark.parametrize(("guest", "becomes"), [(True, Status.DISMISSED), (False, Status.TRIAGE)])
def test_a_sign_of_somebody_whom_nobody_has_met_counts_unless_they_are_a_guest(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, *, guest: bool, becomes: Status
) -> None:
    multivac.start(PLAYBOOK | {"lead": []}, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.standin.space.people[slack.id_of("Cy")].guest = guest
    Fingers(slack, multivac).reacts("Cy", "pushpin", deployed(slack), channel="inc-1")
    clock.settle()
    pagerduty.resolve(alert)
    clock.settle()
    assert ("deploys: Deployed 4711" in multivac.timeline()) is not guest
    assert multivac.incident().status is becomes


def deployed(slack: Slack) -> str:
    """A message in the channel which is of another app: nobody has said a word yet."""
    messages = slack.standin.space.channels[slack.channel("inc-1").id].messages
    of_ours = next(iter(messages.values()))
    ts = f"{float(of_ours['ts']) + 0.5:.6f}"
    messages[ts] = {"ts": ts, "type": "message", "subtype": "bot_message", "bot_id": "B0DEPLOYS"}
    messages[ts] |= {"username": "deploys", "user": "", "text": "Deployed 4711"}
    return ts
