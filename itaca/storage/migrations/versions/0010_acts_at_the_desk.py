"""Cases can be merged, acts can be undone, and answers carry files."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mergers",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("into_id", sa.String(length=36), nullable=False),
        sa.Column("merged_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("case_id <> into_id", name=op.f("ck_mergers_into_another")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_mergers_case_id")),
        sa.ForeignKeyConstraint(["into_id"], ["cases.id"], name=op.f("fk_mergers_into_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_mergers")),
    )
    op.create_index("ix_mergers_into_id", "mergers", ["into_id"], unique=False)
    op.create_table(
        "last_acts",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_last_acts_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_last_acts_person_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_last_acts")),
    )
    op.create_table(
        "kept_files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(length=8), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_kept_files_sized")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_kept_files")),
    )
    op.create_table(
        "letter_files",
        sa.Column("outbox_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_letter_files_named")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_letter_files_outbox_id")),
        sa.ForeignKeyConstraint(["sha256"], ["kept_files.sha256"], name=op.f("fk_letter_files_sha256")),
        sa.PrimaryKeyConstraint("outbox_id", "position", name=op.f("pk_letter_files")),
    )
    op.create_index("ix_letter_files_sha256", "letter_files", ["sha256"], unique=False)
