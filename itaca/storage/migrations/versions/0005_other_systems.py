"""What other systems may do, report and are told; cancellations with their evidence and how they ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_EFFECTED = sa.text("state = 'effected'")
_WATCHED = sa.text("state = 'watched'")
_CANCELLED = sa.text("kind = 'cancellation' AND matter <> ''")
_OF_A_CASE = sa.text("case_id IS NOT NULL")


def upgrade() -> None:
    _cancellations()
    _indexes_of_cases()
    _requests()
    _activities()
    _webhooks()
    _receipts()


def _cancellations() -> None:
    """SQLite adds no constraint to a table: its rows step aside while it is made anew, under the same names."""
    op.execute("CREATE TABLE cancellations_before AS SELECT * FROM cancellations")
    op.drop_table("cancellations")
    op.create_table(
        "cancellations",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("effected_at", sa.BigInteger(), nullable=True),
        sa.Column("watch_until", sa.BigInteger(), nullable=False),
        sa.Column("system", sa.Text(), server_default="", nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("violations", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_as", sa.String(length=12), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'receipted', 'handed', 'effected', 'watched', 'closed')",
            name=op.f("ck_cancellations_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('effected', 'watched') OR effected_at IS NOT NULL",
            name=op.f("ck_cancellations_effected_with_date"),
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (ended_as IS NOT NULL)", name=op.f("ck_cancellations_closed_with_reason")
        ),
        sa.CheckConstraint(
            "ended_as IN ('watched', 'never', 'withdrawn')", name=op.f("ck_cancellations_reason_known")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_cancellations_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cancellations")),
    )
    # Until now only what turned out to be no cancellation was closed.
    op.execute(
        "INSERT INTO cancellations (case_id, state, requested_at, effective_at, effected_at, watch_until, ended_as) "
        "SELECT case_id, state, requested_at, effective_at, effected_at, watch_until, "
        "CASE WHEN state = 'closed' THEN 'never' END FROM cancellations_before"
    )
    op.drop_table("cancellations_before")
    op.create_index(
        "ix_cancellations_effected",
        "cancellations",
        ["effective_at"],
        unique=False,
        postgresql_where=_EFFECTED,
        sqlite_where=_EFFECTED,
    )
    op.create_index(
        "ix_cancellations_watched",
        "cancellations",
        ["watch_until"],
        unique=False,
        postgresql_where=_WATCHED,
        sqlite_where=_WATCHED,
    )


def _indexes_of_cases() -> None:
    op.create_index("ix_cases_status_id", "cases", ["status", "id"], unique=False)
    op.create_index(
        "ix_cases_cancelled_matter",
        "cases",
        ["matter"],
        unique=False,
        postgresql_where=_CANCELLED,
        sqlite_where=_CANCELLED,
    )


def _requests() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("name <> ''", name=op.f("ck_api_tokens_named")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("name", name=op.f("uq_api_tokens_name")),
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("token_id", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name=op.f("fk_idempotent_answers_token_id")),
        sa.PrimaryKeyConstraint("token_id", "key", name=op.f("pk_idempotent_answers")),
    )
    op.create_index("ix_idempotent_answers_at", "idempotent_answers", ["at"], unique=False)


def _activities() -> None:
    op.create_table(
        "activities",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.CheckConstraint("kind IN ('charge', 'shipment', 'mailing')", name=op.f("ck_activities_kind_known")),
        sa.CheckConstraint(
            "verdict IN ('clear', 'violation', 'unknown')", name=op.f("ck_activities_verdict_known")
        ),
        sa.CheckConstraint(
            "(verdict = 'violation') = (case_id IS NOT NULL)", name=op.f("ck_activities_violation_of_a_case")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_activities_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activities")),
        sa.UniqueConstraint("system", "external_id", name=op.f("uq_activities_system_external_id")),
    )
    op.create_index(
        "ix_activities_case_id",
        "activities",
        ["case_id"],
        unique=False,
        postgresql_where=_OF_A_CASE,
        sqlite_where=_OF_A_CASE,
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_because", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because = '')", name=op.f("ck_webhooks_ended_with_reason")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("webhook_id", sa.String(length=36), nullable=False),
        sa.Column("outbox_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_webhook_deliveries_outbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index("ix_webhook_deliveries_webhook_id", "webhook_deliveries", ["webhook_id", "id"], unique=False)


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_receipts_case_id")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_receipts")),
        sa.UniqueConstraint("case_id", name=op.f("uq_receipts_case_id")),
    )
