"""What is changed in Jira changes the incident, what is changed in Slack changes Jira, and nothing loops."""

import pytest

from integrations.sandbox.exchange import Fault
from integrations.sandbox.jira import Jira
from integrations.sandbox.jira_model import PRIORITIES
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import Severity, Status
from tests.stories.stage import PLAYBOOK, Clock, Multivac
from tests.stories.workspace import Slack

SETTINGS = {"slack__signing_secret": "what-slack-signs-with", "jira__webhook_secrets": "what-jira-signs-with"}
LATER = {"lead": [{"on_call": {}}], "ticket": {"statuses": {"Done": "resolved"}}}


@pytest.fixture
def alert(multivac: Multivac, pagerduty: PagerDuty, clock: Clock, jira: Jira) -> str:
    """A sev3 on checkout, led by Ana; whom Jira hides, the map of people knows."""
    known = [
        {"name": name, "email": email, "jira": jira.site.person(email).account_id}
        for name, email in (("Bo Lindqvist", "bo@example.com"), ("Cy Tanaka", "cy@example.com"))
    ]
    multivac.start(LATER, settings=SETTINGS, people=known)
    alert = pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    return alert


def assignee(jira: Jira) -> str | None:
    found = jira.issue("OPS-1")["fields"]["assignee"]
    return str(found["displayName"]) if found else None


def puts(world: World) -> int:
    return len(world.calls("jira", "PUT /issue/{key}/assignee"))


def test_an_assignee_changed_in_jira_is_the_lead_everywhere(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, world: World
) -> None:
    before = puts(world)
    jira.assign("OPS-1", "Bo", by="Dee")
    clock.settle()
    assert multivac.lead() == assignee(jira) == "Bo Lindqvist"
    assert "*Lead*\nBo Lindqvist" in slack.channel("inc-1").headline
    assert "Bo Lindqvist is the lead, says Dee Okafor in the ticket OPS-1" in multivac.timeline()
    assert "Dee Okafor (in Jira) hands the lead" in slack.channel("inc-1").said("lead told")[1]
    clock.forward(minutes=1)
    assert puts(world) == before + 1
    jira.assign("OPS-1", "Cy", by="Cy")
    clock.settle()
    row = multivac.incident().roles["lead"]
    assert (row.person.name, row.accepted_at is not None) == ("Cy Tanaka", True)
    jira.assign("OPS-1", None, by="Cy")
    clock.settle()
    assert multivac.lead() == "Cy Tanaka"
    assert "Cy Tanaka in the ticket OPS-1 took the assignee away" in multivac.timeline()[-1]
    jira.assign("OPS-1", "Bo", by="Bo")
    clock.settle()
    slack.asks("Gus", "lead me", channel="inc-1")  # whom Jira lets nobody assign
    clock.settle()
    assert (multivac.lead(), assignee(jira)) == ("Gus Moreau", None)
    asked = puts(world)
    jira.assign("OPS-1", "Bo", by="Multivac")  # by hand, as far as can be told
    clock.forward(minutes=12)
    assert puts(world) > asked
    assert assignee(jira) == "Bo Lindqvist"


@pytest.mark.every_database
def test_changes_at_the_same_time_settle_and_do_not_loop(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, world: World
) -> None:
    before = puts(world)
    jira.deliveries.hold()  # Jira's webhook sets out now, and comes when the lead has changed in Slack
    jira.assign("OPS-1", "Bo", by="Dee")
    clock.forward(seconds=1)
    slack.asks("Cy", "lead me", channel="inc-1")
    clock.settle()
    jira.deliveries.release("reversed")
    clock.forward(minutes=1)
    assert multivac.lead() == assignee(jira) == "Cy Tanaka"
    assert puts(world) <= before + 2  # Cy, and Cy again after the change in Jira that came too late
    asked = puts(world)
    slack.asks("Ana", "lead me", channel="inc-1")
    jira.deliveries.duplicate_next()
    clock.forward(seconds=1)
    jira.assign("OPS-1", "Bo", by="Dee")
    clock.forward(minutes=30)
    assert multivac.lead() == assignee(jira) == "Bo Lindqvist"
    assert puts(world) == asked + 2
    jira.deliveries.hold()
    jira.transition("OPS-1", "Done", by="Dee")  # which means resolved
    clock.forward(seconds=1)
    slack.asks("Bo", "mitigate Rolled back", channel="inc-1")
    clock.settle()
    jira.deliveries.release("reversed")
    clock.forward(minutes=1)
    assert multivac.incident().status is Status.MITIGATED
    assert jira.issue("OPS-1")["fields"]["status"]["name"] == "In Progress"
    assert multivac.metric("multivac_webhooks_received_total", source="jira", result="duplicate") <= 1


