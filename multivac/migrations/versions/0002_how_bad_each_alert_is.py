"""How bad each open alert is, so that an incident of many alerts is weighed without reading them all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Until its next event an alert counts as bad as its incident is.
_AS_ITS_INCIDENT = """
update alert set open_as = (select severity from incident where incident.id = alert.incident)
where incident is not null and facts not like '%"status":["resolved"%'
"""


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.add_column(sa.Column("open_as", sa.Text(), nullable=True))
        batch_op.create_index("alert_open", ["incident", "open_as"], unique=False)
        batch_op.drop_index(batch_op.f("ix_alert_incident"))
    op.execute(_AS_ITS_INCIDENT)
