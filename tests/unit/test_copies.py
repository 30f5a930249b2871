"""Copies of the SQLite file: whole, never over anything that exists, and refused where they would do harm."""

import shlex
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from multivac.errors import BadConfig
from multivac.store import copies, migrate
from multivac.store.database import Database
from multivac.store.liveness import FileLiveness
from multivac.store.tables import incident, policy, step
from tests.postgres import find_binaries

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def declare(tx: sa.Connection, number: int | None = None) -> int:
    tx.execute(policy.insert().prefix_with("OR IGNORE").values(digest="d", body="{}"))
    row = {
        "title": "Checkout is slow",
        "severity": "sev2",
        "status": "triage",
        "policy": "d",
        "declared_at": NOW,
        "opens_at": NOW,
        "status_at": NOW,
        "channel_name": "inc",
    }
    return int(tx.execute(sa.insert(incident).values(**row, id=number).returning(incident.c.id)).scalar_one())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with three incidents."""
    opened = Database(f"sqlite:///{tmp_path / 'multivac.db'}")
    migrate.upgrade(opened)
    opened.start()
    for _ in range(3):
        opened.write(declare)
    yield opened
    opened.stop()


def run_in(file: Path, statement: str) -> list[int]:
    """The numbers of the first column that the statement gives."""
    with closing(sqlite3.connect(file)) as opened, opened:
        return [int(row[0]) for row in opened.execute(statement)]


def numbers(file: Path) -> list[int]:
    return run_in(file, "SELECT id FROM incident ORDER BY id")


restore = partial(copies.restore, now=NOW)


def refusal(work: object, *given: Path) -> str:
    assert callable(work)
    with pytest.raises(BadConfig) as refused:
        work(*given)
    return str(refused.value)


def test_a_backup_is_one_whole_file_that_only_its_owner_reads(database: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    made = copies.back_up(database.file, copy)
    assert (made.incidents, made.size) == (3, copy.stat().st_size)
    assert numbers(copy) == [1, 2, 3]
    assert copy.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]


def test_a_backup_made_while_others_write_is_of_one_moment(database: Database, tmp_path: Path) -> None:
    """Each write makes an incident and a step of it; a copy with one and not the other is torn."""
    over = threading.Event()

    def write(tx: sa.Connection) -> None:
        number = declare(tx)
        values = {"incident": number, "name": "channel", "attempt": 0, "unknown": False, "tries": 0}
        tx.execute(sa.insert(step).values(**values))

    def write_on() -> None:
        while not over.is_set():
            database.write(write)

    writing = threading.Thread(target=write_on)
    writing.start()
    try:
        made = [copies.back_up(database.file, tmp_path / f"{turn}.db").incidents for turn in range(5)]
    finally:
        over.set()
        writing.join()
    assert made == sorted(made)
    assert made[-1] > 3
    for turn, incidents in enumerate(made):
        steps = run_in(tmp_path / f"{turn}.db", "SELECT incident FROM step WHERE incident > 3")
        assert len(steps) == incidents - 3


def test_nothing_is_written_over(database: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    assert "exists already" in refusal(lambda: copies.back_up(database.file, copy))
    assert copy.read_text() == "precious"
    assert "does not exist" in refusal(lambda: copies.back_up(tmp_path / "no.db", tmp_path / "new.db"))
    assert "cannot be written" in refusal(lambda: copies.back_up(database.file, tmp_path / "no" / "new.db"))
    assert not (tmp_path / "new.db").exists()


def test_a_restored_database_says_so_and_goes_on_counting(database: Database, tmp_path: Path) -> None:
    file, copy = tmp_path / "multivac.db", tmp_path / "copy.db"
    copies.back_up(file, copy)
    database.write(lambda tx: declare(tx, 40))
    database.stop()
    file.with_name("multivac.db.engine").write_text("jobs of the future")
    put = copies.restore(file, copy, now=NOW)
    assert put.aside is not None
    assert numbers(put.aside) == [1, 2, 3, 40]
    assert numbers(file) == numbers(copy) == [1, 2, 3]
    assert not file.with_name("multivac.db.engine").exists()
    again = Database(database.url)
    again.start()
    with again.read() as tx:
        assert copies.restored_at(tx) == NOW
    assert again.write(declare) == 41
    again.stop()


def test_what_was_committed_but_not_yet_in_the_file_goes_aside_with_it(
    database: Database, tmp_path: Path
) -> None:
    """An old -wal that stayed would be mixed into the restored file."""
    file, copy = tmp_path / "multivac.db", tmp_path / "copy.db"
    copies.back_up(file, copy)
    database.write(lambda tx: declare(tx, 40))
    for name in ("multivac.db", "multivac.db-wal"):  # as kill -9 leaves them
        shutil.copy(tmp_path / name, tmp_path / f"killed-{name}")
    killed = tmp_path / "killed-multivac.db"
    put = copies.restore(killed, copy, now=NOW)
    assert numbers(killed) == [1, 2, 3]
    assert put.aside is not None
    assert numbers(put.aside) == [1, 2, 3, 40]


def test_a_restore_is_refused_while_a_daemon_runs(database: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copies.back_up(database.file, copy)
    running = FileLiveness("a daemon", database.file)
    running.start()
    assert "another Multivac is running" in refusal(restore, tmp_path / "multivac.db", copy)
    running.stop()


def test_what_is_no_backup_is_refused_and_the_database_stays(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "multivac.db"
    database.stop()
    before = file.read_bytes()
    empty, text, other, newer = (tmp_path / name for name in ("empty", "text", "other", "newer"))
    empty.touch()
    text.write_text("no database at all, but long enough to be read as one" * 99)
    run_in(other, "CREATE TABLE thing (name)")
    copies.back_up(file, newer)
    run_in(newer, "UPDATE alembic_version SET version_num = '9999'")
    assert "is no database of Multivac" in refusal(restore, file, empty)
    assert "is damaged (file is not a database)" in refusal(restore, file, text)
    assert "is no database of Multivac" in refusal(restore, file, other)
    assert "newer release (schema 9999" in refusal(restore, file, newer)
    assert "does not exist" in refusal(restore, file, tmp_path / "nothing")
    assert file.read_bytes() == before


def torn(file: Path) -> None:
    """Overwrite the middle of the file."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(b"\xa5" * 9000)


