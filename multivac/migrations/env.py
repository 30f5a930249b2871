"""What Alembic runs: our tables, on the connection it was handed."""

from __future__ import annotations

from alembic import context

from multivac.store.tables import meta

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=meta,
    render_as_batch=True,
    # The engine keeps its own tables beside ours.
    include_name=lambda name, kind, _: kind != "table" or name in meta.tables,
)
with context.begin_transaction():
    context.run_migrations()
