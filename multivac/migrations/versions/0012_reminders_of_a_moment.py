"""Reminders that wait for a moment, end with the incident, or belong into a thread."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.add_column(sa.Column("moment", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("until_resolved", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("thread", sa.Text(), nullable=True))
