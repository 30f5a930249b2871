"""However the playbook chooses the lead, that person becomes the assignee in Jira and is told so."""

import pytest
import yaml

from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.playbooks import shipped
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

SERVICES = ("checkout", "payments", "cart", "search", "login", "edge")


def assignee(jira: Jira, key: str = "OPS-1") -> str | None:
    found = jira.issue(key)["fields"]["assignee"]
    return str(found["displayName"]) if found else None


@pytest.fixture(params=["cloud", "datacenter"])
def flavour(request: pytest.FixtureRequest, jira: Jira) -> dict[str, str]:
    """The settings for a Jira of each kind; Data Center is spoken to with a personal access token."""
    jira.flavour = request.param
    return {"jira__flavour": request.param} | ({} if request.param == "cloud" else {"jira__user": ""})


def test_who_is_on_call_for_the_alert_leads(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    *,
    jira: Jira,
    flavour: dict[str, str],
    slack: Slack,
) -> None:
    multivac.start({"lead": [{"on_call": {}}]}, settings=flavour)
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Ana Silva"
    assert "*Lead*\nAna Silva" in slack.channel("inc-1").headline


def test_the_assignee_is_named_by_account_never_by_a_search_for_the_name(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    *,
    jira: Jira,
    flavour: dict[str, str],
    world: World,
) -> None:
    jira.site.people["impostor"] = jira.site.person("Ana").__class__(
        "impostor", "ana2", "Ana Silva", "ana2@example.com"
    )
    multivac.start({"lead": [{"fixed": "ana@example.com"}]}, settings=flavour)
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    (assigned,) = world.calls("jira", "PUT /issue/{key}/assignee")
    ana = jira.site.person("ana@example.com")
    assert assigned.request_body == ({"accountId": ana.account_id} if jira.site.cloud else {"name": "ana"})


