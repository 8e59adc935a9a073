"""A session may have several cases open, and is seen at each."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lookers",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", "reference", name=op.f("pk_lookers")),
    )
    op.create_index("ix_lookers_reference_seen_at", "lookers", ["reference", "seen_at"], unique=False)
    # Without a batch: a table that is made anew would lose its index and whoever refers to it.
    op.drop_index("ix_desk_sessions_looks_at", table_name="desk_sessions")
    op.drop_column("desk_sessions", "looks_at")
    op.drop_column("desk_sessions", "seen_at")
