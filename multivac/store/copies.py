"""Copies of the SQLite file: made while a daemon uses it, put back while none does, looked through at start.

`multivac backup`, `multivac restore` and every start come here. A copy counts only once all of it
was read again; nothing that exists is ever written over.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
import structlog

from multivac.errors import BadConfig, Finding
from multivac.store import migrate, people
from multivac.store.liveness import FileLiveness

log = structlog.get_logger()

# A start may not wait for a large file on a slow disk; a backup reads everything however long it takes.
_LOOK_SECONDS = 0.4
_INSTRUCTIONS = 1000  # of SQLite's machine, between two looks at the clock
_RESTORED = "restored"
_MARK = (
    "INSERT INTO lookup (key, value, at) VALUES ('restored', 'null', {now}) "
    "ON CONFLICT (key) DO UPDATE SET at = excluded.at"
)
_POSTGRES_NOW = "CAST(extract(epoch FROM now()) * 1000000 AS bigint)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What is in a copy, and where the file went whose place it took."""

    incidents: int
    size: int
    aside: Path | None = None


def look_through(file: Path | None) -> None:
    """Look for damage for 0.4 s at most; a new file has none. Raises `BadConfig` for a damaged one."""
    if file is None or not file.exists() or not file.stat().st_size:
        return
    ends = time.monotonic() + _LOOK_SECONDS
    try:
        with closing(sqlite3.connect(file)) as opened:
            opened.set_progress_handler(lambda: time.monotonic() > ends, _INSTRUCTIONS)
            _prove(opened, "quick_check(1)", file)
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise _unusable(file, f"cannot be read: {error}.", "Mend that, then start again.") from error
        log.info("file looked through in part", seconds=_LOOK_SECONDS, size=file.stat().st_size)
    except sqlite3.DatabaseError as error:
        raise _damaged(file, str(error)) from error


def back_up(file: Path | None, copy: Path) -> Copied:
    """Copy the file as it is at one moment, also while a daemon writes to it, and read the copy again.

    Raises `BadConfig` if `copy` exists, if there is nothing to copy, or if the copy is not whole.
    """
    source = _present(file)
    with _told_as(copy), _in_place(copy) as part:
        _copy(source, part)
        return _contents(part)


def restored_at(tx: sa.Connection) -> datetime | None:
    """When this database was put back from a backup: what came before may have gone on since unseen."""
    found = people.last_answer(tx, _RESTORED)
    return found[1] if found else None


def restore(file: Path, copy: Path, *, now: datetime) -> Copied:
    """Put a copy in the place of the file, which is set aside, not deleted.

    Raises `BadConfig` while a daemon runs on the file, and for a copy that cannot be used.
    """
    source = _present(copy)
    alone = _alone_on(file)
    try:
        part = file.with_name(f"{file.name}.restoring")
        part.unlink(missing_ok=True)  # of a restore that was cut off
        with _told_as(copy):
            _copy(source, part)
            copied = _contents(part)
            _mark(part, now)
            _never_repeat_numbers(part, file)
        _keep(part)
        aside = _set_aside(file, now)
        part.replace(file)
        _forget_engine(file)
        _keep(file.parent)
    finally:
        alone.stop()
    return Copied(incidents=copied.incidents, size=copied.size, aside=aside)


def dump_command(url: str, copy: Path) -> str:
    """How to back up a PostgreSQL database: the command to type, without the password."""
    return (
        f"  pg_dump --format=custom --exclude-schema=dbos --file={_word(copy)} {_word(_address(url))}\n\n"
        "Multivac may go on running. pg_dump asks for the password, or takes it from PGPASSWORD or ~/.pgpass."
    )


def restore_commands(url: str, copy: Path) -> str:
    """How to restore a PostgreSQL database: the commands to type, without the password."""
    into = _word(_address(url))
    return (
        f"  psql --command='DROP SCHEMA IF EXISTS dbos CASCADE' {into}\n"
        "  pg_restore --clean --if-exists --no-owner --single-transaction "
        f"--dbname={into} {_word(copy)}\n"
        f"  psql --command={_word(_MARK.format(now=_POSTGRES_NOW))} {into}\n\n"
        "Stop every replica first. The schema dbos holds the job engine's notes, which it makes anew. The "
        "last command has every step look for what it may have done since the backup."
    )


def _address(url: str) -> str:
    plain = sa.engine.make_url(url)._replace(drivername="postgresql", password=None)
    return plain.difference_update_query(["password"]).render_as_string(hide_password=False)


