"""Alarms about complaint scores that have drifted, and the index by which scores are read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drift_alarms",
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("drift", sa.Float(), nullable=False),
        sa.Column("review_above", sa.Float(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("language", name=op.f("pk_drift_alarms")),
    )
    op.create_index("ix_readings_model", "readings", ["model", "mail_id"], unique=False)
