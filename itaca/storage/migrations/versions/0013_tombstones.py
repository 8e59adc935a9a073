"""What is forgotten leaves a tombstone, by which alone words may go; what other systems did is found by whom they did it to."""

import json
import re

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CHANGED = {
    "mails_unchanged": "mails",
    "raw_mails_kept": "raw_mails",
    "readings_unchanged": "readings",
    "case_events_unchanged": "case_events",
}
_CLOSED = sa.text("status = 'closed'")


def upgrade() -> None:
    _tombstones()
    _hashes()
    _subjects()
    op.create_index(
        "ix_cases_closed_at", "cases", ["closed_at"], unique=False, postgresql_where=_CLOSED, sqlite_where=_CLOSED
    )
    dialect = op.get_bind().dialect.name
    for name, table in _CHANGED.items():
        if dialect == "sqlite":
            op.execute(f"DROP TRIGGER {name}")
        else:
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
    for sql in TRIGGERS[dialect]:
        op.execute(sql)


def _tombstones() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=True),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('customer', 'noted', 'closed')", name=op.f("ck_erasures_kind_known")),
        sa.CheckConstraint(
            "(kind = 'customer') = (customer_id IS NOT NULL)", name=op.f("ck_erasures_customer_named")
        ),
        sa.CheckConstraint("(kind = 'customer') = (until IS NULL)", name=op.f("ck_erasures_retention_until")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_erasures_with_reason")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_erasures_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_customer_id", "erasures", ["customer_id"], unique=False)
    op.create_index("ix_erasures_kind_until", "erasures", ["kind", "until"], unique=False)
    for table, column in (("erased_mails", "mail_id"), ("erased_cases", "case_id")):
        op.create_table(
            table,
            sa.Column(column, sa.String(length=36), nullable=False),
            sa.Column("erasure_id", sa.String(length=36), nullable=False),
            sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f(f"fk_{table}_erasure_id")),
            sa.ForeignKeyConstraint(
                [column], [f"{column.removesuffix('_id')}s.id"], name=op.f(f"fk_{table}_{column}")
            ),
            sa.PrimaryKeyConstraint(column, name=op.f(f"pk_{table}")),
        )
        op.create_index(f"ix_{table}_erasure_id", table, ["erasure_id"], unique=False)


def _hashes() -> None:
    op.create_table(
        "erased_keys",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("erasure_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_erased_keys_customer_id")),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f("fk_erased_keys_erasure_id")),
        sa.PrimaryKeyConstraint("hash", "customer_id", name=op.f("pk_erased_keys")),
    )
    op.create_index("ix_erased_keys_erasure_id", "erased_keys", ["erasure_id"], unique=False)
    op.create_table(
        "salts",
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_salts")),
    )


