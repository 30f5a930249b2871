"""What each piece of news of the chat was about: so that one that comes late does not undo a later one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about", sa.Text(), nullable=True))
    is_heard = sa.text("about IS NOT NULL")
    op.create_index(
        "delivery_about",
        "delivery",
        ["about", "occurred_at"],
        postgresql_where=is_heard,
        sqlite_where=is_heard,
    )
