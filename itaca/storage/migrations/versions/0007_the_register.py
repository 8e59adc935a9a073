"""The register of cancellations is paged by index, whatever state it shows."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_cancellations_state", "cancellations", ["state", "case_id"], unique=False)
    op.create_index(
        "ix_cancellations_violated",
        "cancellations",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("violations > 0"),
        sqlite_where=sa.text("violations > 0"),
    )
