"""Incidents that are declared at the same moment share a pool of leads as fairly as those one by one."""

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac

SERVICES = ("checkout", "payments", "cart", "search", "login", "edge")


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
