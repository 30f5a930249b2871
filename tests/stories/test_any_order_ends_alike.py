"""Two alerts to which the same happens, one told in order and one in any: people see the same in the end.

`make test ARGS="-k ends_alike --hypothesis-profile=thorough --timeout=900"` plays dozens.
"""

import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac
from tests.stories.workspace import Slack

pytestmark = pytest.mark.every_database

ACTS = ("acknowledge", "worse", "milder", "reassign", "responder", "bridge", "unacknowledge", "note")
THOROUGH = 1_000
EXAMPLES = 40 if settings().max_examples > THOROUGH else 1


def act(vendor: PagerDuty, alert: str, what: str) -> None:
    match what:
        case "acknowledge":
            vendor.acknowledge(alert, by="Ana")
        case "worse":
            vendor.set_priority(alert, "P1", by="Ana")
        case "milder":
            vendor.set_priority(alert, "P4", by="Ana")
        case "reassign":
            vendor.reassign(alert, "Gus", by="Ana")
        case "responder":
            vendor.add_responder(alert, "Cy", by="Ana")
        case "bridge":
            vendor.set_bridge(alert, "https://meet.example.com/1")
        case "unacknowledge":
            vendor.unacknowledge(alert)
        case _:
            vendor.annotate(alert, "I look at it", by="Ana")


def told(vendor: PagerDuty, clock: Clock, acts: Sequence[str]) -> list[bytes]:
    """What PagerDuty has to say of an alert to which this happens; it ends with somebody resolving it."""
    vendor.hold_deliveries()
    alert = vendor.trigger("Checkout is slow", "checkout")
    for what in acts:
        clock.forward(seconds=1)
        act(vendor, alert, what)
    clock.forward(seconds=1)
    vendor.resolve(alert, by="Bo")
    held, vendor.deliveries._held = vendor.deliveries._held or [], None
    return [parcel.event.body for parcel in held]


def picture(multivac: Multivac, slack: Slack, number: int) -> dict[str, object]:
    """What there is to see of an incident, without what differs between any two."""
    room, case = slack.channel(f"inc-{number}"), multivac.incident(number)
    plain = [re.sub(r"\d+", "#", one) for one in (room.topic, *room.said("resolution"))]
    return {
        "said": plain,
        "kinds": sorted(kind for kind in room.kinds() if not kind.startswith("lead")),
        "members": room.members,
        "status": case.status,
        "severity": case.severity,
        "bridge": case.alerts.bridge,
        "acknowledged": case.alerts.ackers,
        "assignees": case.alerts.assignees,
        "timeline": {line for line in multivac.timeline(number) if line.startswith(("Ana", "Bo", "The "))},
    }


def test_whatever_the_order_people_see_the_same_in_the_end(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock, slack: Slack
) -> None:
    multivac.start({"join": {"same_service_within": "0s"}})

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES == 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(acts=st.lists(st.sampled_from(ACTS), min_size=3, max_size=6), data=st.data())
    def ends_alike(acts: list[str], data: st.DataObject) -> None:
        in_order = told(pagerduty, clock, acts)
        for body in in_order:
            assert pagerduty.deliver_raw(body) == [202]
        clock.forward(minutes=2)
        other = told(pagerduty, clock, acts)
        # The end comes last: one that came first would open nothing.
        middle = data.draw(st.permutations([*other[:-1], *other[:2]]))
        for body in (*middle, other[-1]):
            assert pagerduty.deliver_raw(body) == [202]
        clock.forward(minutes=2)
        *_, first, second = multivac.numbers()
        assert picture(multivac, slack, first) == picture(multivac, slack, second), acts

    ends_alike()
