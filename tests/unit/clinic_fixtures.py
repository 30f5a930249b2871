"""The fixtures around `Clinic`: a module of its own, because pytest wants to import plugins itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from tests.unit.clinic import HOOK, WEBHOOK_SECRET, Clinic


@pytest.fixture(scope="module")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def clinic(one_sandbox: Sandbox, tmp_path: Path) -> Iterator[Clinic]:
    """A company in which all is well."""
    one_sandbox.reset()
    one_sandbox.jira.flavour = "cloud"
    one_sandbox.seed()
    one_sandbox.slack.add_person("Fay Kim", "fay@example.com")
    one_sandbox.pagerduty.subscribe(HOOK, WEBHOOK_SECRET)
    yield Clinic(one_sandbox, tmp_path)
    one_sandbox.world.heal()
