"""Whatever can be pressed, sent or chosen does what it says; here those that no other story needs."""

import pytest

from multivac.incident import Severity, Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
FIRST = {"Join", "Take the lead", "Update", "Close"}  # the first buttons of a panel
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs


@pytest.fixture
def declared(multivac: Multivac, slack: Slack, clock: Clock) -> None:
    """An incident that Cy declared by the shortcut, and nobody leads."""
    multivac.start(settings=HEARS)
    slack.standin.shortcuts(slack.person("Cy"), "multivac-declare")
    assert slack.sends("Cy", title="Card payments fail", severity="sev1") == {}
    assert "INC-1 is declared" in text_of(slack.form())
    slack.standin.closes(slack.person("Cy"), slack.form()["id"])
    clock.settle()


def sends(slack: Slack, who: str, told: str, **fields: str) -> None:
    """Let a person send the form that is open, and wait until they are told this in the channel."""
    assert slack.sends(who, **fields) == {}
    slack.wait_for(lambda: any(told in one for one in slack.whispers("inc-1", who)), told)


@ON_SQLITE
def test_the_buttons_of_the_headline_lead_on_until_it_is_closed_and_back(
    declared: None, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    told = slack.presses("Bo", "Take the lead", channel="inc-1", kind="headline")
    assert "You are the lead of INC-1 now" in told
    slack.asks("Bo", "severity sev2", channel="inc-1")
    clock.settle()
    slack.presses("Bo", "Severity", channel="inc-1", kind="headline")
    sends(slack, "Bo", "Say what users notice; it stands in the headline.", severity="sev3")
    slack.presses("Bo", "Impact", channel="inc-1", kind="headline")
    sends(slack, "Bo", "The headline says so now.", impact="Nobody can pay")
    slack.presses("Bo", "Add to timeline", channel="inc-1", kind="headline")
    at = int(clock.now().timestamp())
    late = {"at": "That is still to come. Pick when it happened."}
    assert slack.sends("Bo", text="Rollback started", at=str(at + 60)) == late
    sends(slack, "Bo", "It is in the timeline, at", text="Rollback started", at=str(at - 600))
    assert "Rollback started" in multivac.timeline()[0]
    assert "Rollback started" in slack.presses("Bo", "Timeline", channel="inc-1", kind="headline")
    case = multivac.incident()
    assert (case.severity, case.impact) == (Severity.SEV3, "Nobody can pay")
    slack.asks("Bo", f"lead <@{slack.id_of('Ana')}>", channel="inc-1")
    clock.settle()
    slack.presses("Ana", "Hand over", channel="inc-1", kind="lead told")
    sends(slack, "Ana", "is asked in the channel to take the lead", to=slack.id_of("Bo"))
    assert multivac.lead() == "Bo Lindqvist"
    slack.asks("Bo", "resolve Rolled back", channel="inc-1")
    clock.settle()
    assert "Its channel is archived in" in slack.presses("Bo", "Close", channel="inc-1", kind="headline")
    clock.settle()
    assert "No update is promised" in slack.presses("Bo", "Reopen", channel="inc-1", kind="headline")
    assert multivac.incident().status is Status.ACTIVE


@ON_SQLITE
def test_the_panel_has_what_somebody_may_do_now_the_most_needed_first(
    declared: None, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    assert buttons(slack.asks("Gus", "INC-1 show")) == ["Join", "Page somebody", "Brief me", "Timeline"]
    nobody_leads = ["Take the lead", "Update", "Severity", "Page somebody", "Mitigated"]
    nobody_leads += ["Resolve", "Brief me", "Checklist", "Roles", "Timeline"]
    assert buttons(slack.asks("Bo", "show", channel="inc-1")) == nobody_leads
    slack.presses("Bo", "Roles", channel="inc-1")
    assert slack.sends("Bo", lead=slack.id_of("Bo")) == {}
    clock.settle()
    assert multivac.lead() == "Bo Lindqvist"
    assert "Tasks of INC-1" in slack.presses("Bo", "Checklist", channel="inc-1", kind="headline")
    slack.presses("Bo", "Page somebody", channel="inc-1", kind="headline")
    assert slack.sends("Bo", person=slack.id_of("Dee"), message="We need you") == {}
    assert "Nobody was paged: " in text_of(slack.form())
    slack.standin.closes(slack.person("Bo"), slack.form()["id"])
    slack.asks("Bo", "show", channel="inc-1")
    told = slack.presses("Bo", "Mitigated", channel="inc-1")
    assert told.startswith("Resolve it once the cause is fixed. Say what users notice;")
    clock.settle()
    as_lead = ["Update", "Severity", "Page somebody", "Resolve", "Brief me"]
    as_lead += ["Checklist", "Roles", "Hand over", "Timeline"]
    assert buttons(slack.asks("Bo", "show", channel="inc-1")) == as_lead
    slack.asks("Bo", "resolve It is over", channel="inc-1")
    assert buttons(slack.asks("Bo", "show", channel="inc-1")) == ["Close", "Reopen", "Timeline", "Brief me"]


def buttons(told: str) -> list[str]:
    """The labels of the buttons below what somebody was told."""
    lines = told.split("\n")
    return lines[next(place for place, one in enumerate(lines) if one in FIRST) :]


@ON_SQLITE
def test_the_buttons_of_answers_lead_on(
    declared: None, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    slack.asks("Bo", "the checkout is down again", channel="inc-1")
    assert "What you can ask" in slack.presses("Bo", "Help", channel="inc-1")
    slack.asks("Dee", "declare")
    assert "Open now: INC-1 SEV1 Card payments fail (less than a minute)" in text_of(slack.form())
    assert "You are in <#C" in slack.presses_on_page("Dee", "Join INC-1")
    slack.standin.closes(slack.person("Dee"), slack.form()["id"])
    slack.asks("Cy", "the checkout is down again", channel="inc-1")
    told = slack.presses("Cy", "Declare “the checkout is down again”", channel="inc-1")
    assert "INC-2 is declared" in told
    slack.asks("Bo", "task list", channel="inc-1")
    slack.presses("Bo", "Add a task", channel="inc-1")
    assert slack.sends("Bo", text="Call the bank") == {}
    slack.asks("Bo", "task list", channel="inc-1")
    slack.presses("Bo", "Done: List deploys and changes of the last 2 hours.", channel="inc-1")
    slack.asks("Bo", "remind me in:20m Look", channel="inc-1")
    slack.asks("Bo", "reminders", channel="inc-1")
    assert "Cancelled: Look" in slack.presses("Bo", "Cancel 1: Look", channel="inc-1")
    slack.asks("Bo", "followup list", channel="inc-1")
    slack.presses("Bo", "Add a follow-up", channel="inc-1")
    assert slack.sends("Bo", text="Alert on the queue") == {}
    timeline = "\n".join(multivac.timeline(1))
    assert "Bo Lindqvist did: List deploys and changes of the last 2 hours." in timeline
    assert "Alert on the queue" in timeline
    slack.asks("Cy", "impact Nobody can pay by card")
    assert "The headline says so" in slack.presses("Cy", "INC-1 Card payments fail", channel="general")
    slack.asks("Cy", "search card payments")
    assert "Impact: Nobody can pay by card" in slack.presses("Cy", "INC-1", channel="general")
    slack.asks("Cy", "lead me", channel="inc-1")
    slack.asks("Bo", "resolve It is over", channel="inc-1")
    slack.presses("Bo", "Ask Cy Tanaka to approve", channel="inc-1")
    clock.settle()
    slack.presses_in_direct("Cy", "Decline")
    slack.sends("Cy")
    clock.settle()
    assert "You asked to resolve INC-1.*\nIt is over\nCy Tanaka declined it." in slack.direct("Bo")[-1]
