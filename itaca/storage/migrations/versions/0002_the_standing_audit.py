"""Mails drawn by chance for a blind check."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_samples",
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("drawn_at", sa.BigInteger(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("language", sa.String(length=8), server_default="", nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_by", sa.String(length=36), nullable=True),
        sa.Column("label_id", sa.String(length=36), nullable=True),
        sa.Column("is_complaint", sa.Boolean(), nullable=True),
        sa.CheckConstraint("share > 0 AND share <= 1", name=op.f("ck_audit_samples_share_possible")),
        sa.CheckConstraint(
            "(checked_at IS NULL) = (is_complaint IS NULL) AND (checked_at IS NULL) = (label_id IS NULL)"
            " AND (checked_at IS NULL) = (checked_by IS NULL)",
            name=op.f("ck_audit_samples_checked_with_answer"),
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_audit_samples_mail_id")),
        sa.ForeignKeyConstraint(["checked_by"], ["people.id"], name=op.f("fk_audit_samples_checked_by")),
        sa.ForeignKeyConstraint(["label_id"], ["labels.id"], name=op.f("fk_audit_samples_label_id")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_audit_samples")),
    )
    op.create_index("ix_audit_samples_drawn_at", "audit_samples", ["drawn_at", "share"], unique=False)
    op.create_index(
        "ix_audit_samples_waiting",
        "audit_samples",
        ["drawn_at"],
        unique=False,
        postgresql_where=sa.text("checked_at IS NULL"),
        sqlite_where=sa.text("checked_at IS NULL"),
    )
