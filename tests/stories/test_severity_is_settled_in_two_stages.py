"""An incident begins in triage: the cx lead is asked how bad it is, and the answer re-plans the response."""

from typing import Any

import pytest

from integrations.sandbox.pagerduty import PagerDuty
from multivac.incident import Severity, Status
from multivac.store.sayings import SayingKind
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
MANAGEMENT = {
    "phase": "tell-management",
    "title": "Tell management",
    "at": "0m",
    "severities": ["sev1"],
    "tasks": [{"id": "summary", "text": "Write to management."}],
}
TRIAGE = {
    "severity": {"means": {"sev1": "nobody can pay"}},
    "invite": [{"on_call": {}}, {"on_call": {"levels": [2]}, "severities": ["sev1"]}],
    "roles": {"cx lead": {"on_call": {"schedule": "cx-leads"}}},
    "checklists": [*PLAYBOOK["checklists"], MANAGEMENT],
}


def test_the_cx_lead_settles_the_severity_by_a_direct_message_and_the_response_is_planned_anew(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(TRIAGE, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P3")
    clock.settle()
    assert slack.channel("inc-1").members == {"Ana", "Bo", "Cara"}
    (question,) = slack.direct("Cara")
    assert "How bad is INC-1 for users? Checkout returns 500" in question
    assert "Until you say so, it is treated as SEV3" in question
    assert "SEV1: nobody can pay\nSEV2: many users are hit" in question
    clock.forward(minutes=6)
    assert len(slack.direct("Cara")) == 1  # no briefing besides

    slack.presses_in_direct("Cara", "SEV1")
    clock.settle()
    case = multivac.incident()
    assert (case.severity, case.status) == (Severity.SEV1, Status.ACTIVE)
    assert case.severity_by == "cara@example.com"
    room = slack.channel("inc-1")
    thanks = "INC-1 is SEV1, settled by Cara Mbeki. Thank you."
    assert slack.direct("Cara") == [f"{thanks}\nChannel: <#{room.id}>\nImpact"]
    (line,) = room.said("change line")
    follows = "also invited: on call at level 2 · also to do: Tell management"
    assert line == f"Severity SEV3 → SEV1, settled by Cara Mbeki · {follows}"
    assert room.members == {"Ana", "Bo", "Cara", "Dee"}
    assert "Tell management" in "\n".join(room.said("checklist"))
    assert "SEV1" in room.headline
    assert "SEV1 · Active" in room.topic
    assert multivac.timeline()[-3:] == [
        "Severity SEV3 → SEV1, settled by Cara Mbeki",
        "Checklist posted: Tell management",
        "Invited Dee Okafor",
    ]
    slack.presses_in_direct("Cara", "Impact")
    assert slack.sends("Cara", impact="Nobody can pay") == {}
    clock.settle()
    assert "*Impact:* Nobody can pay" in slack.channel("inc-1").headline


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_question_that_somebody_else_has_answered_says_so(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(TRIAGE, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P3")
    clock.forward(minutes=1)
    slack.asks("Ana", "severity sev2", channel="inc-1")
    clock.settle()
    assert multivac.incident().status is Status.ACTIVE  # a severity that is changed is settled
    (told,) = slack.direct("Cara")
    assert told.startswith("INC-1 is SEV2, says Ana Silva.")
    before = slack.channel("inc-1").said("change line")
    already = "INC-1 is SEV2 already. Ana Silva said so at <!date^"
    assert already in slack.asks("Bo", "severity sev2", channel="inc-1")
    clock.settle()
    assert slack.channel("inc-1").said("change line") == before
    assert multivac.incident().severity_by == "ana@example.com"
    slack.asks("Ana", "severity sev3", channel="inc-1")
    clock.settle()
    slack.asks("Ana", "severity sev1", channel="inc-1")
    clock.settle()
    loud = [one for one in slack.channel("incidents").messages if one.get("subtype") == "thread_broadcast"]
    assert [text_of(one) for one in loud] == [
        "INC-1: Severity SEV3, as before",
        "INC-1: Severity SEV3 → SEV1, settled by Ana Silva",
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_an_update_that_changes_the_severity_settles_it_and_ends_nothing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(TRIAGE, settings=HEARS)
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P3")
    clock.settle()
    slack.asks("Ana", "update", channel="inc-1")
    chosen = {"severity": "sev2", "status": "resolved"}  # which no form of this release offers
    values: dict[str, Any] = {
        name: {name: {"type": "static_select", "selected_option": {"value": value}}}
        for name, value in chosen.items()
    }
    values["text"] = {"text": {"type": "plain_text_input", "value": "Only the app fails"}}
    slack.standin.submits(slack.person("Ana"), slack.form()["id"], values)
    assert "With it INC-1 is SEV2 and active." in text_of(slack.form())
    slack.sends("Ana")
    clock.settle()
    case = multivac.incident()
    assert (case.status, case.severity_by) == (Status.ACTIVE, "ana@example.com")
    already = "already. Ana Silva said so at <!date^"
    assert f"INC-1 is SEV2 {already}" in slack.asks("Bo", "severity sev2", channel="inc-1")
    assert f"INC-1 is active {already}" in slack.asks("Bo", "status active", channel="inc-1")
    assert multivac.incident().said(SayingKind.CHANGE) == ()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_priority_set_in_pagerduty_by_the_cx_lead_or_the_lead_is_their_answer_and_by_others_is_not(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start(TRIAGE | {"lead": [{"on_call": {}}]}, settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P3")
    clock.settle()
    for by in (None, "Dee"):  # by automation, and by somebody else
        pagerduty.set_priority(alert, "P1" if by else "P2", by=by)
        clock.settle()
        case = multivac.incident()
        assert (case.status, case.severity_by) == (Status.TRIAGE, None)
    clock.forward(minutes=2)
    pagerduty.set_priority(alert, "P2", by="Cara")
    clock.settle()
    case = multivac.incident()
    assert (case.severity, case.status) == (Severity.SEV2, Status.ACTIVE)
    assert case.severity_by == "cara@example.com"
    assert "Severity SEV1 → SEV2, settled by Cara Mbeki in PagerDuty" in multivac.timeline()
    (line,) = slack.channel("inc-1").said("change line")
    assert "SEV1 → SEV2, settled by Cara Mbeki in PagerDuty" in line
    assert not any("SEV1 → SEV2" in one for one in slack.channel("inc-1").said("alert line"))  # said once
    assert slack.direct("Cara")[0].startswith("INC-1 is SEV2, settled by Cara Mbeki. Thank you.")
    clock.forward(minutes=5)
    slack.asks(
        "Bo", "severity sev1 It is worse", channel="inc-1"
    )  # the alert's priority follows, as set by Ana
    clock.forward(minutes=5)
    assert pagerduty.incident(alert)["priority"]["summary"] == "P1"
    assert multivac.incident().severity_by == "bo@example.com"
    pagerduty.set_priority(alert, "P3", by="Ana")
    clock.settle()
    case = multivac.incident()
    assert (case.severity, case.severity_by) == (Severity.SEV3, "ana@example.com")
    assert case.roles["lead"].accepted_at is not None
    assert "Severity SEV1 → SEV3, settled by Ana Silva in PagerDuty" in multivac.timeline()
