"""Brings the tables to this release's form, and says so when they are of a newer one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from multivac.errors import BadConfig, Finding
from multivac.store.database import Database

_LOCK = 0x6D766D69  # one replica migrates, the others wait


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(database: Database) -> None:
    """Bring the tables up to date. Raises `BadConfig` if they belong to a newer release, or cannot be had."""
    with _opened(database) as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config = _config(connection)
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current == head():
            return
        if current is not None and not _is_known(config, current):
            why = f"belongs to a newer release (schema {current})."
            raise BadConfig(
                Finding("database.url", why, "Run that release, or restore a backup made before it.")
            )
        command.upgrade(config, "head")


@contextmanager
def _opened(database: Database) -> Iterator[sa.Connection]:
    try:
        connection = database.engine.connect()
    except sa.exc.OperationalError as error:
        why = f"cannot be opened: {str(error.orig).strip().splitlines()[0]}."
        fix = "Start the database, or correct its address, user and password."
        raise BadConfig(Finding("database.url", why, fix)) from None  # the cause would show the address
    with connection, connection.begin():
        yield connection


def head() -> str:
    """The schema this release wants."""
    found = ScriptDirectory(str(Path(__file__).parent.parent / "migrations")).get_current_head()
    return found or ""


def current(database: Database) -> str | None:
    """The schema the database has; None while it is empty."""
    with _opened(database) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _is_known(config: Config, revision: str) -> bool:
    return any(one.revision == revision for one in ScriptDirectory.from_config(config).walk_revisions())