def _subjects() -> None:
    op.create_table(
        "activity_subjects",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("activity_id", sa.String(length=36), nullable=False),
        sa.CheckConstraint("kind IN ('email', 'customer', 'contract')", name=op.f("ck_activity_subjects_kind_known")),
        sa.ForeignKeyConstraint(["activity_id"], ["activities.id"], name=op.f("fk_activity_subjects_activity_id")),
        sa.PrimaryKeyConstraint("kind", "value", "happened_at", "activity_id", name=op.f("pk_activity_subjects")),
    )
    op.create_index("ix_activity_subjects_activity_id", "activity_subjects", ["activity_id"], unique=False)
    connection = op.get_bind()
    insert = sa.text(
        "INSERT INTO activity_subjects (kind, value, happened_at, activity_id) VALUES (:k, :v, :at, :id)"
    )
    for row in connection.execute(sa.text("SELECT id, happened_at, content FROM activities")).all():
        content = row.content if isinstance(row.content, dict) else json.loads(row.content)
        for kind in ("email", "customer", "contract"):
            value = str(content.get(kind, ""))
            known = value.strip().lower() if kind == "email" else re.sub(r"\s+", "", value).upper()
            if known:
                connection.execute(insert, {"k": kind, "v": known, "at": row.happened_at, "id": row.id})


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER mails_unchanged BEFORE UPDATE OF id, digest, received_at, size_bytes ON mails BEGIN SELECT RAISE(ABORT, 'what was accepted never changes'); END",
        "CREATE TRIGGER mails_addressed BEFORE UPDATE OF envelope_from, envelope_to, client ON mails WHEN NOT EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.id) BEGIN SELECT RAISE(ABORT, 'what was accepted never changes'); END",
        "CREATE TRIGGER raw_mails_kept BEFORE DELETE ON raw_mails WHEN NOT EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.mail_id) BEGIN SELECT RAISE(ABORT, 'a mail is never deleted'); END",
        "CREATE TRIGGER readings_unchanged BEFORE UPDATE OF mail_id, model, read_at ON readings BEGIN SELECT RAISE(ABORT, 'a reading never changes'); END",
        "CREATE TRIGGER readings_worded BEFORE UPDATE OF judgement ON readings WHEN NOT EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.mail_id) BEGIN SELECT RAISE(ABORT, 'a reading never changes'); END",
        "CREATE TRIGGER case_events_unchanged BEFORE UPDATE OF id, case_id, at, kind, actor, mail_id ON case_events BEGIN SELECT RAISE(ABORT, 'the history only grows'); END",
        "CREATE TRIGGER case_events_worded BEFORE UPDATE OF detail ON case_events WHEN CAST(NEW.detail AS TEXT) <> '{}' OR NOT (EXISTS (SELECT 1 FROM erased_cases JOIN cases ON cases.id = case_id WHERE case_id = OLD.case_id AND status = 'closed') OR EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.mail_id)) BEGIN SELECT RAISE(ABORT, 'the history only grows'); END",
        "CREATE TRIGGER erased_mails_settled BEFORE INSERT ON erased_mails WHEN EXISTS (SELECT 1 FROM mails WHERE id = NEW.mail_id AND settled_at IS NULL) BEGIN SELECT RAISE(ABORT, 'a mail under way is not erased'); END",
        "CREATE TRIGGER erased_cases_closed BEFORE INSERT ON erased_cases WHEN EXISTS (SELECT 1 FROM cases WHERE id = NEW.case_id AND status = 'open') BEGIN SELECT RAISE(ABORT, 'an open case is not erased'); END",
        "CREATE TRIGGER erasures_unchanged BEFORE UPDATE ON erasures BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER erasures_kept BEFORE DELETE ON erasures BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER erased_mails_unchanged BEFORE UPDATE ON erased_mails BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER erased_mails_kept BEFORE DELETE ON erased_mails BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER erased_keys_unchanged BEFORE UPDATE ON erased_keys BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER erased_keys_kept BEFORE DELETE ON erased_keys BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER salts_unchanged BEFORE UPDATE ON salts BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
        "CREATE TRIGGER salts_kept BEFORE DELETE ON salts BEGIN SELECT RAISE(ABORT, 'a tombstone stays'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION mails_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was accepted never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER mails_unchanged BEFORE UPDATE OF id, digest, received_at, size_bytes ON mails FOR EACH ROW EXECUTE FUNCTION mails_unchanged()",
        "CREATE FUNCTION mails_addressed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NOT EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.id) THEN RAISE EXCEPTION 'what was accepted never changes' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER mails_addressed BEFORE UPDATE OF envelope_from, envelope_to, client ON mails FOR EACH ROW EXECUTE FUNCTION mails_addressed()",
        "CREATE FUNCTION raw_mails_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NOT EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.mail_id) THEN RAISE EXCEPTION 'a mail is never deleted' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER raw_mails_kept BEFORE DELETE ON raw_mails FOR EACH ROW EXECUTE FUNCTION raw_mails_kept()",
        "CREATE FUNCTION readings_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a reading never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER readings_unchanged BEFORE UPDATE OF mail_id, model, read_at ON readings FOR EACH ROW EXECUTE FUNCTION readings_unchanged()",
        "CREATE FUNCTION readings_worded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NOT EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.mail_id) THEN RAISE EXCEPTION 'a reading never changes' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER readings_worded BEFORE UPDATE OF judgement ON readings FOR EACH ROW EXECUTE FUNCTION readings_worded()",
        "CREATE FUNCTION case_events_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the history only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER case_events_unchanged BEFORE UPDATE OF id, case_id, at, kind, actor, mail_id ON case_events FOR EACH ROW EXECUTE FUNCTION case_events_unchanged()",
        "CREATE FUNCTION case_events_worded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF CAST(NEW.detail AS TEXT) <> '{}' OR NOT (EXISTS (SELECT 1 FROM erased_cases JOIN cases ON cases.id = case_id WHERE case_id = OLD.case_id AND status = 'closed') OR EXISTS (SELECT 1 FROM erased_mails WHERE mail_id = OLD.mail_id)) THEN RAISE EXCEPTION 'the history only grows' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER case_events_worded BEFORE UPDATE OF detail ON case_events FOR EACH ROW EXECUTE FUNCTION case_events_worded()",
        "CREATE FUNCTION erased_mails_settled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM mails WHERE id = NEW.mail_id AND settled_at IS NULL) THEN RAISE EXCEPTION 'a mail under way is not erased' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER erased_mails_settled BEFORE INSERT ON erased_mails FOR EACH ROW EXECUTE FUNCTION erased_mails_settled()",
        "CREATE FUNCTION erased_cases_closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM cases WHERE id = NEW.case_id AND status = 'open') THEN RAISE EXCEPTION 'an open case is not erased' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER erased_cases_closed BEFORE INSERT ON erased_cases FOR EACH ROW EXECUTE FUNCTION erased_cases_closed()",
        "CREATE FUNCTION erasures_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER erasures_unchanged BEFORE UPDATE ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_unchanged()",
        "CREATE FUNCTION erasures_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER erasures_kept BEFORE DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION erasures_kept()",
        "CREATE FUNCTION erased_mails_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER erased_mails_unchanged BEFORE UPDATE ON erased_mails FOR EACH ROW EXECUTE FUNCTION erased_mails_unchanged()",
        "CREATE FUNCTION erased_mails_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER erased_mails_kept BEFORE DELETE ON erased_mails FOR EACH ROW EXECUTE FUNCTION erased_mails_kept()",
        "CREATE FUNCTION erased_keys_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER erased_keys_unchanged BEFORE UPDATE ON erased_keys FOR EACH ROW EXECUTE FUNCTION erased_keys_unchanged()",
        "CREATE FUNCTION erased_keys_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER erased_keys_kept BEFORE DELETE ON erased_keys FOR EACH ROW EXECUTE FUNCTION erased_keys_kept()",
        "CREATE FUNCTION salts_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER salts_unchanged BEFORE UPDATE ON salts FOR EACH ROW EXECUTE FUNCTION salts_unchanged()",
        "CREATE FUNCTION salts_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a tombstone stays' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER salts_kept BEFORE DELETE ON salts FOR EACH ROW EXECUTE FUNCTION salts_kept()",
    ],
}
