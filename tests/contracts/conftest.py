"""A seeded sandbox, and the vendors' documents, for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from tests.contracts.documents import Documents


@pytest.fixture(scope="session")
def documents(payloads: Path) -> Documents:
    """The documents, read once; without them the test is skipped."""
    return Documents(payloads)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        sandbox.seed()
        yield sandbox
        sandbox.world.heal()
