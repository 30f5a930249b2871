"""Whoever is asked to lead accepts, hands over, or is passed over; in the end somebody is paged."""

import re

import pytest

from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import Fault, World
from multivac.incident import Status
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack, text_of

HEARS = {"slack__signing_secret": "what-slack-signs-with"}
IN_TURN = {"lead": [{"on_call": {}}, {"fixed": "dee@example.com"}], "severity": {"default": "sev1"}}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, jira: Jira) -> str:
    """A sev1 on checkout: Ana is asked to lead, then it would be Bo's turn, then Dee's."""
    bo = {"name": "Bo Lindqvist", "email": "bo@example.com", "jira": jira.site.person("Bo").account_id}
    cy = {"name": "Cy Tanaka", "email": "cy@example.com", "phone": "+81 3 1234 5678"}
    multivac.start(IN_TURN, settings=HEARS, people=[bo, cy])
    alert = pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    return alert


def calls(slack: Slack) -> list[str]:
    return slack.channel("inc-1").said("lead told")


def test_who_does_not_accept_is_followed_by_the_next_and_in_the_end_all_are_paged(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, pagerduty: PagerDuty
) -> None:
    (first,) = calls(slack)
    assert "Ana" in slack.channel("inc-1").mentions
    assert "then Bo Lindqvist is asked" in first
    clock.forward(minutes=1, seconds=50)
    assert len(calls(slack)) == 1
    multivac.stop()
    multivac.start_again()
    clock.forward(seconds=15)
    first, second = calls(slack)
    assert "Ana Silva has not accepted to lead this incident: Bo Lindqvist is asked." in first
    assert "please lead this incident: Ana Silva has not accepted" in second
    assert "then Dee Okafor is asked" in second
    assert slack.channel("inc-1").mentions == ["Bo"]
    briefed = slack.asks("Bo", "INC-1 briefing")
    assert "You are asked to lead." in briefed
    assert "Accept" in briefed
    clock.forward(minutes=2, seconds=5)
    assert "Dee" in slack.channel("inc-1").members
    assert "then PagerDuty pages Ana Silva, Bo Lindqvist, Dee Okafor" in calls(slack)[-1]
    clock.forward(minutes=2, seconds=5)
    assert len(calls(slack)) == 3
    assert "PagerDuty pages Ana Silva, Bo Lindqvist, Dee Okafor" in calls(slack)[-1]
    asked = [one["user"]["summary"] for one in pagerduty.incident(alert)["incidents_responders"]]
    assert sorted(asked) == ["Ana Silva", "Bo Lindqvist", "Dee Okafor"]
    pagerduty.account.user("Dee").email = "d.okafor@example.com"  # not the address that Slack has
    slack.presses("Dee", "Accept", channel="inc-1", kind="lead told")
    late = slack.asks("Bo", "lead accept", channel="inc-1")
    assert "Dee Okafor has accepted to lead INC-1. To take over all the same: `/incident lead me`." in late
    clock.forward(minutes=20)
    assert multivac.lead() == "Dee Okafor"
    assert calls(slack)[0] == "Ana Silva was asked to lead this incident before."
    assert [one for one in calls(slack) if "Accept\n" in one] == []
    assert len(calls(slack)) == 3
    assert pagerduty.incident(alert)["status"] == "acknowledged"  # so that nobody else is woken
    pagerduty.change_type(alert, "major", by="Ana")  # all that is told of it names whose account we use
    clock.settle()
    acknowledged = "The alert is acknowledged in PagerDuty, since Dee Okafor leads"
    assert [one for one in multivac.timeline() if "acknowledged" in one.lower()] == [acknowledged]
    assert "acknowledged by Dee Okafor" in slack.channel("inc-1").headline
    pagerduty.unacknowledge(alert, "Bo")
    clock.forward(minutes=5)
    assert pagerduty.incident(alert)["status"] == "triggered"  # as Bo wants it


