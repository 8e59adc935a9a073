"""Secrets of webhooks may be rotated, and subscriptions paused; each process seals at its start what lies open."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("paused_at", sa.BigInteger(), nullable=True))
    op.add_column("webhooks", sa.Column("old_secret", sa.Text(), nullable=True))
    op.add_column("webhooks", sa.Column("old_until", sa.BigInteger(), nullable=True))
