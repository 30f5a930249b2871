"""Who is there: how people came into a channel, who is asked for, shut channels, closed accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shut_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("shut_how", sa.Text(), nullable=True))
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gone_at", Instant(), nullable=True))
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.alter_column("joined_at", existing_type=Instant(), nullable=True)
        batch_op.add_column(sa.Column("invited", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("entries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("seen_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("asked_at", Instant(), nullable=True))
        batch_op.add_column(sa.Column("asked_by", sa.Text(), nullable=True))
