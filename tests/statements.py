"""Whether the stories run every statement of ours on PostgreSQL that they run on SQLite; a pytest plugin.

Most stories run on SQLite alone, for PostgreSQL takes twice as long. So each notes from which lines of ours
SQL is run, and where; once all of them have run, no line may have been tried on SQLite only.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.presses import STORIES, is_whole

OURS = str(Path(__file__).parents[1] / "multivac") + "/"
# What only SQLite is asked: how its file is opened, whose copy it is, what the engine's client does with it.
APART = ("store/database.py", "store/copies.py", "jobs.py")
_NOTES = pytest.StashKey[Path]()
_MISSING = pytest.StashKey[list[str]]()

Site = tuple[str, str, int]  # the kind of database, the file, the line


class Listener:
    """Notes each line of ours that runs SQL, once for each kind of database, while a story is told."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes
        self._known: set[Site] = set()
        self.is_story = False

    def __call__(self, connection: sa.Connection, *_: object) -> None:
        """Called before each statement."""
        frame = sys._getframe(1) if self.is_story else None
        while frame is not None and not frame.f_code.co_filename.startswith(OURS):
            frame = frame.f_back
        if frame is None:
            return
        site = (connection.dialect.name, frame.f_code.co_filename.removeprefix(OURS), frame.f_lineno)
        if site not in self._known:
            self._known.add(site)
            with self._notes.open("a") as notes:
                notes.write("{} {} {}\n".format(*site))

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Listen to stories alone."""
        self.is_story = STORIES in item.path.parents


def untried(lines: Iterable[str]) -> list[str]:
    """The lines of ours that were tried on SQLite only; none where nothing ran on PostgreSQL."""
    where: dict[str, set[str]] = {"sqlite": set(), "postgresql": set()}
    for line in lines:
        kind, file, number = line.split()
        if not file.startswith(APART):
            where[kind].add(f"multivac/{file}:{number}")
    return sorted(where["sqlite"] - where["postgresql"]) if where["postgresql"] else []


# --- in the run of the tests ----------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Settle on one file for all workers, and listen."""
    given = getattr(config, "workerinput", {}).get("statements")
    config.stash[_NOTES] = Path(given or tempfile.mkstemp(prefix="statements-")[1])
    listener = Listener(config.stash[_NOTES])
    config.pluginmanager.register(listener, "listener")
    sa.event.listen(sa.Engine, "before_cursor_execute", listener)


def pytest_configure_node(node: Any) -> None:
    """Tell a worker which file it is."""
    node.workerinput["statements"] = str(node.config.stash[_NOTES])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run of all stories in which some SQL was never tried on PostgreSQL."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    lines = config.stash[_NOTES].read_text().splitlines()
    config.stash[_NOTES].unlink()
    if exitstatus == pytest.ExitCode.OK and is_whole(config):
        config.stash[_MISSING] = untried(lines)
        if config.stash[_MISSING]:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was never tried."""
    missing = config.stash.get(_MISSING, [])
    if missing:
        terminalreporter.section("NO STORY RUNS THIS SQL ON POSTGRESQL", red=True)
        terminalreporter.line("Mark a story that does with pytest.mark.every_database:")
        for one in missing:
            terminalreporter.line(one)
