"""How each alert ended, and what was told before it had an incident: so that no order changes the end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Until its next event an alert that is over counts as it did for its incident.
_AS_ITS_INCIDENT = """
update alert set
  ended_as = (select severity from incident where incident.id = alert.incident),
  ended_by = (select resolution_by from incident where incident.id = alert.incident),
  ended_at = last_at
where incident is not null and open_as is null
"""


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ended_as", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("ended_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("ended_by", sa.Text(), nullable=True))
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("text", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("actor", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("by_person", sa.Boolean(), nullable=True))
    is_early = sa.text("text IS NOT NULL")
    op.create_index(
        "delivery_early", "delivery", ["alert_key"], postgresql_where=is_early, sqlite_where=is_early
    )
    op.create_index("incident_status", "incident", ["status", "severity"])
    is_due = sa.text("wanted IS NOT NULL AND (done IS NULL OR done != wanted)")
    op.create_index("step_unfinished", "step", ["incident"], postgresql_where=is_due, sqlite_where=is_due)
    op.execute(_AS_ITS_INCIDENT)
