"""What happens at the same moment ends as if it had happened one after the other."""

import pytest
import sqlalchemy as sa

from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.world import World
from multivac.incident import IncidentId, Status
from multivac.store import incidents
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

SERVICES = ("checkout", "payments", "cart", "search", "login", "edge")


@pytest.mark.every_database
def test_round_robin_is_fair_among_incidents_of_one_moment(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    pool = {"people": ["ana@example.com", "bo@example.com", "dee@example.com"]}
    multivac.start({"lead": [{"round_robin": pool}]})
    for service in SERVICES:
        pagerduty.trigger(f"{service} is slow", service)
    clock.settle()
    led = [multivac.lead(number) for number in multivac.numbers()]
    assert sorted(map(led.count, set(led))) == [2, 2, 2]


@pytest.mark.every_database
def test_an_alert_that_comes_while_another_ends_is_in_an_incident_that_goes_on(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    multivac.start()
    first = [pagerduty.trigger(f"{service} is slow", service) for service in SERVICES]
    clock.settle()
    pagerduty.hold_deliveries()
    for number, (service, alert) in enumerate(zip(SERVICES, first, strict=True)):
        pagerduty.trigger(f"{service} returns 500", service)
        pagerduty.resolve(alert, by="Ana" if number % 2 else None)
    pagerduty.release()
    clock.settle()
    cases = [multivac.incident(number) for number in multivac.numbers()]
    assert sum(len(case.alerts.rows) for case in cases) == 2 * len(SERVICES)
    for case in cases:
        if any(alert.facts.status != "resolved" for alert in case.alerts.rows):
            assert case.status.is_open, f"INC-{case.id} is {case.status}, and one of its alerts is not"
            assert case.resolution_at is None or case.resolution_withdrawn, f"INC-{case.id} is to be resolved"


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)  # SQLite has one writer
def test_an_alert_does_not_join_an_incident_that_is_ending_just_then(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, world: World
) -> None:
    multivac.start()
    pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    engine = multivac.running.database.engine
    waiting = sa.text(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )

    def somebody_waits() -> bool:
        with engine.connect() as another:
            return bool(another.scalar(waiting))

    with engine.begin() as ending:
        assert incidents.set_status(ending, IncidentId(1), Status.DISMISSED, now=clock.now())
        pagerduty.trigger("Checkout returns 500", "checkout")
        assert world.wait_for(somebody_waits)
    clock.settle()
    assert multivac.numbers() == (1, 2)
    assert multivac.incident(2).status is Status.TRIAGE
    assert [len(multivac.incident(number).alerts.rows) for number in (1, 2)] == [1, 1]


@pytest.mark.every_database
def test_ten_changes_of_one_moment_make_few_edits(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start()
    alert = pagerduty.trigger("Checkout is slow", "checkout")
    clock.settle()
    for number in range(5):
        pagerduty.set_priority(alert, f"P{5 - number}", by="Ana")
        pagerduty.set_bridge(alert, f"https://meet.example.com/{number}")
    clock.settle()
    room = slack.channel("inc-1")
    assert room.topic.startswith("SEV1")
    assert "https://meet.example.com/4" in room.headline
    assert room.kinds() == ["headline", "checklist/first-5-minutes", "lead told"]
