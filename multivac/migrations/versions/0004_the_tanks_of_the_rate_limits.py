"""The tanks of the rate limits, so that replicas keep one budget together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "tank",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("shut_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
