"""What lets an alert join an incident, and storms: which incidents wait in one for their turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from multivac.store.tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. Nothing is filled in: an incident that is open now is still joined by its service."""
    op.create_table(
        "trait",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("declared_at", Instant(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"]),
        sa.PrimaryKeyConstraint("kind", "value", "declared_at", "incident"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "storm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("over_at", Instant(), nullable=True),
        sa.Column("next_turn", Instant(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("drawn", sa.Text(), nullable=True),
        sa.Column("drawn_at", Instant(), nullable=True),
        sa.Column("held_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("incident", sa.Column("storm", sa.Integer(), nullable=True))
    op.add_column("incident", sa.Column("queued_at", Instant(), nullable=True))
    op.create_index("incident_declared", "incident", ["declared_at"])
    _index("incident_storm", ["storm"], where="storm IS NOT NULL")
    _index("incident_queued", ["severity", "declared_at"], where="queued_at IS NOT NULL")


def _index(name: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, "incident", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
