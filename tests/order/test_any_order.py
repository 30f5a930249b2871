"""However often and in whatever order PagerDuty tells it, what comes of it is what the latest facts say.

Cheap in every run; `make test ARGS="-k any_order --hypothesis-profile=thorough --timeout=900"` looks longer.
"""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from multivac.incident import Facts, Person
from multivac.store.cases import Case
from tests.order.model import AlertModel, IncidentModel, Model
from tests.order.stage import Door
from tests.order.telling import Told, deliveries

# Without the phase that explains a failure: it looks at each line, and a history has ten thousand.
PHASES = tuple(one for one in Phase if one is not Phase.explain)
# A history of ten events takes a tenth of a second on a busy machine, and a test has ten.
examples = settings(
    max_examples=settings().max_examples * 2 // 5,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow],
)


@examples
@given(arriving=deliveries(), waits=st.booleans())
def test_any_order_of_any_events_comes_to_what_the_latest_say(
    door: Door, arriving: list[Told], *, waits: bool
) -> None:
    door.begin(waits=waits)
    model = Model(waits=waits)
    for event in arriving:
        assert door.deliver(event) == 202
        door.settle()
        model.hear(event)
    found = door.incidents()
    assert len(found) == len(model.incidents)
    for case, expected in zip(found, model.incidents, strict=True):
        agrees(case, expected)
        keys = door.timeline(case.id)
        assert len(keys) == len(set(keys))
        assert {key for key in keys if key.startswith("event:")} == expected.event_keys
        others = list(expected.alerts)[1:]
        assert {key for key in keys if key.startswith("joined:")} == {
            f"joined:pagerduty:{it}" for it in others
        }


def agrees(case: Case, expected: IncidentModel) -> None:
    """The incident is what the model says."""
    assert {row.key for row in case.alerts.rows} == set(expected.alerts)
    for row in case.alerts.rows:
        knows(row.facts, expected.alerts[row.key])
    assert case.title == expected.title
    assert case.status == expected.status
    assert case.severity == expected.expected_severity
    if not expected.waits:
        stands = case.resolution_at is not None and not case.resolution_withdrawn
        assert stands == expected.is_over
        if stands:
            assert case.resolution_by == expected.ended_by
            assert (case.resolution_at.isoformat() if case.resolution_at else None) == expected.ended_at


def knows(facts: Facts, expected: AlertModel) -> None:
    """An alert is known as the model says."""
    assert facts.status == expected.status
    assert facts.title == expected.title
    assert facts.service_id == expected.service
    assert facts.priority == expected.priority
    assert names(facts.assignees) == (None if expected.assignees is None else list(expected.assignees))
    assert (facts.acknowledged_by.name if facts.acknowledged_by else None) == expected.acknowledged_by
    assert set(names(facts.responders) or ()) == expected.responders
    assert (facts.bridge.url or "" if facts.bridge else None) == expected.bridge


def names(people: tuple[Person, ...] | None) -> list[str] | None:
    return None if people is None else [one.name for one in people]
