"""Tasks that people tick and add, messages that they keep, reminders, and entries that were taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checklists_from", Instant(), nullable=True))
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("link", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("retracted_at", Instant(), nullable=True))
    op.create_table(
        "task",
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id"), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("retracted_at", Instant(), nullable=True),
    )
    op.create_table(
        "capture",
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id"), primary_key=True),
        sa.Column("message", sa.Text(), primary_key=True),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("retracted_at", Instant(), nullable=True),
    )
    _reminders()


def _reminders() -> None:
    op.create_table(
        "reminder",
        sa.Column("incident", sa.Integer(), sa.ForeignKey("incident.id"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("whom", sa.Text(), nullable=True),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=True),
        sa.Column("until_at", Instant(), nullable=True),
        sa.Column("until_done", sa.Boolean(), nullable=False),
        sa.Column("escalate_to", sa.Text(), nullable=True),
        sa.Column("after", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
    )
