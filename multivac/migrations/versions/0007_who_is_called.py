"""Who is called: asked to lead, in turn, or paged; and which page or call was told when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "summons",
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
    )
