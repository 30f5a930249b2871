"""What people say that is carried somewhere, the next promised update, quiet, and how it all ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("incident", schema=None) as batch_op:
        for name in ("acted_at", "next_update_at", "snoozed_until", "quiet_until", "archive_at"):
            batch_op.add_column(sa.Column(name, Instant(), nullable=True))
        batch_op.add_column(sa.Column("prompts_off", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("merged_into", sa.Integer(), nullable=True))
    op.create_table(
        "saying",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("more", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_saying_incident", "saying", ["incident"])
