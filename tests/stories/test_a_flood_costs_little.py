"""In a storm each round to the database counts: an alert takes few, whatever it brings."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from integrations.sandbox.pagerduty import PagerDuty
from tests.stories.stage import Clock, Multivac

FOLLOWS, JOINS = 4, 7  # beside begin and commit; SQLite is asked more, each of which costs next to nothing


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[int]]:
    """How many statements each transaction takes that notes a delivery."""
    counts: list[int] = []
    running: dict[int, int] = {}

    def asked(connection: sa.Connection, _: object, statement: str, *__: object) -> None:
        number = id(connection)
        if "INSERT INTO delivery" in statement or number in running:
            running[number] = running.get(number, 0) + 1

    def committed(connection: sa.Connection) -> None:
        if (number := running.pop(id(connection), None)) is not None:
            counts.append(number)

    sa.event.listen(engine, "before_cursor_execute", asked)
    sa.event.listen(engine, "commit", committed)
    yield counts
    sa.event.remove(engine, "before_cursor_execute", asked)
    sa.event.remove(engine, "commit", committed)


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_an_alert_that_joins_or_changes_takes_few_statements(
    multivac: Multivac, pagerduty: PagerDuty, clock: Clock
) -> None:
    daemon = multivac.start({"join": {"same_service_within": "1h"}})
    pagerduty.trigger("Disk of checkout is full", service="checkout")
    clock.forward(seconds=5)
    with counted(daemon.database.engine) as counts:
        second = pagerduty.trigger("Checkout answers slowly", service="checkout")
        clock.forward(seconds=5)
        joins = max(counts)
        counts.clear()
        pagerduty.acknowledge(second, by="ana@example.com")
        clock.forward(seconds=5)
    assert multivac.numbers() == (1,)
    assert "acknowledged" in str(multivac.timeline()).lower()
    assert joins <= JOINS
    assert 0 < max(counts) <= FOLLOWS
