"""Who may not do it asks the lead, who does it for them; a lead who is not there holds nobody up."""

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from multivac.incident import IncidentId, Severity, Status
from multivac.store import acts
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with"}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock) -> str:
    """A P1 on checkout, led by Ana; everybody has done their part."""
    multivac.start(settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def trail(multivac: Multivac) -> list[tuple[str, str, str]]:
    """Who did what, in which way, as the trail has it."""
    with multivac.running.database.read() as tx:
        return [(act.actor, act.verb, act.via) for act in acts.trail(tx, number=IncidentId(1))]


def confirmed_first(slack: Slack, who: str, label: str) -> list[str]:
    """What the buttons of this name that were written to somebody directly ask before they do anything."""
    blocks = [one for said in slack.standin.direct(slack.id_of(who)).messages for one in said["blocks"]]
    buttons = [one for block in blocks for one in block.get("elements", ()) if "confirm" in one]
    return [one["confirm"]["text"]["text"] for one in buttons if one["text"]["text"] == label]


@pytest.mark.every_database
def test_the_lead_approves_by_a_button_what_another_asked_for(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "Only the lead (Ana Silva)" in slack.asks("Bo", "resolve Rolled back", channel="inc-1")
    told = slack.presses("Bo", "Ask Ana Silva to approve", channel="inc-1")
    assert "Ana Silva is asked by a direct message" in told
    clock.settle()
    (asked,) = slack.direct("Ana")
    assert "Bo Lindqvist asks to resolve INC-1.\nRolled back" in asked.replace("*", "")
    confirm = "Bo Lindqvist asks to resolve INC-1. “Rolled back” If you approve, it is done in your name."
    assert confirmed_first(slack, "Ana", "Approve") == [confirm]
    where = f"Channel: <#{slack.channel('inc-1').id}>"
    assert where in asked
    assert "Ana Silva was asked at" in slack.asks("Bo", "ask resolve It is over", channel="inc-1")
    slack.asks("Ana", f"handover <@{slack.id_of('Cara')}>", channel="inc-1")
    clock.settle()
    assert "Cara Mbeki is asked by a" in slack.asks("Bo", "ask resolve Rolled back", channel="inc-1")
    slack.asks("Ana", "lead me", channel="inc-1")
    clock.settle()
    slack.presses_in_direct("Ana", "Approve")
    clock.settle()
    case = multivac.incident()
    assert case.status is Status.RESOLVED
    said = "Ana Silva says it is resolved: Rolled back (Bo Lindqvist asked for it)"
    assert said in multivac.timeline()
    assert ("ana@example.com", "resolve", "button, asked for by bo@example.com") in trail(multivac)
    (asked,) = slack.direct("Ana")
    assert "Approved by Ana Silva at" in asked
    assert "Decline" not in asked
    told = "*You asked to resolve INC-1.*\nRolled back\nAna Silva approved it: it is done."
    assert slack.direct("Bo") == [f"{told}\n{where}"]
    assert "Ana Silva approved this at" in slack.asks("Ana", "approve 1", channel="inc-1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_form_that_only_the_lead_may_send_is_kept_whole_for_them(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    assert "Only the lead" in slack.asks("Bo", "resolve", channel="inc-1")
    slack.presses("Bo", "Ask Ana Silva to approve", channel="inc-1")
    assert slack.sends("Bo", fixed="Rolled back", impact="Nobody could pay", follow_ups="Add a test") == {}
    clock.settle()
    slack.presses_in_direct("Ana", "Decline")
    assert multivac.incident().status.is_open
    assert "Bo Lindqvist asks to resolve INC-1." in str(slack.form())
    assert slack.sends("Ana", reason="Not yet") == {}
    clock.settle()
    assert multivac.incident().status.is_open
    (told,) = slack.direct("Bo")
    assert "You asked to resolve INC-1." in told
    assert "\nRolled back\nAna Silva declined it: Not yet\n" in told
    said = "Ana Silva declined “resolve Rolled back”, which Bo Lindqvist asked for: Not yet"
    assert said in multivac.timeline()
    slack.asks("Bo", "ask resolve It is over", channel="inc-1")
    clock.settle()
    assert "is told that you declined" in slack.asks("Ana", "decline 2 It goes on", channel="inc-1")
    clock.settle()
    assert "\nIt is over\nAna Silva declined it: It goes on\n" in slack.direct("Bo")[1]
    slack.asks("Bo", "ask resolve", channel="inc-1")
    slack.sends("Bo", fixed="Rolled back", impact="Nobody could pay", follow_ups="Add a test")
    clock.settle()
    assert slack.asks("Ana", "approve", channel="inc-1").startswith("In 3 days it closes by itself.")
    clock.settle()
    assert "Nobody could pay" in slack.channel("inc-1").headline
    assert "Add a test" in "\n".join(slack.channel("inc-1").said("end line"))
    assert "Reopen it first" in slack.asks("Bo", "ask merge INC-7", channel="inc-1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_anybody_raises_the_severity_and_only_the_lead_lowers_it(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    refused = slack.asks("Bo", "severity sev3 Only the app", channel="inc-1")
    assert "can lower the severity of INC-1. Anybody who responds can raise it." in refused
    slack.asks("Bo", "update", channel="inc-1")
    assert "lower the severity" in slack.sends("Bo", text="We know more.", severity="sev2")["severity"]
    slack.presses("Bo", "Ask Ana Silva to approve", channel="inc-1")
    clock.settle()
    assert "Bo Lindqvist asks to lower the severity of INC-1.*\nSEV3 · Only the app" in slack.direct("Ana")[0]
    slack.asks("Ana", "severity sev3 Only the app", channel="inc-1")
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    clock.settle()
    assert "INC-1 is resolved: nothing is left to approve." in slack.direct("Ana")[0]
    slack.asks("Bo", "reopen It came back", channel="inc-1")
    slack.asks("Bo", "severity sev1 It is worse", channel="inc-1")
    assert multivac.incident().severity is Severity.SEV1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_who_acts_for_a_lead_who_is_not_there_is_named_in_trail_and_channel(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.presses("Ana", "Accept", channel="inc-1", kind="lead told")
    room, ana = slack.channel("inc-1"), slack.person("Ana")
    clock.forward(minutes=29)
    ts = slack.standin.person_says(room.name, ana, "Still looking")
    clock.forward(minutes=29)
    slack.standin.person_reacts(room.id, ana, ts=ts, name="eyes")
    clock.forward(minutes=29)
    slack.asks("Ana", "timeline", channel="inc-1")
    clock.forward(minutes=29)
    assert "Only the lead" in slack.asks("Bo", "resolve", channel="inc-1")  # since it was seen all the time
    clock.forward(minutes=2)
    slack.asks("Bo", "severity sev3 Only the app", channel="inc-1")
    clock.settle()
    said = (
        "Severity SEV1 → SEV3, settled by Bo Lindqvist: Only the app "
        "(in place of Ana Silva, who was not seen here lately)"
    )
    assert said in multivac.timeline()
    follows = "no regular updates · no longer to do: Tell management"
    assert f"{said} · {follows}" in slack.channel("inc-1").said("change line")
    slack.asks("Bo", "resolve It is over", channel="inc-1")
    clock.settle()
    assert "in place of Ana Silva" in "\n".join(slack.channel("inc-1").said("end line"))
    done = [via for actor, _, via in trail(multivac) if actor == "bo@example.com"]
    assert done == [
        "command, break glass",
        "command, break glass",
    ]
