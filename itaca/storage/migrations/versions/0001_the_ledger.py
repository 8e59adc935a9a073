"""The first shape of the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "book_pages",
        sa.Column("until", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("settled", sa.JSON(), nullable=False),
        sa.CheckConstraint("until > since", name=op.f("ck_book_pages_in_order")),
        sa.PrimaryKeyConstraint("until", name=op.f("pk_book_pages")),
        sa.UniqueConstraint("since", name=op.f("uq_book_pages_since")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("envelope_from", sa.Text(), nullable=False),
        sa.Column("envelope_to", sa.JSON(), nullable=False),
        sa.Column("client", sa.Text(), server_default="", nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("drive_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.CheckConstraint("outcome IN ('case', 'review', 'filed', 'noted')", name=op.f("ck_mails_outcome_known")),
        sa.CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name=op.f("ck_mails_settled_with_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("digest", name=op.f("uq_mails_digest")),
    )
    op.create_index("ix_mails_received_at", "mails", ["received_at"], unique=False)
    op.create_index(
        "ix_mails_unsettled",
        "mails",
        ["drive_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
        sqlite_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name", name=op.f("uq_teams_name")),
    )
    op.create_table(
        "customer_addresses",
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_customer_addresses_customer_id")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_customer_addresses")),
    )
    op.create_index("ix_customer_addresses_customer_id", "customer_addresses", ["customer_id"], unique=False)
    op.create_table(
        "customer_codes",
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_customer_codes_customer_id")),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_customer_codes")),
    )
    op.create_index("ix_customer_codes_customer_id", "customer_codes", ["customer_id"], unique=False)
    op.create_table(
        "mail_texts",
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_mail_texts_mail_id")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_mail_texts")),
    )
    op.create_index("ix_mail_texts_message_id", "mail_texts", ["message_id"], unique=False)
    op.create_index("ix_mail_texts_sender", "mail_texts", ["sender"], unique=False)
    op.create_table(
        "people",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("team_id", sa.String(length=36), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("lead_id", sa.String(length=36), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("(true)"), nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("name <> '' AND email <> ''", name=op.f("ck_people_named")),
        sa.CheckConstraint("lead_id <> id", name=op.f("ck_people_nobody_leads_themselves")),
        sa.ForeignKeyConstraint(["lead_id"], ["people.id"], name=op.f("fk_people_lead_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_people_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
    )
    op.create_table(
        "raw_mails",
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("codec", sa.String(length=8), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_raw_mails_mail_id")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_raw_mails")),
    )
    op.create_table(
        "readings",
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("judgement", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_readings_mail_id")),
        sa.PrimaryKeyConstraint("mail_id", "model", name=op.f("pk_readings")),
    )
    op.create_table(
        "absences",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_absences_in_order")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_absences_person_id")),
        sa.PrimaryKeyConstraint("person_id", "first_day", name=op.f("pk_absences")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("matter", sa.Text(), server_default="", nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("opened_by", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=True),
        sa.Column("language", sa.String(length=2), server_default="", nullable=False),
        sa.Column("severity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("level", sa.Integer(), server_default="0", nullable=False),
        sa.Column("contacts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("status", sa.String(length=8), server_default="open", nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'closed') = (outcome IS NOT NULL) AND (status = 'closed') = (closed_at IS NOT NULL)",
            name=op.f("ck_cases_closed_with_outcome"),
        ),
        sa.CheckConstraint("kind = 'order' OR owner_id IS NOT NULL", name=op.f("ck_cases_owned")),
        sa.CheckConstraint(
            "kind IN ('complaint', 'cancellation', 'order', 'review')", name=op.f("ck_cases_kind_known")
        ),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_cases_status_known")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_cases_customer_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["mails.id"], name=op.f("fk_cases_opened_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_cases_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("opened_by", "kind", name=op.f("uq_cases_opened_by_kind")),
        sa.UniqueConstraint("reference", name=op.f("uq_cases_reference")),
    )
    op.create_index("ix_cases_customer_id", "cases", ["customer_id"], unique=False)
    op.create_index("ix_cases_opened_at", "cases", ["opened_at"], unique=False)
    op.create_index(
        "ix_cases_owner_open",
        "cases",
        ["owner_id"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_index(
        "ux_cases_one_open_matter",
        "cases",
        ["customer_id", "kind", "matter"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("intents", sa.JSON(), nullable=False),
        sa.Column("is_blind", sa.Boolean(), nullable=False),
        sa.Column("labelled_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_labels_mail_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_labels_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
    )
    op.create_index("ix_labels_mail_id", "labels", ["mail_id"], unique=False)
    op.create_table(
        "cancellations",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("effected_at", sa.BigInteger(), nullable=True),
        sa.Column("watch_until", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'receipted', 'handed', 'effected', 'watched', 'closed')",
            name=op.f("ck_cancellations_state_known"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_cancellations_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cancellations")),
    )
    op.create_table(
        "case_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.String(length=36), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_events_case_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_case_events_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
    )
    op.create_index("ix_case_events_case_id_at", "case_events", ["case_id", "at"], unique=False)
    op.create_table(
        "case_mails",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.CheckConstraint(
            "role IN ('opened', 'appended', 'related', 'report')", name=op.f("ck_case_mails_role_known")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_mails_case_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_case_mails_mail_id")),
        sa.PrimaryKeyConstraint("case_id", "mail_id", name=op.f("pk_case_mails")),
    )
    op.create_index("ix_case_mails_mail_id", "case_mails", ["mail_id"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("mail_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_evidence_case_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_evidence_mail_id")),
        sa.PrimaryKeyConstraint("case_id", "mail_id", "position", name=op.f("pk_evidence")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("mail_id", sa.String(length=36), nullable=True),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'failed', 'unknown')", name=op.f("ck_outbox_state_known")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_case_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_outbox_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
    )
    op.create_index("ix_outbox_case_id", "outbox", ["case_id"], unique=False)
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index("ix_outbox_mail_id", "outbox", ["mail_id"], unique=False)
    op.create_table(
        "promises",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=8), server_default="open", nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name=op.f("ck_promises_ended_when_not_open")),
        sa.CheckConstraint("kind IN ('answer', 'effect', 'acknowledgement')", name=op.f("ck_promises_kind_known")),
        sa.CheckConstraint("state <> 'open' OR due_at IS NOT NULL", name=op.f("ck_promises_open_with_date")),
        sa.CheckConstraint("state IN ('open', 'kept', 'broken')", name=op.f("ck_promises_state_known")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_promises_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
    )
    op.create_index("ix_promises_case_id", "promises", ["case_id"], unique=False)
    op.create_index(
        "ix_promises_open_due",
        "promises",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "acknowledgements",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("outbox_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_acknowledgements_case_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_acknowledgements_outbox_id")),
        sa.PrimaryKeyConstraint("case_id", "day", name=op.f("pk_acknowledgements")),
    )
    op.create_table(
        "interactions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("mail_id", sa.String(length=36), nullable=True),
        sa.Column("outbox_id", sa.String(length=36), nullable=True),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("channel", sa.String(length=16), server_default="mail", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_interactions_direction_known")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_interactions_case_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_interactions_customer_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_interactions_mail_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_interactions_outbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
    )
    op.create_index("ix_interactions_customer_id_at", "interactions", ["customer_id", "at"], unique=False)
    for sql in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sa.text(sql))


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER mails_settled_once BEFORE UPDATE OF settled_at, outcome, settled_by ON mails WHEN OLD.settled_at IS NOT NULL BEGIN SELECT RAISE(ABORT, 'a settled mail stays settled'); END",
        "CREATE TRIGGER mails_unchanged BEFORE UPDATE OF id, digest, received_at, envelope_from, envelope_to, client, size_bytes ON mails BEGIN SELECT RAISE(ABORT, 'what was accepted never changes'); END",
        "CREATE TRIGGER mails_kept BEFORE DELETE ON mails BEGIN SELECT RAISE(ABORT, 'a mail is never deleted'); END",
        "CREATE TRIGGER raw_mails_unchanged BEFORE UPDATE ON raw_mails BEGIN SELECT RAISE(ABORT, 'what was accepted never changes'); END",
        "CREATE TRIGGER raw_mails_kept BEFORE DELETE ON raw_mails BEGIN SELECT RAISE(ABORT, 'a mail is never deleted'); END",
        "CREATE TRIGGER readings_unchanged BEFORE UPDATE ON readings BEGIN SELECT RAISE(ABORT, 'a reading never changes'); END",
        "CREATE TRIGGER readings_kept BEFORE DELETE ON readings BEGIN SELECT RAISE(ABORT, 'a reading never changes'); END",
        "CREATE TRIGGER book_pages_unchanged BEFORE UPDATE ON book_pages BEGIN SELECT RAISE(ABORT, 'a closed page stays closed'); END",
        "CREATE TRIGGER case_events_unchanged BEFORE UPDATE ON case_events BEGIN SELECT RAISE(ABORT, 'the history only grows'); END",
        "CREATE TRIGGER case_events_kept BEFORE DELETE ON case_events BEGIN SELECT RAISE(ABORT, 'the history only grows'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION mails_settled_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a settled mail stays settled' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER mails_settled_once BEFORE UPDATE OF settled_at, outcome, settled_by ON mails FOR EACH ROW WHEN (OLD.settled_at IS NOT NULL) EXECUTE FUNCTION mails_settled_once()",
        "CREATE FUNCTION mails_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was accepted never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER mails_unchanged BEFORE UPDATE OF id, digest, received_at, envelope_from, envelope_to, client, size_bytes ON mails FOR EACH ROW EXECUTE FUNCTION mails_unchanged()",
        "CREATE FUNCTION mails_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a mail is never deleted' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER mails_kept BEFORE DELETE ON mails FOR EACH ROW EXECUTE FUNCTION mails_kept()",
        "CREATE FUNCTION raw_mails_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was accepted never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER raw_mails_unchanged BEFORE UPDATE ON raw_mails FOR EACH ROW EXECUTE FUNCTION raw_mails_unchanged()",
        "CREATE FUNCTION raw_mails_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a mail is never deleted' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER raw_mails_kept BEFORE DELETE ON raw_mails FOR EACH ROW EXECUTE FUNCTION raw_mails_kept()",
        "CREATE FUNCTION readings_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a reading never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER readings_unchanged BEFORE UPDATE ON readings FOR EACH ROW EXECUTE FUNCTION readings_unchanged()",
        "CREATE FUNCTION readings_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a reading never changes' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER readings_kept BEFORE DELETE ON readings FOR EACH ROW EXECUTE FUNCTION readings_kept()",
        "CREATE FUNCTION book_pages_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a closed page stays closed' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER book_pages_unchanged BEFORE UPDATE ON book_pages FOR EACH ROW EXECUTE FUNCTION book_pages_unchanged()",
        "CREATE FUNCTION case_events_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the history only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER case_events_unchanged BEFORE UPDATE ON case_events FOR EACH ROW EXECUTE FUNCTION case_events_unchanged()",
        "CREATE FUNCTION case_events_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the history only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER case_events_kept BEFORE DELETE ON case_events FOR EACH ROW EXECUTE FUNCTION case_events_kept()",
    ],
}
