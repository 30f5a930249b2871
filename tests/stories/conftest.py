"""What every story may use: the stand-ins, the daemon, and the clock.

A story is told on SQLite. What is marked `every_database` is told on PostgreSQL too, which takes twice as
long: what is about many things at one moment, what comes in, claims, limits and rows; and of the others as
many as it takes to try all our SQL there, which tests/statements.py watches over.
"""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from integrations.sandbox.clock import Clock as SandboxClock
from integrations.sandbox.jira import Jira
from integrations.sandbox.pagerduty import PagerDuty
from integrations.sandbox.server import Sandbox
from integrations.sandbox.world import World
from multivac.app import Daemon
from multivac.settings import load_settings
from tests import presses
from tests.contracts.recorder import documents_if_there, held_to_the_documents
from tests.postgres import Server, empty
from tests.stories.stage import Clock, Logs, Multivac
from tests.stories.workspace import Slack

__all__ = ["documents_if_there", "held_to_the_documents"]  # fixtures

MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.hookimpl(tryfirst=True)  # before pytest's own, which then finds the mark
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell a story on SQLite, if it says nothing else."""
    story = metafunc.definition
    given = [mark.args[0] for mark in story.iter_markers("parametrize")]
    if (
        "database_url" in metafunc.fixturenames
        and "database_url" not in given
        and story.get_closest_marker("every_database") is None
    ):
        story.add_marker(pytest.mark.parametrize("database_url", ["sqlite"], indirect=True))


@pytest.fixture(scope="session")
def one_sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxClock(frozen=MONDAY_NOON)) as sandbox:
        yield sandbox


def make_tables(url: str) -> None:
    """Have a daemon make its tables, and the engine's: that takes longer than most stories."""
    settings = {"MULTIVAC_DATABASE__URL": url, "MULTIVAC_SERVER__PORT": "0"}
    daemon = Daemon(load_settings(None, settings), clock=SandboxClock(frozen=MONDAY_NOON))
    daemon.start(beating=False)
    daemon.stop()


@pytest.fixture(scope="session")
def files_ready(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of a SQLite database that has all tables."""
    folder = tmp_path_factory.mktemp("tables")
    make_tables(f"sqlite:///{folder / 'multivac.db'}")
    return sorted(folder.glob("multivac.db*"))


@pytest.fixture
def sqlite_url(files_ready: list[Path], tmp_path: Path) -> str:
    """A SQLite database of this story's own, empty but for its tables."""
    for file in files_ready:
        shutil.copy(file, tmp_path)
    return f"sqlite:///{tmp_path / 'multivac.db'}"


@pytest.fixture(scope="session")
def tables_ready(postgres_server: Server) -> Iterator[str]:
    """The address of a PostgreSQL database that has all tables."""
    with postgres_server.database() as url:
        make_tables(url)
        yield url


@pytest.fixture
def postgres_url(tables_ready: str) -> str:
    """The PostgreSQL database of this process, emptied: to make and drop one takes longer than a story."""
    empty(tables_ready)
    return tables_ready


@pytest.fixture
def sandbox(one_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The stand-ins, freshly filled: to start a server for each story takes longer than most."""
    one_sandbox.reset()
    one_sandbox.world.clock.freeze(MONDAY_NOON)
    one_sandbox.world.delays.clear()
    one_sandbox.world.connect_delay = 0.0
    one_sandbox.world.limits_on = False
    one_sandbox.jira.flavour = "cloud"
    one_sandbox.seed()
    yield one_sandbox
    presses.note(request.config, one_sandbox.slack.outbox.sent)


@pytest.fixture
def logs() -> Iterator[Logs]:
    """What was logged; a story in which the daemon met a mistake of its own has failed."""
    kept = Logs()
    structlog.configure(processors=[kept])
    yield kept
    structlog.reset_defaults()
    assert not kept.mistakes, "\n".join(kept.mistakes)


@pytest.fixture
def multivac(sandbox: Sandbox, database_url: str, tmp_path: Path, logs: Logs) -> Iterator[Multivac]:
    """The daemon, not started yet."""
    daemon = Multivac(sandbox, database_url, tmp_path)
    yield daemon
    sandbox.world.heal()
    daemon.stop()


@pytest.fixture
def clock(sandbox: Sandbox, multivac: Multivac) -> Clock:
    return Clock(sandbox, multivac)


@pytest.fixture
def world(sandbox: Sandbox) -> World:
    """What the vendors heard, and what is to go wrong with them."""
    return sandbox.world


@pytest.fixture
def pagerduty(sandbox: Sandbox) -> PagerDuty:
    return sandbox.pagerduty


@pytest.fixture
def jira(sandbox: Sandbox) -> Jira:
    return sandbox.jira


@pytest.fixture
def slack(sandbox: Sandbox) -> Slack:
    return Slack(sandbox.slack)
