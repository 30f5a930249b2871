"""Keeping data, by the processes an operator runs: backup, restore, a damaged or newer file, a full disk."""

import resource
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from multivac.store import migrate
from multivac.store.database import Database
from tests.processes.conftest import Make
from tests.processes.daemon import Daemon, multivac, until
from tests.processes.outage import Outage

SEVERAL = "starts several processes one after another, perhaps on two busy cores"


def command(daemon: Daemon, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = multivac(*arguments, settings=daemon.settings, folder=folder)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow(60, SEVERAL)
def test_a_backup_from_the_middle_of_responses_becomes_whole_once_restored(
    make: Make, outage: Outage, tmp_path: Path
) -> None:
    file, copy = tmp_path / "multivac.db", tmp_path / "backup.db"
    daemon = make(f"sqlite:///{file}").start()
    alerts = outage.alerts(4)
    outage.fail("slack", "chat.postMessage", "hold", times=12)
    for alert in alerts:
        assert daemon.post(alert.body)[0] == 202
    until(lambda: outage.world.held >= 4, 8, "no response has begun")
    made = command(daemon, tmp_path, "backup", str(copy))
    assert (made.returncode, "4 incidents" in made.stdout) == (0, True), made.stderr
    refused = command(daemon, tmp_path, "restore", str(copy))
    assert (refused.returncode, "another Multivac is running" in refused.stderr) == (2, True)

    outage.world.heal()
    outage.wait_until_whole(alerts, 20)
    daemon.stop()
    put = command(daemon, tmp_path, "restore", str(copy))
    assert (put.returncode, "Start Multivac now" in put.stdout) == (0, True), put.stderr
    daemon.start()
    outage.wait_until_whole(alerts, 20)
    daemon.stop()
    assert outage.amiss(alerts) == []


@pytest.mark.slow(40, SEVERAL)
def test_a_newer_or_damaged_file_ends_the_start_with_what_to_do(make: Make, tmp_path: Path) -> None:
    file = tmp_path / "multivac.db"
    daemon = make(f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    migrate.upgrade(database)
    database.stop()
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = command(daemon, tmp_path, "run")
    assert (newer.returncode, len(newer.stderr.splitlines())) == (2, 1)
    assert "belongs to a newer release (schema 9999" in newer.stderr
    file.write_bytes(b"\xa5" * 100_000)
    before = file.read_bytes()
    damaged = command(daemon, tmp_path, "run")
    assert (damaged.returncode, len(damaged.stderr.splitlines())) == (2, 1)
    assert "is damaged (file is not a database)" in damaged.stderr
    assert "multivac restore" in damaged.stderr
    assert file.read_bytes() == before


@pytest.mark.slow(40, "starts a daemon, fills its disk, and waits for whole responses")
def test_a_full_disk_asks_for_redelivery_and_is_recovered_from(
    make: Make, outage: Outage, tmp_path: Path
) -> None:
    """A limit of 0 bytes to a file is a disk that takes nothing at all: database, engine and log."""
    file = tmp_path / "multivac.db"
    daemon = make(f"sqlite:///{file}").start()
    before, during = outage.alerts(2, "before"), outage.alerts(3, "during")
    assert [daemon.post(alert.body)[0] for alert in before] == [202, 202]
    process = psutil.Process(daemon.process.pid)
    usual = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    assert [daemon.post(alert.body)[0] for alert in during] == [503, 503, 503]
    assert daemon.get("/livez")[0] == 200
    assert daemon.get("/readyz")[0] == 503
    process.rlimit(resource.RLIMIT_FSIZE, usual)
    until(lambda: daemon.get("/readyz")[0] == 200, 10, "it is not ready again by itself")
    assert [daemon.post(alert.body)[0] for alert in during] == [202, 202, 202]
    outage.wait_until_whole([*before, *during], 25)
    daemon.stop()
    assert outage.amiss([*before, *during]) == []
    with closing(sqlite3.connect(file)) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
