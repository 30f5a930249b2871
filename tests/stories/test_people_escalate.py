"""People escalate: the next level is paged, or a team; also for what was declared by hand."""

from typing import Any

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Severity, Status
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

HEARS = {"slack__signing_secret": "what-slack-signs-with", "slack__admins": "dee@example.com"}
DEE = {"name": "Dee Okafor", "email": "dee@example.com", "phone": "+81 3 1234 5678"}


def asked(incident: dict[str, Any]) -> list[str]:
    return [one["user"]["summary"] for one in incident["incidents_responders"]]


def assigned(incident: dict[str, Any]) -> list[str]:
    return [one["assignee"]["summary"] for one in incident["assignments"]]


def test_the_next_level_is_paged_then_a_team_and_who_cannot_be_paged_is_named_with_a_phone(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    multivac.start(PLAYBOOK, people=[DEE], settings=HEARS)
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    slack.asks("Ana", "impact Nobody can pay", channel="inc-1")
    assert "PagerDuty is asked to page Dee Okafor." in slack.asks("Ana", "escalate", channel="inc-1")
    clock.settle()
    incident = pagerduty.incident(alert)
    assert asked(incident) == ["Dee Okafor"]
    message = incident["incidents_responders"][0]["message"]
    assert "Escalated: SEV1, triage, open for" in message
    assert "Led by Ana Silva. Impact: Nobody can pay" in message
    nobody = slack.asks("Ana", "escalate", channel="inc-1")
    assert "all on call were called, or are here" in nobody
    assert "Dee Okafor (+81 3 1234 5678, dee@example.com)" in nobody
    assert "Ana" not in nobody  # who asks
    slack.presses("Ana", "Page somebody", channel="inc-1")
    assert "Whom?" in str(slack.form())
    told = slack.asks("Bo", "INC-1 escalate SEARCH")
    assert "PagerDuty is asked to page Fay Kim, on call for search." in told
    assert "page Eli Novak, on call for incident command" in slack.asks(
        "Bo", "INC-1 escalate incident command"
    )
    clock.settle()
    assert asked(pagerduty.incident(alert)) == ["Dee Okafor", "Fay Kim", "Eli Novak"]
    assert "may be more than one: cart, checkout, search" in slack.asks("Bo", "INC-1 escalate c")
    assert "no service and no escalation policy called “nowhere”" in slack.asks(
        "Bo", "INC-1 escalate nowhere"
    )


def test_nobody_is_paged_for_a_hand_declared_one_without_a_service_nor_for_a_drill(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    fay = {"name": "Fay Kim", "email": "fay@example.com", "phone": "+49 89 1234"}
    multivac.start(PLAYBOOK | {"lead": [{"fixed": "dee@example.com"}]}, people=[fay, DEE], settings=HEARS)
    slack.asks("Cy", "declare Card payments fail sev1")
    slack.asks("Cy", "declare Practice sev1 drill")
    clock.settle()
    assert "Name a service or an escalation policy" in slack.asks("Cy", "INC-1 escalate")
    refused = slack.asks("Cy", "INC-1 escalate search")
    assert "Nobody was paged: INC-1 has no PagerDuty incident to page from." in refused
    assert "Call Fay Kim (+49 89 1234, fay@example.com) yourself." in refused
    assert "This is a drill: nobody is paged." in slack.asks("Cy", "INC-2 escalate search")
    clock.settle()
    assert "then nobody is left to be asked: call somebody." in slack.channel("inc-1").said("lead told")[0]
    clock.forward(minutes=2)
    (call,) = slack.channel("inc-1").said("lead told")
    assert "until" not in call
    assert "Multivac cannot page anybody now. Whoever can lead presses Accept." in call
    assert "If nobody can, reach Dee Okafor (+81 3 1234 5678, dee@example.com) yourself." in call
    assert "Nobody has accepted to lead, and nobody can be paged" in multivac.timeline()
    (failed,) = slack.channel("inc-1").said("page failed")
    assert "paging Dee Okafor failed: INC-1 has no PagerDuty incident to page from" in failed
    assert "A drill pages nobody. Whoever can lead presses " in slack.channel("inc-2").said("lead told")[0]
    slack.presses("Cy", "Accept", channel="inc-1", kind="lead told")
    clock.forward(minutes=15)
    assert "Cy Tanaka leads this incident." in slack.channel("inc-1").said("lead told")[0]
    moot = "Nobody waits any more for the page to Dee Okafor."
    assert slack.channel("inc-1").said("page failed") == [moot]
    slack.asks("Cy", f"lead <@{slack.id_of('Bo')}>", channel="inc-1")
    clock.settle()
    assert slack.channel("inc-1").said("page failed") == [moot]  # nor once Bo is asked
    assert pagerduty.state()["incidents"] == []


def test_for_a_hand_declared_one_an_incident_is_opened_in_pagerduty_once_and_stays_with_it(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty, *, world: World
) -> None:
    multivac.start(PLAYBOOK, settings=HEARS | {"pagerduty__page_service": "reporting"})
    slack.asks("Cy", "declare Card payments fail")
    clock.settle()
    world.fail(Fault("pagerduty", "POST /incidents", "lose_answer"))
    assert "page Ana Silva and Bo Lindqvist, on call for checkout" in slack.asks(
        "Cy", "INC-1 escalate checkout"
    )
    clock.forward(minutes=1)
    (opened,) = pagerduty.state()["incidents"]
    assert (opened["title"], opened["service"]["summary"]) == ("INC-1 Card payments fail", "reporting")
    assert opened["escalation_policy"]["summary"] == "Commerce"
    assert assigned(opened) == ["Ana Silva", "Bo Lindqvist"]
    assert asked(opened) == []
    case = multivac.incident()
    assert (case.severity, case.status, case.alerts.services) == (Severity.SEV2, Status.TRIAGE, ())
    assert "PagerDuty pages Ana Silva, Bo Lindqvist, asked for by Cy Tanaka" in multivac.timeline()
    assert "PagerDuty #1" in slack.channel("inc-1").headline
    slack.asks("Cy", f"INC-1 page <@{slack.id_of('Dee')}> Please look")
    clock.settle()
    assert asked(pagerduty.incident(opened["id"])) == ["Dee Okafor"]
    slack.asks("Cy", "INC-1 lead me")
    slack.asks("Cy", "INC-1 resolve It works again")
    clock.forward(minutes=1)
    (opened,) = pagerduty.state()["incidents"]
    assert opened["status"] == "resolved"
    assert slack.incident_channels() == ["inc-1-card-payments-fail"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_who_does_not_accept_to_lead_a_hand_declared_one_is_paged_where_a_service_is_set_for_that(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    by_name = PLAYBOOK | {"lead": [{"fixed": "dee@example.com"}]}
    multivac.start(by_name, people=[DEE], settings=HEARS | {"pagerduty__page_service": "reporting"})
    slack.asks("Cy", "declare Card payments fail sev1")
    clock.settle()
    assert "then PagerDuty pages Dee Okafor." in slack.channel("inc-1").said("lead told")[0]
    clock.forward(minutes=2, seconds=10)
    (opened,) = pagerduty.state()["incidents"]
    assert assigned(opened) == ["Dee Okafor"]
    assert "PagerDuty pages Dee Okafor." in slack.channel("inc-1").said("lead told")[0]
    assert "until" not in slack.channel("inc-1").said("lead told")[0]


def test_a_page_before_we_heard_of_what_we_opened_goes_to_it_and_a_private_one_says_nothing(
    multivac: Multivac, slack: Slack, clock: Clock, pagerduty: PagerDuty
) -> None:
    multivac.start(PLAYBOOK, settings=HEARS | {"pagerduty__page_service": "reporting"})
    slack.asks("Cy", "declare Data leak private sev1")
    clock.settle()
    for url in list(pagerduty.deliveries.subscribers):
        del pagerduty.deliveries.subscribers[url]
    slack.asks("Cy", f"INC-1 page <@{slack.id_of('Dee')}> Come")
    clock.settle()
    slack.asks("Cy", f"INC-1 page <@{slack.id_of('Bo')}> You too")
    clock.settle()
    (opened,) = pagerduty.state()["incidents"]
    assert (assigned(opened), asked(opened)) == (["Dee Okafor"], ["Bo Lindqvist"])
    assert "Data leak" not in str(opened)
    assert "data-leak" not in str(opened)  # as its channel is called
    assert multivac.daemon is not None
    assert multivac.daemon.sweep is not None
    multivac.daemon.sweep.sweep()
    clock.settle()
    assert [one.facts.number for one in multivac.incident().alerts.rows] == [1]
    assert slack.incident_channels() == [slack.channel("inc-1").name]