def _word(text: object) -> str:
    return shlex.quote(str(text))


def _copy(source: Path, part: Path) -> None:
    part.touch(mode=0o600)  # what was said in incidents is not for everybody on the machine
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(part)) as there:
        here.backup(there)  # all pages in one go: a writer meanwhile neither waits nor shows
        there.execute("PRAGMA journal_mode=DELETE")  # else the copy would be three files
        _prove(there, "integrity_check(1)", source)


def _contents(part: Path) -> Copied:
    """What a copy holds. Raises `BadConfig` if it is no database of ours, or one of a newer release."""
    with closing(sqlite3.connect(part)) as opened:
        tables = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not {"incident", "alembic_version"} <= tables:
            raise _unusable(part, "is no database of Multivac.", "Name a file that `multivac backup` made.")
        [(revision,)] = opened.execute("SELECT version_num FROM alembic_version")
        migrate.refuse_newer(str(revision))
        [(incidents,)] = opened.execute("SELECT count(*) FROM incident")
    return Copied(incidents=int(incidents), size=part.stat().st_size)


def _mark(part: Path, now: datetime) -> None:
    with closing(sqlite3.connect(part)) as opened, opened:
        opened.execute(_MARK.format(now=int(now.timestamp() * 1_000_000)))


def _never_repeat_numbers(part: Path, old: Path) -> None:
    """Go on counting incidents where the file that is replaced had come to, if it can still be read."""
    if not old.exists():
        return
    number = 0
    with suppress(sqlite3.Error), closing(sqlite3.connect(old)) as replaced:
        [(number,)] = replaced.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'incident'"
        )
    with closing(sqlite3.connect(part)) as opened, opened:
        changed = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'incident'"
        if not opened.execute(changed, (number,)).rowcount:
            opened.execute("INSERT INTO sqlite_sequence VALUES ('incident', ?)", (number,))


def _set_aside(file: Path, now: datetime) -> Path | None:
    """Move the file and what is not yet written into it; SQLite would mix an old -wal into the new file."""
    if not file.exists():
        return None
    stamp = now.strftime("%Y%m%dT%H%M%S")
    aside = file.with_name(f"{file.name}.replaced-{stamp}")
    os.link(file, aside)  # until the copy takes its name, the file stays where it is
    wal = file.with_name(f"{file.name}-wal")
    if wal.exists():
        wal.rename(aside.with_name(f"{aside.name}-wal"))
    file.with_name(f"{file.name}-shm").unlink(missing_ok=True)
    return aside


def _forget_engine(file: Path) -> None:
    """Delete the engine's notes: they tell of jobs that the restored rows know nothing of."""
    for end in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}.engine{end}").unlink(missing_ok=True)


def _alone_on(file: Path) -> FileLiveness:
    alone = FileLiveness("restore", file)
    alone.start()
    return alone


@contextmanager
def _in_place(copy: Path) -> Iterator[Path]:
    """A file to fill, which takes the name `copy` only once it is whole."""
    try:
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # the name is ours from here on
    except FileExistsError as error:
        raise _unusable(copy, "exists already.", "Name a new file: no backup is written over.") from error
    except OSError as error:
        raise _unusable(copy, f"cannot be written ({error.strerror}).", "Name another place.") from error
    part = copy.with_name(f"{copy.name}.part")
    try:
        part.unlink(missing_ok=True)
        yield part
        _keep(part)
        part.replace(copy)
        _keep(copy.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        copy.unlink()
        raise


@contextmanager
def _told_as(copy: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unusable(
            copy, f"was not copied: {error}.", "See whether there is room, then again."
        ) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(copy, str(error)) from error


def _prove(opened: sqlite3.Connection, check: str, file: Path) -> None:
    [(found,)] = opened.execute(f"PRAGMA {check}")
    if found != "ok":
        raise _damaged(file, " ".join(str(found).split()))


def _keep(path: Path) -> None:
    """Make a file, or the names in a folder, outlast a loss of power."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _present(file: Path | None) -> Path:
    if file is None or not file.is_file():
        raise _unusable(file, "does not exist.", "Name a file that is there.")
    return file


def _damaged(file: Path, found: str) -> BadConfig:
    fix = "Keep it for the experts, and put the newest backup in its place: `multivac restore FILE`."
    return _unusable(file, f"is damaged ({found}).", fix)


def _unusable(file: Path | None, why: str, fix: str) -> BadConfig:
    return BadConfig(Finding(str(file), why, fix))