def test_priority_and_status_follow_where_the_playbook_maps_them(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, pagerduty: PagerDuty
) -> None:
    ticket = jira.issue("OPS-1")["fields"]
    assert ticket["status"]["name"] == "In Progress"
    assert "SEV" not in str(ticket["description"])
    slack.asks("Ana", "rename Checkout is down", channel="inc-1")
    slack.asks("Ana", "severity sev2", channel="inc-1")
    clock.settle()
    assert jira.issue("OPS-1")["fields"]["summary"] == "INC-1 Checkout is down"
    assert jira.issue("OPS-1")["fields"]["priority"]["name"] == "High"
    assert pagerduty.incident(alert)["priority"]["summary"] == "P2"
    jira.edit("OPS-1", by="Dee", priority=PRIORITIES[0])
    clock.settle()
    case = multivac.incident()
    assert (case.severity, case.severity_by) == (Severity.SEV1, "dee@example.com")
    assert "Severity SEV2 → SEV1, settled by Dee Okafor in the ticket OPS-1: Highest" in multivac.timeline()
    assert pagerduty.incident(alert)["priority"]["summary"] == "P1"
    pagerduty.set_priority(alert, "P4", by="bo@example.com")  # a person's own, and left alone
    clock.settle()
    assert pagerduty.incident(alert)["priority"]["summary"] == "P4"
    jira.transition("OPS-1", "To Do", by="Dee")  # a person's own, and left alone
    slack.asks("Ana", "impact Nobody can pay", channel="inc-1")
    clock.forward(minutes=11)
    assert jira.issue("OPS-1")["fields"]["status"]["name"] == "To Do"
    assert multivac.incident().status is Status.ACTIVE
    jira.transition("OPS-1", "Done", by="Dee")
    clock.settle()
    assert multivac.incident().status is Status.RESOLVED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_change_that_is_taken_back_while_its_answer_is_lost_is_taken_back_in_jira_too(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, world: World
) -> None:
    for first, second, name in (("sev2", "sev1", "Highest"), ("sev3", "sev1", "Highest")):
        world.fail(Fault("jira", "PUT /issue/{key}", "lose_answer"))
        world.fail(Fault("jira", "PUT /issue/{key}", "server_error", times=0))
        slack.asks("Ana", f"severity {first}", channel="inc-1")
        clock.settle()
        assert multivac.step("priority").unknown
        assert jira.issue("OPS-1")["fields"]["priority"]["name"] != name  # it was changed all the same
        slack.asks("Ana", f"severity {second}", channel="inc-1")
        world.heal()
        clock.forward(minutes=2)
        assert jira.issue("OPS-1")["fields"]["priority"]["name"] == name


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_what_we_write_ourselves_into_a_ticket_that_people_made_is_not_heard(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, world: World
) -> None:
    other = jira.create("Customers cannot pay", by="Cara")
    slack.asks("Ana", f"ticket link {other}", channel="inc-1")
    clock.settle()
    world.fail(Fault("jira", "PUT /issue/{key}/assignee", "hold"))
    slack.asks("Bo", "lead me", channel="inc-1")
    slack.wait_for(lambda: world.held == 1, "an assignment under way")
    world.clock.forward(1)
    slack.asks("Cy", "lead me", channel="inc-1")
    world.clock.forward(1)
    world.release()
    clock.forward(minutes=1)
    assert multivac.lead() == jira.issue(other)["fields"]["assignee"]["displayName"] == "Cy Tanaka"
    assert "Multivac in the ticket" not in "\n".join(multivac.timeline())
    jira.assign(other, "Bo", by="Cara")  # who made it
    clock.settle()
    assert multivac.lead() == "Bo Lindqvist"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_a_severity_that_an_update_gave_counts_if_it_is_later_than_the_tickets(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira
) -> None:
    slack.asks("Ana", "severity sev2", channel="inc-1")
    clock.forward(minutes=1)
    jira.deliveries.hold()
    jira.edit("OPS-1", by="Dee", priority=PRIORITIES[2])
    clock.forward(seconds=5)
    slack.asks("Ana", "update", channel="inc-1")
    slack.sends("Ana", text="It is worse", severity="sev1")
    slack.sends("Ana")
    clock.settle()
    jira.deliveries.release()
    clock.forward(seconds=5)
    assert multivac.incident().severity is Severity.SEV1
    assert jira.issue("OPS-1")["fields"]["priority"]["name"] == "Highest"