def test_a_damaged_file_is_found_at_the_start_and_never_copied(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "multivac.db"
    copies.look_through(file)
    database.stop()
    torn(file)
    assert "is damaged" in refusal(copies.look_through, file)
    assert "multivac restore FILE" in refusal(copies.look_through, file)
    assert "is damaged" in refusal(lambda: copies.back_up(file, tmp_path / "copy.db"))
    assert list(tmp_path.glob("copy.db*")) == []


def test_a_new_or_empty_file_has_no_damage(tmp_path: Path) -> None:
    copies.look_through(None)
    copies.look_through(tmp_path / "none.db")
    (tmp_path / "empty.db").touch()
    copies.look_through(tmp_path / "empty.db")


def test_a_full_disk_costs_the_writes_that_find_no_room_and_nothing_else(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'full.db'}"
    database = Database(url)
    limits = list[str]()

    def limit(connection: sqlite3.Connection, _: object) -> None:
        for pragma in limits:
            connection.execute(pragma)

    sa.event.listen(database.engine, "connect", limit)
    migrate.upgrade(database)
    with database.read() as tx:
        [pages] = tx.exec_driver_sql("PRAGMA page_count").one()
    database.engine.dispose()
    limits.append(f"PRAGMA max_page_count = {pages + 1}")
    database.start()

    def fill(tx: sa.Connection, size: int) -> None:
        tx.execute(policy.insert().values(digest=str(size), body="x" * size))

    with pytest.raises(sa.exc.OperationalError, match="full"):
        database.write(lambda tx: fill(tx, 100_000))
    database.write(lambda tx: fill(tx, 10))
    database.write(lambda tx: tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1000}"))
    database.write(lambda tx: fill(tx, 100_000))
    with database.read() as tx:
        assert tx.scalar(sa.text("PRAGMA integrity_check")) == "ok"
        assert set(tx.scalars(sa.select(policy.c.digest))) == {"10", "100000"}
    database.stop()


def test_the_commands_for_postgresql_hold_no_password_and_any_name() -> None:
    url = "postgresql+psycopg://ana:planted@db.example.com:5433/multi?sslmode=require&password=planted"
    for told in (copies.dump_command(url, Path("a b.dump")), copies.restore_commands(url, Path("a b.dump"))):
        assert "planted" not in told
        assert "'postgresql://ana@db.example.com:5433/multi?sslmode=require'" in told
        assert "'a b.dump'" in told


def test_the_commands_for_postgresql_do_what_they_say(postgres_url: str, tmp_path: Path) -> None:
    database = Database(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    migrate.upgrade(database)
    with database.engine.begin() as tx:
        tx.execute(sa.insert(policy).values(digest="before", body="{}"))
    copy = tmp_path / "multivac.dump"
    run(copies.dump_command(database.url, copy))
    with database.engine.begin() as tx:
        tx.execute(sa.delete(policy))
        tx.execute(sa.schema.CreateSchema("dbos"))
    run(copies.restore_commands(database.url, copy))
    with database.read() as tx:
        assert tx.scalars(sa.select(policy.c.digest)).all() == ["before"]
        assert abs((copies.restored_at(tx) or NOW) - datetime.now(UTC)) < timedelta(minutes=1)
        assert not sa.inspect(tx).has_schema("dbos")
    database.engine.dispose()


def run(told: str) -> None:
    """Type what stands there, each line that is a command."""
    binaries = find_binaries()
    assert binaries is not None
    for line in (one for one in told.splitlines() if one.startswith("  ")):
        program, *rest = shlex.split(line)
        subprocess.run([binaries / program, *rest], check=True, capture_output=True)
