"""Who may sign in at the desk, who is signed in, and what happened at the door."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=2), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("invite_hash", sa.String(length=64), nullable=True),
        sa.Column("invite_until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('agent', 'lead', 'ops', 'admin')", name=op.f("ck_accounts_role_known")),
        sa.CheckConstraint("(invite_hash IS NULL) = (invite_until IS NULL)", name=op.f("ck_accounts_invite_ends")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_accounts_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("invite_hash", name=op.f("uq_accounts_invite_hash")),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("looks_at", sa.String(length=16), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_desk_sessions_person_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_desk_sessions")),
    )
    op.create_index("ix_desk_sessions_person_id", "desk_sessions", ["person_id"], unique=False)
    op.create_index("ix_desk_sessions_looks_at", "desk_sessions", ["looks_at", "seen_at"], unique=False)
    op.create_table(
        "desk_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("client", sa.Text(), server_default="", nullable=False),
        sa.Column("subject", sa.String(length=64), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_desk_events_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_events")),
    )
    op.create_index("ix_desk_events_at", "desk_events", ["at"], unique=False)
    op.create_index("ix_desk_events_client", "desk_events", ["client", "at"], unique=False)
    op.create_index("ix_desk_events_subject", "desk_events", ["subject", "at"], unique=False)
    for sql in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sql)


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER desk_events_unchanged BEFORE UPDATE ON desk_events BEGIN SELECT RAISE(ABORT, 'what happened at the door stays written'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION desk_events_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what happened at the door stays written' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER desk_events_unchanged BEFORE UPDATE ON desk_events FOR EACH ROW EXECUTE FUNCTION desk_events_unchanged()",
    ],
}
