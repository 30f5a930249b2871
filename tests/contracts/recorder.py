"""Holds all that a test said to the stand-ins, and heard from them, against the vendors' documents.

A conftest takes it in by importing both fixtures; each test with a fixture `sandbox` is then looked at
when it ends. Without $MULTIVAC_PAYLOADS nothing is looked at.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from tests.contracts.documents import Documents


@pytest.fixture(scope="session")
def documents_if_there() -> Documents | None:
    """The documents, read once; None where there are none."""
    folder = os.environ.get("MULTIVAC_PAYLOADS")
    return Documents(Path(folder)) if folder else None


@pytest.fixture(autouse=True)
def held_to_the_documents(
    request: pytest.FixtureRequest, documents_if_there: Documents | None
) -> Iterator[None]:
    """Fail a test in which something passed that the vendors' documents do not allow."""
    sandbox: Sandbox | None = None
    if documents_if_there is not None and "sandbox" in request.fixturenames:
        sandbox = request.getfixturevalue("sandbox")
    yield
    if sandbox is not None and documents_if_there is not None:
        with sandbox.world.lock:
            passed = list(sandbox.world.exchanges)
        breaches = documents_if_there.breaches(passed)
        assert not breaches, "not as the vendors' documents have it:\n" + "\n".join(breaches)