def test_who_is_on_call_on_a_schedule_leads(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, slack: Slack
) -> None:
    multivac.start({"lead": [{"on_call": {"schedule": "cx-leads"}}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Cara Mbeki"
    assert "Cara" in slack.channel("inc-1").members


def test_who_is_on_call_on_a_level_of_another_policy_leads(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira
) -> None:
    platform = pagerduty.account.policy("Platform").id
    multivac.start({"lead": [{"on_call": {"policy": platform, "level": 2}}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Dee Okafor"


def test_who_acknowledges_in_time_leads(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, slack: Slack
) -> None:
    multivac.start({"lead": [{"acker": {"within": "90s"}}, {"fixed": "dee@example.com"}]})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(seconds=60)
    assert multivac.lead() is None
    assert "*Lead*\nnobody yet" in slack.channel("inc-1").headline
    pagerduty.acknowledge(alert, by="Ana")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Ana Silva"
    assert slack.channel("inc-1").mentions == ["Ana"]


def test_who_acknowledges_too_late_does_not_lead(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira
) -> None:
    multivac.start({"lead": [{"acker": {"within": "90s"}}, {"fixed": "dee@example.com"}]})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(seconds=89)
    assert multivac.lead() is None
    clock.forward(seconds=2)
    assert assignee(jira) == "Dee Okafor"
    pagerduty.acknowledge(alert, by="Ana")
    clock.forward(minutes=1)
    assert assignee(jira) == "Dee Okafor"


def test_a_late_acknowledgement_leaves_the_lead_open_and_says_so_once(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, slack: Slack
) -> None:
    multivac.start({"lead": [{"acker": {"within": "90s"}}]})
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.forward(minutes=2)
    pagerduty.acknowledge(alert, by="Bo")
    clock.forward(minutes=5)
    assert multivac.lead() is None
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "No lead yet" in gap
    assert "Say who leads, here." in gap


def test_round_robin_is_fair_over_six_incidents(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, flavour: dict[str, str]
) -> None:
    multivac.start({"lead": [{"round_robin": {"jira_role": "Incident leads"}}]}, settings=flavour)
    for service in SERVICES:
        pagerduty.trigger(f"{service} is slow", service)
        clock.forward(minutes=1)
    led = [multivac.lead(number) for number in multivac.numbers()]
    assert led == [assignee(jira, f"OPS-{number}") for number in range(1, 7)]
    assert sorted(led[:3], key=str) == sorted(led[3:], key=str)
    assert set(led) == {"Ana Silva", "Bo Lindqvist", "Dee Okafor"}


@pytest.mark.every_database
def test_who_leads_the_fewest_open_incidents_leads_the_next(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, flavour: dict[str, str]
) -> None:
    multivac.start({"lead": [{"least_loaded": {"jira_group": "incident-leads"}}]}, settings=flavour)
    alerts = []
    for service in SERVICES[:3]:
        alerts.append(pagerduty.trigger(f"{service} is slow", service))
        clock.forward(minutes=1)
    second = multivac.lead(2)
    assert {multivac.lead(1), second, multivac.lead(3)} == {"Ana Silva", "Bo Lindqvist", "Dee Okafor"}
    pagerduty.resolve(alerts[1])  # by itself, and nobody has said a word: it is dismissed
    clock.settle()
    pagerduty.trigger("search is slow", "search")
    clock.settle()
    assert multivac.lead(4) == assignee(jira, "OPS-4") == second


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_by_the_demos_playbook_each_of_several_incidents_has_a_lead_of_its_own(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    (playbook,) = shipped("playbooks-demo").iterdir()
    multivac.start({"lead": yaml.safe_load(playbook.read_text())["lead"]})
    pagerduty.trigger("checkout is slow", "checkout")
    clock.settle()
    for service in SERVICES[1:3]:
        pagerduty.trigger(f"{service} is slow", service)
    clock.settle()
    assert multivac.lead(1) == "dee@example.com"  # the first in the list
    assert {multivac.lead(2), multivac.lead(3)} == {"ana@example.com", "bo@example.com"}


@pytest.mark.parametrize("rule", [{}, {"component": "payments"}], ids=["of the service", "by name"])
def test_who_leads_the_component_leads(
    multivac: Multivac,
    pagerduty: PagerDuty,
    clock: Clock,
    *,
    jira: Jira,
    flavour: dict[str, str],
    rule: dict[str, str],
) -> None:
    multivac.start({"lead": [{"component_lead": rule}]}, settings=flavour)
    pagerduty.trigger("Payments are slow", "payments")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Bo Lindqvist"


def test_the_strategies_are_tried_in_order(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira
) -> None:
    multivac.start(
        {
            "lead": [
                {"on_call": {"schedule": "nobody has made this"}},
                {"round_robin": {"jira_role": "No such role"}},
                {"component_lead": {"component": "no such component"}},
                {"fixed": "dee@example.com"},
                {"fixed": "ana@example.com"},
            ]
        }
    )
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.lead() == "dee@example.com"
    assert assignee(jira) == "Dee Okafor"


@pytest.mark.parametrize(
    "whose", ["zoe@example.com", "gus@example.com"], ids=["no account", "not assignable"]
)
def test_a_lead_whom_jira_cannot_assign_leads_all_the_same(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, slack: Slack, whose: str
) -> None:
    multivac.start({"lead": [{"fixed": whose}]})
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.lead() == whose
    assert assignee(jira) is None
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "OPS-1" in gap
    clock.forward(minutes=5)
    assert len(slack.channel("inc-1").said("gaps")) == 1


def test_a_lead_whose_address_jira_hides_is_found_by_the_map_of_people(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, slack: Slack
) -> None:
    bo = {"name": "Bo Lindqvist", "email": "bo@example.com", "jira": jira.site.person("Bo").account_id}
    multivac.start({"lead": [{"component_lead": {"component": "payments"}}]}, people=[bo])
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Bo Lindqvist"
    assert slack.channel("inc-1").mentions == ["Bo"]


def test_a_lead_whose_address_jira_hides_and_nobody_mapped_is_said_to_be_missing(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, *, jira: Jira, slack: Slack
) -> None:
    multivac.start({"lead": [{"component_lead": {"component": "payments"}}]})
    pagerduty.trigger("Search is slow", "search")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Bo Lindqvist"
    assert "*Lead*\nBo Lindqvist" in slack.channel("inc-1").headline
    assert slack.channel("inc-1").mentions == []
    (gap,) = slack.channel("inc-1").said("gaps")
    assert "Bo Lindqvist" in gap
