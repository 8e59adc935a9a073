"""Legal clocks, working hours of teams, timers of owners, what customers asked and what answers are worth."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "removals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("template", sa.Text(), server_default="", nullable=False),
        sa.Column("team_id", sa.String(length=36), nullable=True),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("says <> ''", name=op.f("ck_removals_says_what")),
        sa.CheckConstraint("done_at IS NULL OR done_at >= opened_at", name=op.f("ck_removals_in_order")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_removals_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removals")),
    )
    op.create_index("ix_removals_opened_at", "removals", ["opened_at"], unique=False)
    op.create_table(
        "team_calendars",
        sa.Column("team_id", sa.String(length=36), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("province", sa.String(length=8), server_default="", nullable=False),
        sa.Column("closed_days", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_calendars_team_id")),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_team_calendars")),
    )
    op.create_table(
        "asks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("mail_id", sa.String(length=36), nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="open", nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL) AND (state = 'open') = (ended_by IS NULL) AND (state = 'open') = (how IS NULL)",
            name=op.f("ck_asks_ended_with_how"),
        ),
        sa.CheckConstraint("how IS NULL OR how <> ''", name=op.f("ck_asks_how_in_words")),
        sa.CheckConstraint("says <> ''", name=op.f("ck_asks_asks_something")),
        sa.CheckConstraint("state IN ('open', 'ticked', 'promised', 'void')", name=op.f("ck_asks_state_known")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_asks_case_id")),
        sa.ForeignKeyConstraint(["mail_id"], ["mails.id"], name=op.f("fk_asks_mail_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asks")),
    )
    op.create_index("ix_asks_case_id", "asks", ["case_id"], unique=False)
    op.create_index(
        "ix_asks_open",
        "asks",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "legal_clocks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("pack", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="running", nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'running') = (ended_at IS NULL)", name=op.f("ck_legal_clocks_ended_when_not_running")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'kept', 'broken', 'void')", name=op.f("ck_legal_clocks_state_known")
        ),
        sa.CheckConstraint("due_at > started_at", name=op.f("ck_legal_clocks_due_after_start")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_legal_clocks_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_clocks")),
    )
    op.create_index("ix_legal_clocks_case_id", "legal_clocks", ["case_id"], unique=False)
    op.create_index(
        "ix_legal_clocks_next_at",
        "legal_clocks",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_index(
        "ux_legal_clocks_running",
        "legal_clocks",
        ["case_id", "rule"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "owner_timers",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("check_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("exhausted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_owner_timers_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_owner_timers")),
    )
    op.create_index("ix_owner_timers_check_at", "owner_timers", ["check_at"], unique=False)
    op.create_index(
        "ix_owner_timers_exhausted",
        "owner_timers",
        ["exhausted_at"],
        unique=False,
        postgresql_where=sa.text("exhausted_at IS NOT NULL"),
        sqlite_where=sa.text("exhausted_at IS NOT NULL"),
    )
    op.create_table(
        "parkings",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("parked_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("due_before", sa.BigInteger(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("parked_by", sa.Text(), nullable=False),
        sa.Column("resumed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("says <> ''", name=op.f("ck_parkings_with_reason")),
        sa.CheckConstraint("until_at > parked_at", name=op.f("ck_parkings_until_later")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_parkings_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parkings")),
    )
    op.create_index(
        "ix_parkings_until_at",
        "parkings",
        ["until_at"],
        unique=False,
        postgresql_where=sa.text("resumed_at IS NULL"),
        sqlite_where=sa.text("resumed_at IS NULL"),
    )
    op.create_index(
        "ux_parkings_one_for_a_case",
        "parkings",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("resumed_at IS NULL"),
        sqlite_where=sa.text("resumed_at IS NULL"),
    )
    op.create_table(
        "answer_values",
        sa.Column("interaction_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("team_id", sa.String(length=36), nullable=True),
        sa.Column("template", sa.Text(), server_default="", nullable=False),
        sa.Column("asks_for", sa.JSON(), nullable=False),
        sa.Column("is_forward", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.Column("score_at", sa.BigInteger(), nullable=False),
        sa.Column("scored_at", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=24), nullable=True),
        sa.Column("contacts_after", sa.Integer(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=True),
        sa.CheckConstraint("(points = 0) = (cause <> '')", name=op.f("ck_answer_values_worthless_with_cause")),
        sa.CheckConstraint(
            "(scored_at IS NULL) = (points IS NULL) AND (scored_at IS NULL) = (cause IS NULL) AND (scored_at IS NULL) = (contacts_after IS NULL)",
            name=op.f("ck_answer_values_scored_as_a_whole"),
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_answer_values_case_id")),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interactions.id"], name=op.f("fk_answer_values_interaction_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_answer_values_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_answer_values_team_id")),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_answer_values")),
    )
    op.create_index(
        "ix_answer_values_answered_at",
        "answer_values",
        ["answered_at", "cause", "template", "team_id", "contacts_after"],
        unique=False,
    )
    op.create_index("ix_answer_values_case_id", "answer_values", ["case_id", "answered_at"], unique=False)
    op.create_index(
        "ix_answer_values_score_at",
        "answer_values",
        ["score_at"],
        unique=False,
        postgresql_where=sa.text("scored_at IS NULL"),
        sqlite_where=sa.text("scored_at IS NULL"),
    )

    for sql in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sql)
    # Cases that are open already get their timer now.
    op.execute(
        "INSERT INTO owner_timers (case_id, check_at) SELECT id, 0 FROM cases "
        "WHERE status = 'open' AND owner_id IS NOT NULL"
    )


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER legal_clocks_unmoved BEFORE UPDATE OF case_id, rule, pack, started_at, due_at ON legal_clocks BEGIN SELECT RAISE(ABORT, 'a legal clock never moves'); END",
        "CREATE TRIGGER legal_clocks_kept BEFORE DELETE ON legal_clocks BEGIN SELECT RAISE(ABORT, 'a legal clock never moves'); END",
        "CREATE TRIGGER cases_answered BEFORE UPDATE OF status ON cases WHEN NEW.status = 'closed' AND OLD.status <> 'closed' AND EXISTS (SELECT 1 FROM asks WHERE case_id = NEW.id AND state = 'open') BEGIN SELECT RAISE(ABORT, 'an ask of the customer is still open'); END",
        "CREATE TRIGGER cases_timed AFTER INSERT ON cases WHEN NEW.status = 'open' AND NEW.owner_id IS NOT NULL BEGIN INSERT INTO owner_timers (case_id, check_at) VALUES (NEW.id, NEW.opened_at); END",
        "CREATE TRIGGER cases_timed_again AFTER UPDATE OF owner_id, status ON cases WHEN NEW.status = 'open' AND NEW.owner_id IS NOT NULL AND (OLD.status <> 'open' OR OLD.owner_id IS NULL OR OLD.owner_id <> NEW.owner_id) BEGIN INSERT INTO owner_timers (case_id, check_at) VALUES (NEW.id, 0) ON CONFLICT (case_id) DO UPDATE SET check_at = 0, told_at = NULL, exhausted_at = NULL; END",
        "CREATE TRIGGER cases_untimed AFTER UPDATE OF status ON cases WHEN NEW.status = 'closed' AND OLD.status <> 'closed' BEGIN DELETE FROM owner_timers WHERE case_id = NEW.id; END",
        "CREATE TRIGGER promises_kept_in_law AFTER UPDATE OF state ON promises WHEN NEW.state = 'kept' AND OLD.state = 'open' AND NEW.kind <> 'acknowledgement' BEGIN UPDATE legal_clocks SET state = 'kept', ended_at = NEW.ended_at WHERE case_id = NEW.case_id AND state = 'running'; END",
        "CREATE TRIGGER cases_ended_in_law AFTER UPDATE OF status ON cases WHEN NEW.status = 'closed' AND OLD.status <> 'closed' AND NEW.kind <> 'order' BEGIN UPDATE legal_clocks SET state = 'kept', ended_at = NEW.closed_at WHERE case_id = NEW.id AND state = 'running'; END",
        "CREATE TRIGGER absences_noticed AFTER INSERT ON absences BEGIN UPDATE owner_timers SET check_at = 0 WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = NEW.person_id); END",
        "CREATE TRIGGER absences_changed AFTER UPDATE ON absences BEGIN UPDATE owner_timers SET check_at = 0 WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = NEW.person_id); END",
        "CREATE TRIGGER people_leaving AFTER UPDATE OF is_active ON people WHEN NOT NEW.is_active BEGIN UPDATE owner_timers SET check_at = 0 WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = NEW.id); END",
    ],
    "postgresql": [
        "CREATE FUNCTION legal_clocks_unmoved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a legal clock never moves' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER legal_clocks_unmoved BEFORE UPDATE OF case_id, rule, pack, started_at, due_at ON legal_clocks FOR EACH ROW EXECUTE FUNCTION legal_clocks_unmoved()",
        "CREATE FUNCTION legal_clocks_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a legal clock never moves' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER legal_clocks_kept BEFORE DELETE ON legal_clocks FOR EACH ROW EXECUTE FUNCTION legal_clocks_kept()",
        "CREATE FUNCTION cases_answered() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM asks WHERE case_id = NEW.id AND state = 'open') THEN RAISE EXCEPTION 'an ask of the customer is still open' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER cases_answered BEFORE UPDATE OF status ON cases FOR EACH ROW WHEN (NEW.status = 'closed' AND OLD.status <> 'closed') EXECUTE FUNCTION cases_answered()",
        "CREATE FUNCTION cases_timed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO owner_timers (case_id, check_at) VALUES (NEW.id, NEW.opened_at); RETURN NULL; END $$",
        "CREATE TRIGGER cases_timed AFTER INSERT ON cases FOR EACH ROW WHEN (NEW.status = 'open' AND NEW.owner_id IS NOT NULL) EXECUTE FUNCTION cases_timed()",
        "CREATE FUNCTION cases_timed_again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO owner_timers (case_id, check_at) VALUES (NEW.id, 0) ON CONFLICT (case_id) DO UPDATE SET check_at = 0, told_at = NULL, exhausted_at = NULL; RETURN NULL; END $$",
        "CREATE TRIGGER cases_timed_again AFTER UPDATE OF owner_id, status ON cases FOR EACH ROW WHEN (NEW.status = 'open' AND NEW.owner_id IS NOT NULL AND (OLD.status <> 'open' OR OLD.owner_id IS NULL OR OLD.owner_id <> NEW.owner_id)) EXECUTE FUNCTION cases_timed_again()",
        "CREATE FUNCTION cases_untimed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM owner_timers WHERE case_id = NEW.id; RETURN NULL; END $$",
        "CREATE TRIGGER cases_untimed AFTER UPDATE OF status ON cases FOR EACH ROW WHEN (NEW.status = 'closed' AND OLD.status <> 'closed') EXECUTE FUNCTION cases_untimed()",
        "CREATE FUNCTION promises_kept_in_law() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE legal_clocks SET state = 'kept', ended_at = NEW.ended_at WHERE case_id = NEW.case_id AND state = 'running'; RETURN NULL; END $$",
        "CREATE TRIGGER promises_kept_in_law AFTER UPDATE OF state ON promises FOR EACH ROW WHEN (NEW.state = 'kept' AND OLD.state = 'open' AND NEW.kind <> 'acknowledgement') EXECUTE FUNCTION promises_kept_in_law()",
        "CREATE FUNCTION cases_ended_in_law() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE legal_clocks SET state = 'kept', ended_at = NEW.closed_at WHERE case_id = NEW.id AND state = 'running'; RETURN NULL; END $$",
        "CREATE TRIGGER cases_ended_in_law AFTER UPDATE OF status ON cases FOR EACH ROW WHEN (NEW.status = 'closed' AND OLD.status <> 'closed' AND NEW.kind <> 'order') EXECUTE FUNCTION cases_ended_in_law()",
        "CREATE FUNCTION absences_noticed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE owner_timers SET check_at = 0 WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = NEW.person_id); RETURN NULL; END $$",
        "CREATE TRIGGER absences_noticed AFTER INSERT ON absences FOR EACH ROW EXECUTE FUNCTION absences_noticed()",
        "CREATE FUNCTION absences_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE owner_timers SET check_at = 0 WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = NEW.person_id); RETURN NULL; END $$",
        "CREATE TRIGGER absences_changed AFTER UPDATE ON absences FOR EACH ROW EXECUTE FUNCTION absences_changed()",
        "CREATE FUNCTION people_leaving() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE owner_timers SET check_at = 0 WHERE case_id IN (SELECT id FROM cases WHERE status = 'open' AND owner_id = NEW.id); RETURN NULL; END $$",
        "CREATE TRIGGER people_leaving AFTER UPDATE OF is_active ON people FOR EACH ROW WHEN (NOT NEW.is_active) EXECUTE FUNCTION people_leaving()",
    ],
}
