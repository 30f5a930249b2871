"""What people do: impact, who declared, roles accepted, who is in a channel, and the trail of requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("impact", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("declared_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("drill", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.add_column(sa.Column("accepted_at", Instant(), nullable=True))
    op.create_table(
        "member",
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id"), primary_key=True),
        sa.Column("chat_id", sa.Text(), primary_key=True),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.Column("left_at", Instant(), nullable=True),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("request", sa.Text(), nullable=False, unique=True),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
    )
    for column in ("ref", "at", "incident"):
        op.create_index(f"ix_audit_{column}", "audit", [column])
    op.create_index("person_known_as", "person", ["vendor", "id"])
