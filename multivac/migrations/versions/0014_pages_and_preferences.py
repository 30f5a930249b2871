"""Who has opened our page in the chat, how often each incident was looked at, how people are spoken to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("looks", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "home",
        sa.Column("chat_id", sa.Text(), primary_key=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("drawn", sa.Text(), nullable=True),
        sa.Column("not_before", Instant(), nullable=False),
    )
    op.create_table(
        "preference",
        sa.Column("chat_id", sa.Text(), primary_key=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("without", sa.Text(), nullable=False),
    )
