"""Writes are durable, all or nothing, and one bad one never costs another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from multivac.store import migrate
from multivac.store.database import Database
from multivac.store.tables import meta

MIGRATIONS = Path(migrate.__file__).parent.parent / "migrations"
TABLE = "create table thing (name text primary key)"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'test.db'}")
    opened.start()
    opened.write(lambda tx: tx.exec_driver_sql(TABLE))
    yield opened
    opened.stop()


def _add(name: str) -> sa.TextClause:
    return sa.text("insert into thing values (:name)").bindparams(name=name)


def _insert(tx: sa.Connection, name: str) -> None:
    tx.execute(_add(name))


def _names(database: Database) -> set[str]:
    with database.read() as tx:
        return set(tx.scalars(sa.text("select name from thing")))


def test_what_was_written_is_read_by_everybody(database: Database) -> None:
    database.write(lambda tx: tx.execute(_add("one")))
    assert _names(database) == {"one"}


def test_an_error_does_not_say_what_was_written(database: Database) -> None:
    database.write(lambda tx: tx.execute(_add("Data leak")))
    with pytest.raises(sa.exc.IntegrityError) as caught:
        database.write(lambda tx: tx.execute(_add("Data leak")))
    assert "Data leak" not in f"{caught.value} {caught.value!r}"  # it is logged, and may be private


def test_an_error_is_handed_to_whoever_wrote_and_nothing_of_it_stays(database: Database) -> None:
    def bad(tx: sa.Connection) -> None:
        tx.execute(_add("half"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(bad)
    assert database.takes_writes, "that is a fault of ours, not the database's"
    assert _names(database) == set()


def test_a_commit_that_is_refused_costs_only_itself(database: Database) -> None:
    def refuse(_: sa.Connection) -> None:
        raise sa.exc.OperationalError("COMMIT", None, Exception("disk full"))

    sa.event.listen(database.engine, "commit", refuse)
    with pytest.raises(sa.exc.OperationalError, match="disk full"):
        database.write(partial(_insert, name="lost"))
    assert not database.takes_writes
    sa.event.remove(database.engine, "commit", refuse)
    assert not database.takes_writes, "until a write says so"
    database.write(partial(_insert, name="kept"))
    assert database.takes_writes
    assert _names(database) == {"kept"}


def test_one_bad_write_in_a_group_costs_only_itself(database: Database) -> None:
    gate = threading.Event()
    blocking = database.hand_in(lambda _: gate.wait(5))
    good = [database.hand_in(partial(_insert, name=name), urgent=True) for name in "ab"]
    bad = database.hand_in(lambda tx: tx.execute(sa.text("nonsense")), urgent=True)
    gate.set()
    assert blocking.result()
    for one in good:
        one.result()
    with pytest.raises(sa.exc.OperationalError):
        bad.result()
    assert _names(database) == {"a", "b"}


def test_what_is_urgent_goes_before_what_is_not(database: Database) -> None:
    gate, order = threading.Event(), list[str]()
    handed_in: list[Future[Any]] = [
        database.hand_in(lambda _: gate.wait(5)),
        database.hand_in(lambda _: order.append("ordinary")),
        database.hand_in(lambda _: order.append("urgent"), urgent=True),
    ]
    gate.set()
    for one in handed_in:
        one.result()
    assert order == ["urgent", "ordinary"]


def test_a_start_knows_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == migrate.HEAD


def test_the_migrations_make_what_an_empty_database_gets_at_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'moved.db'}")
    with database.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(connection), meta) == []


def test_what_was_handed_in_before_the_end_is_written(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.start()
    database.write(lambda tx: tx.exec_driver_sql(TABLE))
    for number in range(40):
        database.hand_in(partial(_insert, name=str(number)))
    database.stop()
    assert len(_names(Database(database.url))) == 40


@pytest.mark.postgres
def test_two_writes_that_wait_for_each_other_are_both_done(postgres_url: str) -> None:
    database = Database(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    database.write(lambda tx: tx.exec_driver_sql(TABLE))
    for name in "ab":
        database.write(partial(_insert, name=name))
    database.start()
    both_have_one, tries = threading.Barrier(2), list[str]()

    def take(tx: sa.Connection, *, first: str, then: str) -> str:
        for name in (first, then):
            tx.execute(sa.text("select name from thing where name = :name for update"), {"name": name})
            if name == first and len(tries) < 2:
                tries.append(first)
                both_have_one.wait(5)
        return first

    handed_in = [database.hand_in(partial(take, first=first, then=then)) for first, then in ("ab", "ba")]
    assert [one.result() for one in handed_in] == ["a", "b"]
    database.stop()
