"""The engine's own tables, which can be thrown away while Multivac is stopped."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from multivac.jobs import engine_url
from multivac.store.database import Database
from multivac.store.tables import meta


@contextmanager
def _engines_tables(database_url: str) -> Iterator[tuple[sa.Connection, str | None]]:
    driver = database_url.replace("postgresql://", "postgresql+psycopg://")
    database = sa.create_engine(engine_url(Database(driver)), poolclass=sa.NullPool)
    with database.begin() as tx:
        yield tx, None if database.dialect.name == "sqlite" else "dbos"


def empty_the_engine(database_url: str) -> int:
    """Delete all that the engine has written; how many jobs it knew of."""
    with _engines_tables(database_url) as (tx, schema):
        found = set(sa.inspect(tx).get_table_names(schema=schema))
        engines = found - set(meta.tables) - {"alembic_version", "dbos_migrations"}
        prefix = f"{schema}." if schema else ""
        jobs = tx.execute(sa.text(f"SELECT count(*) FROM {prefix}workflow_status")).scalar_one()
        for table in engines:
            empty = f"TRUNCATE {prefix}{table} CASCADE" if schema else f"DELETE FROM {table}"
            tx.execute(sa.text(empty))
    return int(jobs)


def note_ended_jobs(database_url: str, number: int, *, ended_at: float) -> None:
    """Let the engine have notes on so many jobs that ended then, in seconds since 1970."""
    with _engines_tables(database_url) as (tx, schema):
        prefix = f"{schema}." if schema else ""
        ended = {"name": "advance", "status": "SUCCESS", "at": int(ended_at * 1000)}
        tx.execute(
            sa.text(
                f"INSERT INTO {prefix}workflow_status (workflow_uuid, name, status, created_at, completed_at)"
                " VALUES (:job, :name, :status, :at, :at)"
            ),
            [{**ended, "job": f"advance:{one}:{ended_at}"} for one in range(number)],
        )


def noted_jobs(database_url: str) -> int:
    """How many jobs the engine knows of."""
    with _engines_tables(database_url) as (tx, schema):
        prefix = f"{schema}." if schema else ""
        return int(tx.execute(sa.text(f"SELECT count(*) FROM {prefix}workflow_status")).scalar_one())
