"""The sandbox and the daemon that the tests of this folder share."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integrations.sandbox.server import Sandbox
from tests.processes.daemon import Daemon, settings_for
from tests.processes.outage import Outage

Make = Callable[..., Daemon]


@pytest.fixture
def outage() -> Iterator[Outage]:
    with Sandbox() as sandbox:
        yield Outage(sandbox)
        sandbox.world.heal()


@pytest.fixture
def make(outage: Outage, tmp_path: Path) -> Iterator[Make]:
    """Makes daemons that are killed at the end: `make(database_url, MULTIVAC_X__Y="z")`, not yet started."""
    made: list[Daemon] = []

    def one(database_url: str, *, name: str = "daemon", **settings: str) -> Daemon:
        every = {**settings_for(outage.sandbox.url, database_url), **settings}
        made.append(Daemon(every, tmp_path, name))
        return made[-1]

    yield one
    for daemon in made:
        daemon.kill()
        sys.stdout.write(daemon.output[-8000:])  # pytest shows it beside a failure


@pytest.fixture
def daemon(database_url: str, make: Make) -> Daemon:
    """A running daemon at that sandbox, once for each database; killed at the end."""
    return make(database_url).start()
