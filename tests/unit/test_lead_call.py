"""What the lead call looks like in Slack: whom it asks, until when, and what became of it."""

from dataclasses import replace

from integrations.slack.blocks import render
from multivac.briefing import Late, LeadCall, Turn, Who
from tests.unit.test_slack_blocks import ANA, AT, SHOWN_AT, shown


def test_the_lead_call_shows_the_clock_and_what_became_of_it() -> None:
    asked = LeadCall(lead=ANA, ticket=None, cx_lead=None, then=Turn(at=AT, who=("Bo Chen",)))
    assert shown(render(asked)).endswith(f"Accept until {SHOWN_AT}; then Bo Chen is asked.")
    paging = replace(asked, then=Turn(at=AT, who=("Ana Lima",), pages=True))
    assert shown(render(paging)).endswith("then PagerDuty pages Ana Lima.")
    nobody = replace(asked, then=Turn(at=AT, who=(), pages=True))
    assert shown(render(nobody)).endswith("then nobody is left to be asked: call somebody.")
    next_one = replace(asked, missed="Cy", then=None, late=Late(paged=("Ana Lima", "Cy")))
    assert shown(render(next_one)) == (
        "<@U0ANA>, please lead this incident: Cy has not accepted.\n"
        "Nobody has accepted in time. PagerDuty pages Ana Lima, Cy."
    )
    alone = replace(asked, then=None, late=Late(call=("Ana Lima (+31 20 123 4567)",)))
    assert "Multivac cannot page anybody now. Whoever can lead presses Accept." in shown(render(alone))
    assert shown(render(alone)).endswith("reach Ana Lima (+31 20 123 4567) yourself.")
    failed = replace(alone, late=Late(call=("Ana Lima",), why="PagerDuty is down."))
    assert "The page could not be sent: PagerDuty is down. Whoever can lead" in shown(render(failed))
    passed = replace(asked, lead=Who(name="Ana"), went_to="Bo <!here>", then=None)
    assert shown(render(passed)) == "Ana has not accepted to lead this incident: Bo &lt;!here&gt; is asked."
    assert (
        shown(render(replace(passed, given_by="Cy"))) == "Bo &lt;!here&gt; is to lead this incident, says Cy."
    )
    assert "leads this incident. Ana was asked before." in shown(render(replace(passed, settled=True)))


def test_whoever_is_asked_to_lead_a_drill_is_told_so_first() -> None:
    practice = render(LeadCall(lead=ANA, ticket=None, cx_lead=None, drill=True))
    assert practice.text.startswith("This is a drill: page nobody, and tell no customer. <@U0ANA>, you lead")


def test_a_handover_says_who_gives_it_and_what_must_be_known() -> None:
    said = LeadCall(lead=ANA, ticket=None, cx_lead=None, by="Bo", brief=("INC-1, SEV1", "Impact: <!channel>"))
    assert shown(render(said)) == (
        "<@U0ANA>, Bo hands the lead of this incident over to you.\n• INC-1, SEV1\n• Impact: &lt;!channel&gt;"
    )