def test_a_moved_ticket_stays_its_own_while_a_copy_and_a_forged_webhook_change_nothing(
    alert: str, multivac: Multivac, slack: Slack, clock: Clock, jira: Jira
) -> None:
    labels = jira.issue("OPS-1")["fields"]["labels"]
    copy = jira.create("A copy", "Dee", labels=labels)
    jira.assign(copy, "Bo", by="Dee")
    clock.settle()
    assert multivac.lead() == "Ana Silva"
    jira.move_away("OPS-1", "SEC-7", by="Dee")
    clock.forward(seconds=5)
    assert "The ticket OPS-1 was moved, and is SEC-7 now" in multivac.timeline()
    assert "/browse/SEC-7|SEC-7>" in slack.channel("inc-1").headline
    jira.assign("SEC-7", "Cy", by="Dee")
    clock.settle()
    assert multivac.lead() == "Cy Tanaka"
    jira.deliveries.subscribers.clear()
    jira.subscribe(f"{multivac.running.url}/webhooks/jira", "not the secret")
    jira.assign("SEC-7", "Bo", by="Dee")
    clock.settle()
    assert multivac.lead() == "Cy Tanaka"
    assert multivac.metric("multivac_webhooks_received_total", source="jira", result="unverified") == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_what_somebody_leads_in_jira_does_not_dismiss_itself(
    alert: str, multivac: Multivac, clock: Clock, *, jira: Jira, pagerduty: PagerDuty, world: World
) -> None:
    world.fail(Fault("slack", "conversations.history", "rate_limit", retry_after=30))
    pagerduty.resolve(alert)
    clock.forward(seconds=20)
    jira.assign("OPS-1", "Cy", by="Cy")
    clock.forward(minutes=1)
    assert multivac.incident().status is Status.TRIAGE
    assert multivac.lead() == "Cy Tanaka"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL that differs
def test_what_is_reopened_in_jira_calls_its_lead_again_and_catches_up_on_nothing(
    multivac: Multivac, slack: Slack, clock: Clock, *, jira: Jira, pagerduty: PagerDuty
) -> None:
    later = [
        {"phase": f"after-{at}", "title": "Later", "at": at, "tasks": [{"id": at, "text": "Look."}]}
        for at in ("20m", "60m")
    ]
    statuses = {"statuses": {"Done": "resolved", "In Progress": "active"}}
    multivac.start(
        {**LATER, "ticket": statuses, "checklists": [*PLAYBOOK["checklists"], *later]}, settings=SETTINGS
    )
    pagerduty.trigger("Checkout is slow", "checkout", priority="P3")
    clock.settle()
    slack.asks("Ana", "resolve Rolled back", channel="inc-1")
    clock.forward(hours=3)
    jira.transition("OPS-1", "In Progress", by="Dee")
    clock.settle()
    room, lead = slack.channel("inc-1"), multivac.incident().roles["lead"]
    assert multivac.incident().status is Status.ACTIVE
    assert (lead.person.name, lead.accepted_at) == ("Ana Silva", None)
    assert "Dee Okafor (in Jira)" in room.said("lead told")[-1]
    assert len(room.said("lead told")) == 2
    assert len(room.said("checklist")) == 1
    slack.asks("Ana", "resolve Rolled back again", channel="inc-1")
    slack.asks("Bo", "status active", channel="inc-1")
    clock.settle()
    assert multivac.incident().roles["lead"].accepted_at is None
    assert "Bo Lindqvist" in slack.channel("inc-1").said("lead told")[-1]
