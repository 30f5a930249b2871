"""Brings the tables to this release's form, and says so when they are of a newer one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from multivac.errors import BadConfig, Finding
from multivac.store.database import Database
from multivac.store.tables import meta

HEAD = "0014"  # the newest file in migrations/versions, written here so that a start need not read them
_FOLDER = Path(__file__).parent.parent / "migrations"
_LOCK = 0x6D766D69  # one replica migrates, the others wait


def upgrade(database: Database) -> None:
    """Bring the tables up to date. Raises `BadConfig` if they belong to a newer release, or cannot be had."""
    with _opened(database) as connection:
        _upgrade(connection)


def _upgrade(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    found = _revision(connection)
    if found is None:
        _begin(connection)
    elif found != HEAD:
        _move(connection, found)


def _begin(connection: sa.Connection) -> None:
    """Make the tables of an empty database at once; a test holds them against what the migrations make."""
    meta.create_all(connection)
    connection.execute(sa.text("create table alembic_version (version_num varchar(32) primary key)"))
    connection.execute(sa.text("insert into alembic_version values (:head)"), {"head": HEAD})


def _move(connection: sa.Connection, found: str) -> None:
    # Read only when there is something to move: Alembic takes a fifth of a second to import.
    from alembic import command, config, script  # noqa: PLC0415  # see above

    known = {one.revision for one in script.ScriptDirectory(str(_FOLDER)).walk_revisions()}
    if found not in known:
        raise _newer(found)
    how = config.Config()
    how.set_main_option("script_location", str(_FOLDER))
    how.attributes["connection"] = connection
    command.upgrade(how, "head")


def refuse_newer(found: str) -> None:
    """Raise `BadConfig` for a schema that comes after this release's; they are numbered."""
    if found > HEAD:
        raise _newer(found)


def _newer(found: str) -> BadConfig:
    why = f"belongs to a newer release (schema {found}, this one has {HEAD})."
    return BadConfig(Finding("database.url", why, "Run that release, or restore a backup made before it."))


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.scalar(sa.text("select version_num from alembic_version")))


@contextmanager
def _opened(database: Database) -> Iterator[sa.Connection]:
    try:
        connection = database.engine.connect()
    except sa.exc.DatabaseError as error:
        why = f"cannot be opened: {str(error.orig).strip().splitlines()[0]}."
        fix = "Start the database, or correct its address, user and password."
        raise BadConfig(Finding("database.url", why, fix)) from None  # the cause would show the address
    with connection, connection.begin():
        yield connection


def current(database: Database) -> str | None:
    """The schema the database has; None while it is empty."""
    with _opened(database) as connection:
        return _revision(connection)