def test_at_sev3_there_are_ten_minutes_to_accept(
    multivac: Multivac, pagerduty: PagerDuty, slack: Slack, clock: Clock
) -> None:
    multivac.start({**IN_TURN, "severity": {"default": "sev3"}}, settings=HEARS)
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    clock.forward(minutes=9, seconds=45)
    (only,) = calls(slack)
    assert "then Bo Lindqvist is asked" in only
    clock.forward(seconds=20)
    first, second = calls(slack)
    assert "Ana Silva has not accepted to lead this incident: Bo Lindqvist is asked." in first
    assert "please lead this incident: Ana Silva has not accepted" in second


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_of_two_who_press_to_take_the_lead_the_second_is_told_who_has_it(
    multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    multivac.start({"lead": []}, settings=HEARS)
    slack.asks("Dee", "declare Card payments fail sev1")
    clock.settle()
    slack.asks("Ana", "INC-1 join")
    slack.asks("Bo", "INC-1 join")
    clock.settle()
    taken = slack.sees("Take the lead", channel="inc-1", kind="headline")
    assert "You are the lead of INC-1 now" in slack.clicks("Ana", taken, channel="inc-1")
    assert "Ana Silva has accepted to lead INC-1" in slack.clicks("Bo", taken, channel="inc-1")
    assert multivac.lead() == "Ana Silva"


def test_the_lead_who_acts_has_accepted_and_hands_over_with_a_briefing(
    alert: str,
    multivac: Multivac,
    slack: Slack,
    clock: Clock,
    *,
    jira: Jira,
    pagerduty: PagerDuty,
    world: World,
) -> None:
    world.fail(Fault("pagerduty", "PUT /incidents", "lose_answer"))
    told = slack.asks("Ana", "impact Nobody can pay", channel="inc-1")
    assert "With that you have accepted to lead INC-1." in told
    assert "Ana Silva accepted to lead, by acting as the lead" in multivac.timeline()
    clock.forward(minutes=5)
    assert len(pagerduty.incident(alert)["acknowledgements"]) == 1
    assert multivac.timeline().count("The alert is acknowledged in PagerDuty, since Ana Silva leads") == 1
    assert "Ana Silva acknowledged the alert" not in multivac.timeline()
    assert len(calls(slack)) == 1
    slack.asks("Ana", "handover", channel="inc-1")
    assert "Impact: Nobody can pay" in str(slack.form()["blocks"])
    update = "update We roll back the release"
    slack.asks("Cara", f"INC-1 {update}", channel="inc-1")  # while the form is open
    slack.asks("Ana", "note Restarting the cache did not help", channel="inc-1")
    slack.asks("Ana", "task add Call the bank", channel="inc-1")
    slack.asks("Cara", "task assign 1 me", channel="inc-1")
    slack.asks("Ana", "task add Ask the network team", channel="inc-1")
    slack.sends("Ana", to=slack.id_of("Bo"), note="The rollback runs until noon.\nCara tells customers.")
    clock.settle()
    first, second = calls(slack)
    assert slack.channel("inc-1").said("change line") == []  # the calls say it
    assert first.startswith("Ana Silva led this incident until ")
    assert "Ana Silva hands the lead of this incident over to you" in second
    brief = [one.removeprefix("• ") for one in second.split("\n") if one.startswith("• ")]
    assert len(brief) <= 12
    assert brief[:2] == ["Ana Silva says: The rollback runs until noon.", "Cara tells customers."]
    assert brief[2].startswith("INC-1, SEV1, triage since ")
    assert "Impact: Nobody can pay" in brief
    assert [one for one in brief if "by Cara Mbeki: We roll back the release" in one]
    to_do = "To do: 1. Call the bank (Cara Mbeki); 2. Ask the network team (nobody yet)"
    assert f"{to_do}; Say what users see (lead)" in brief
    assert "Roles: lead Bo Lindqvist" in brief
    assert [one for one in brief if one.endswith("Ana Silva: Restarting the cache did not help")]
    assert slack.channel("inc-1").mentions == ["Bo"]
    assert jira.issue("OPS-1")["fields"]["assignee"]["displayName"] == "Bo Lindqvist"
    slack.asks("Ana", "impact Everybody can pay again", channel="inc-1")
    clock.settle()
    assert "Impact: Nobody can pay" in calls(slack)[1]  # as it was when it was sent
    slack.presses("Bo", "Accept", channel="inc-1", kind="lead told")
    clock.forward(minutes=5)
    assert multivac.lead() == "Bo Lindqvist"
    assert len(calls(slack)) == 2
    slack.presses("Bo", "Hand over", channel="inc-1", kind="lead told")  # whoever leads can still pass it on
    slack.asks("Bo", "resolve Rolled back", channel="inc-1")
    clock.settle()
    assert "Hand over" not in calls(slack)[1]
    slack.sends("Bo", to=slack.id_of("Cara"))
    assert multivac.lead() == "Bo Lindqvist"
    assert "Reopen it first" in slack.asks("Bo", "handover", channel="inc-1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_handover_carries_the_notes_of_whoever_hands_over_and_which_pages_failed(
    alert: str, slack: Slack, clock: Clock, world: World, *, pagerduty: PagerDuty
) -> None:
    slack.asks("Ana", "note Restarting the cache did not help", channel="inc-1")
    for time in range(1, 5):
        slack.asks("Cara", f"INC-1 note The bank has called {time} times")
    world.fail(Fault("pagerduty", "POST /incidents/{id}/responder_requests", "refuse", status=403))
    slack.asks("Ana", f"page <@{slack.id_of('Cy')}>", channel="inc-1")
    clock.settle()
    slack.asks("Ana", f"handover <@{slack.id_of('Bo')}> It grows", channel="inc-1")
    clock.settle()
    brief = calls(slack)[-1]
    assert "• Paging failed: Cy Tanaka (PagerDuty " in brief
    assert "asks to page" not in brief
    last = [one.partition("> ")[2] for one in brief.split("\n") if one.startswith("• <!date")]
    assert last == [
        "Cara Mbeki: The bank has called 4 times",
        "Cara Mbeki: The bank has called 3 times",
        "Cara Mbeki: The bank has called 2 times",
        "Ana Silva: Restarting the cache did not help",
    ]
    assert "Paging failed: Cy Tanaka (PagerDuty " in slack.asks("Cara", "INC-1 briefing")
    world.heal()
    slack.asks("Ana", "retry", channel="inc-1")
    clock.settle()
    (asked,) = pagerduty.incident(alert)["incidents_responders"]
    assert " Ana Silva asks for your help." in asked["message"]  # it stands under the account of our key


def test_who_leads_another_incident_is_asked_last(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, slack: Slack
) -> None:
    multivac.start(IN_TURN | {"join": {"same_service_within": "0s"}}, settings=HEARS)
    pagerduty.trigger("Payments are slow", "payments", priority="P1")
    clock.settle()
    slack.asks("Bo", "lead me", channel="inc-1")
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.forward(minutes=2, seconds=10)
    assert "please lead" in slack.channel("inc-2").said("lead told")[1]
    assert slack.channel("inc-2").mentions == ["Dee"]
    multivac.becomes(Status.RESOLVED, 2)
    clock.forward(minutes=10)
    assert len(slack.channel("inc-2").said("lead told")) == 2
    assert [one for one in multivac.incident(2).summons if one.pages] == []


@pytest.mark.every_database
def test_a_page_that_fails_says_so_at_once_and_whom_to_call(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, pagerduty: PagerDuty, world: World
) -> None:
    assert "PagerDuty is asked to page whoever is on call for search" in slack.asks(
        "Ana", "page search Is search slow too?", channel="inc-1"
    )
    clock.settle()
    (asked,) = pagerduty.incident(alert)["incidents_responders"]
    assert asked["user"]["summary"] == "Fay Kim"
    assert "Ana Silva: Is search slow too?" in asked["message"]
    world.fail(Fault("pagerduty", "POST /incidents/{id}/responder_requests", "refuse", status=403))
    slack.asks("Ana", "page", channel="inc-1")
    assert slack.sends("Ana", service="serch") == {"service": "PagerDuty has no service called “serch”."}
    assert slack.sends("Ana", service="sear") == {"service": "Write the whole name: search."}
    slack.sends("Ana", person=slack.id_of("Cy"), message="We need you")
    clock.settle()
    (failed,) = slack.channel("inc-1").said("page failed")
    assert failed.startswith("*A page could not be sent*\nAna Silva asked to page Cy Tanaka, which failed: ")
    assert "Call Cy Tanaka (+81 3 1234 5678, cy@example.com) yourself." in failed
    assert "I try again every 10 minutes, until it is sent or the incident is over." in failed
    assert "A page could not be sent" in slack.direct("Ana")[-1]  # wherever she asked, it finds her
    assert "Call Cy Tanaka (+81 3 1234 5678, cy@example.com) yourself." in slack.direct("Ana")[-1]
    world.heal()
    told = slack.presses("Bo", "Retry now", channel="inc-1", kind="page failed")
    assert told == "I try again now. Not done yet: A page could not be sent."
    clock.settle()
    assert slack.channel("inc-1").said("page failed") == ["✅ The page was sent: PagerDuty pages Cy Tanaka."]
    assert "Ana Silva had you paged: We need you" in slack.asks("Cy", "INC-1 briefing")
    assert slack.direct("Ana")[-1].startswith("✅ The page was sent: PagerDuty pages Cy Tanaka.")
    assert "Nothing of INC-1 has failed" in slack.asks("Bo", "retry", channel="inc-1")
    # Else the name is refused at once.
    world.fail(Fault("pagerduty", "GET /services", "server_error", times=0))
    slack.asks("Ana", "page searching Is search slow too?", channel="inc-1")
    world.heal()
    clock.forward(seconds=90)
    _, failed = slack.channel("inc-1").said("page failed")
    assert "Page again, with its exact name.\nI do not try this one again." in failed
    assert "page" not in "".join(slack.channel("inc-1").said("gaps"))
    slack.asks("Cy", "declare Something else sev3")
    clock.settle()
    refused = slack.asks("Cy", "INC-2 page checkout")
    assert "Nobody was paged: INC-2 has no PagerDuty incident to page from." in refused


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_nobody_is_waited_for_who_cannot_see_that_they_are_asked(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, slack: Slack
) -> None:
    fay = {"name": "Fay Kim", "email": "fay@example.com", "phone": "+49 30 1234"}
    in_turn = {"lead": [{"fixed": "fay@example.com"}, {"fixed": "dee@example.com"}]}
    multivac.start(IN_TURN | in_turn, settings=HEARS, people=[fay])
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    (call,) = calls(slack)
    assert "please lead this incident: Fay Kim cannot be reached in Slack" in call
    assert "then PagerDuty pages Fay Kim, Dee Okafor" in call
    assert slack.channel("inc-1").mentions == ["Dee"]
    told = slack.asks("Bo", "resolve Rolled back", channel="inc-1")
    assert "Fay Kim cannot be reached in Slack. Ask them in another way, or take the lead" in told
    assert "Take the lead" in slack.channel("inc-1").headline
    slack.presses("Bo", "Take the lead", channel="inc-1")
    clock.settle()
    assert multivac.lead() == "Bo Lindqvist"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_where_nobody_can_be_asked_they_are_paged_at_once_and_what_fails_is_said_truly(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, slack: Slack, world: World
) -> None:
    fay = {"name": "Fay Kim", "email": "fay@example.com", "phone": "+49 30 1234"}
    world.fail(Fault("pagerduty", "POST /incidents/{id}/responder_requests", "refuse", times=0, status=403))
    multivac.start(IN_TURN | {"lead": [{"fixed": "fay@example.com"}]}, settings=HEARS, people=[fay])
    pagerduty.trigger("Checkout returns 500", "checkout", priority="P1")
    clock.settle()
    (call,) = calls(slack)
    assert "Fay Kim is to lead this incident, and cannot be reached in Slack." in call
    assert "Nobody else can be asked. The page could not be sent: " in call
    assert "If nobody can, reach Fay Kim (+49 30 1234, fay@example.com) yourself." in call
    (failed,) = slack.channel("inc-1").said("page failed")
    assert "Nobody has accepted to lead, and paging Fay Kim failed: " in failed
    slack.presses("Bo", "Take the lead", channel="inc-1", kind="lead told")
    clock.settle()
    assert slack.channel("inc-1").said("page failed") == ["Nobody waits any more for the page to Fay Kim."]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_page_that_may_be_the_second_says_so_to_whoever_is_paged(
    alert: str, slack: Slack, clock: Clock, *, pagerduty: PagerDuty, world: World
) -> None:
    for failure, again in (("lose_answer", False), ("server_error", True)):
        world.fail(Fault("pagerduty", "POST /incidents/{id}/responder_requests", failure))
        slack.asks("Ana", f"page search After {failure}", channel="inc-1")
        clock.settle()
        (said,) = [
            one["message"]
            for one in pagerduty.incident(alert)["incidents_responders"]
            if failure in one["message"]
        ]
        assert ("Sent again: the first request may have reached you, too." in said) is again


def test_roles_are_shown_and_set_in_one_form(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock
) -> None:
    others = {f"helper {number}": "Ana Silva" for number in range(1, 5)}
    for name in others:
        slack.asks("Ana", f"role {name} me", channel="inc-1")
    slack.asks("Ana", "roles", channel="inc-1")
    assert sum(one["type"] == "input" for one in slack.form()["blocks"]) == 7
    assert re.search(r"For helper \d: `/incident role helper \d @bo`\.", text_of(slack.form()))
    shown = {
        one["block_id"]: one["element"].get("initial_user")
        for one in slack.form()["blocks"]
        if one["type"] == "input"
    }
    assert shown["lead"] == slack.id_of("Ana")
    slack.sends("Ana", deputy=slack.id_of("Bo"), cx_lead=slack.id_of("Cara"))
    clock.settle()
    roles = {name: row.person.name for name, row in multivac.incident().roles.items()}
    given = {"lead": "Ana Silva", "deputy": "Bo Lindqvist", "cx lead": "Cara Mbeki"}
    assert roles == given | others  # also the one for which the form has no room
    assert (
        "Roles, says Ana Silva: deputy: Bo Lindqvist, customer-experience lead: Cara Mbeki"
        in multivac.timeline()
    )
    held = "*Roles:* customer-experience lead Cara Mbeki · deputy Bo Lindqvist"
    assert held in slack.channel("inc-1").headline
    told = slack.asks("Ana", f"role customer-experience lead <@{slack.id_of('Dee')}>", channel="inc-1")
    assert told == "Dee Okafor is the customer-experience lead of INC-1 now."
    (to_bo,) = slack.direct("Bo")
    assert "Ana Silva made you the deputy.\nYou support the lead" in to_bo
    assert f"Channel: <#{slack.channel('inc-1').id}>" in to_bo
    (question,) = slack.direct("Cara")
    assert "made you" not in question
    slack.asks("Ana", "declare Search is slow sev4", channel="general")
    clock.settle()
    slack.asks("Ana", f"role deputy <@{slack.id_of('Bo')}>", channel="inc-2")
    slack.asks("Ana", f"role cx lead <@{slack.id_of('Cara')}>", channel="inc-2")
    clock.settle()
    assert "Bo" in slack.channel("inc-2").members
    _, again = slack.direct("Bo")
    assert "Ana Silva made you the deputy.\nChannel:" in again  # who knows what that is
