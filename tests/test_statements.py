"""The check that what stories run on SQLite is run on PostgreSQL finds what is not."""

from pathlib import Path

import sqlalchemy as sa

from multivac.store import migrate
from multivac.store.database import Database
from tests.statements import Listener, untried


def test_sql_that_was_tried_on_sqlite_only_is_named() -> None:
    lines = ["sqlite store/cases.py 1", "sqlite store/news.py 7", "postgresql store/cases.py 1"]
    assert untried(lines) == ["multivac/store/news.py:7"]
    assert untried([*lines, "postgresql store/news.py 7", "sqlite store/database.py 3"]) == []
    assert untried(["sqlite store/cases.py 1"]) == [], "without a PostgreSQL there is nothing to compare"


def test_sql_is_known_by_the_line_of_ours_that_runs_it(sqlite_url: str, tmp_path: Path) -> None:
    database, notes = Database(sqlite_url), tmp_path / "notes"
    listener = Listener(notes)
    sa.event.listen(database.engine, "before_cursor_execute", listener)
    migrate.upgrade(database)
    assert not notes.exists(), "this is no story"
    listener.is_story = True
    for _ in range(2):
        assert migrate.current(database) == migrate.HEAD
    database.stop()
    noted = notes.read_text().splitlines()
    assert len(noted) == len(set(noted)) > 0
    assert all(line.startswith("sqlite store/") for line in noted)
