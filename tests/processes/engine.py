"""The engine's own tables, which can be thrown away while Multivac is stopped."""

import sqlalchemy as sa

from multivac.jobs import engine_url
from multivac.store.database import Database
from multivac.store.tables import meta


def empty_the_engine(database_url: str) -> int:
    """Delete all that the engine has written; how many jobs it knew of."""
    driver = database_url.replace("postgresql://", "postgresql+psycopg://")
    database = sa.create_engine(engine_url(Database(driver)), poolclass=sa.NullPool)
    schema = None if database.dialect.name == "sqlite" else "dbos"
    with database.begin() as tx:
        found = set(sa.inspect(tx).get_table_names(schema=schema))
        engines = found - set(meta.tables) - {"alembic_version", "dbos_migrations"}
        prefix = f"{schema}." if schema else ""
        jobs = tx.execute(sa.text(f"SELECT count(*) FROM {prefix}workflow_status")).scalar_one()
        for table in engines:
            empty = f"TRUNCATE {prefix}{table} CASCADE" if schema else f"DELETE FROM {table}"
            tx.execute(sa.text(empty))
    return int(jobs)
