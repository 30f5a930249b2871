"""The door that all tests of order tell their events at."""

from collections.abc import Iterator

import pytest
import structlog

from tests.order.stage import Door, Quiet
from tests.order.telling import templates


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    kept = Quiet()
    structlog.configure(processors=[kept])
    with Door(tmp_path_factory.mktemp("order"), templates()) as opened:
        yield opened
    structlog.reset_defaults()
    assert kept.mistakes == []
