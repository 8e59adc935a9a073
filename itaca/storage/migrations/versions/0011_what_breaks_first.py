"""Cases carry when they break first and when they came back last, so that every list of cases is paged by index."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OPEN = sa.text("status = 'open'")
_RETURNED = sa.text("status = 'open' AND returned_at IS NOT NULL")


def upgrade() -> None:
    # In place: a table made anew would lose its triggers.
    op.add_column(
        "cases",
        sa.Column("breaks_at", sa.BigInteger(), server_default=sa.text("9223372036854775807"), nullable=False),
    )
    op.add_column("cases", sa.Column("returned_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE cases SET breaks_at = (SELECT min(due_at) FROM promises WHERE promises.case_id = cases.id "
        "AND promises.state = 'open') WHERE id IN (SELECT case_id FROM promises WHERE state = 'open')"
    )
    op.execute(
        "UPDATE cases SET returned_at = (SELECT max(at) FROM case_events WHERE case_id = cases.id AND kind IN "
        "('appended', 'reopened', 'violated', 'promise_broken', 'report', 'reply_failed')) WHERE status = 'open'"
    )
    for name in ("ix_cases_owner_open", "ix_cases_customer_id", "ix_cases_opened_at", "ix_cases_status_id"):
        op.drop_index(name, "cases")
    op.create_index(
        "ix_cases_owner_breaks",
        "cases",
        ["owner_id", "kind", "breaks_at", "id"],
        unique=False,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    op.create_index(
        "ix_cases_breaks",
        "cases",
        ["kind", "breaks_at", "id"],
        unique=False,
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )
    op.create_index(
        "ix_cases_returned",
        "cases",
        ["owner_id", "returned_at"],
        unique=False,
        postgresql_where=_RETURNED,
        sqlite_where=_RETURNED,
    )
    op.create_index("ix_cases_customer", "cases", ["customer_id", "id"], unique=False)
    op.create_index("ix_cases_kind_status", "cases", ["kind", "status", "id"], unique=False)
    op.create_index("ix_cases_owner_kind_status", "cases", ["owner_id", "kind", "status", "id"], unique=False)
    for sql in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sql)


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER promises_dated AFTER INSERT ON promises WHEN NEW.state = 'open' BEGIN UPDATE cases SET breaks_at = NEW.due_at WHERE id = NEW.case_id AND breaks_at > NEW.due_at; END",
        "CREATE TRIGGER promises_redated AFTER UPDATE OF case_id, due_at, state ON promises BEGIN UPDATE cases SET breaks_at = breaks_at WHERE id IN (OLD.case_id, NEW.case_id); UPDATE cases SET breaks_at = (SELECT coalesce(min(due_at), 9223372036854775807) FROM promises WHERE promises.case_id = cases.id AND promises.state = 'open') WHERE id IN (OLD.case_id, NEW.case_id); END",
        "CREATE TRIGGER cases_returned AFTER INSERT ON case_events WHEN NEW.kind IN ('appended', 'reopened', 'violated', 'promise_broken', 'report', 'reply_failed') BEGIN UPDATE cases SET returned_at = NEW.at WHERE id = NEW.case_id AND (returned_at IS NULL OR returned_at < NEW.at); END",
    ],
    "postgresql": [
        "CREATE FUNCTION promises_dated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE cases SET breaks_at = NEW.due_at WHERE id = NEW.case_id AND breaks_at > NEW.due_at; RETURN NULL; END $$",
        "CREATE TRIGGER promises_dated AFTER INSERT ON promises FOR EACH ROW WHEN (NEW.state = 'open') EXECUTE FUNCTION promises_dated()",
        "CREATE FUNCTION promises_redated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE cases SET breaks_at = breaks_at WHERE id IN (OLD.case_id, NEW.case_id); UPDATE cases SET breaks_at = (SELECT coalesce(min(due_at), 9223372036854775807) FROM promises WHERE promises.case_id = cases.id AND promises.state = 'open') WHERE id IN (OLD.case_id, NEW.case_id); RETURN NULL; END $$",
        "CREATE TRIGGER promises_redated AFTER UPDATE OF case_id, due_at, state ON promises FOR EACH ROW EXECUTE FUNCTION promises_redated()",
        "CREATE FUNCTION cases_returned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE cases SET returned_at = NEW.at WHERE id = NEW.case_id AND (returned_at IS NULL OR returned_at < NEW.at); RETURN NULL; END $$",
        "CREATE TRIGGER cases_returned AFTER INSERT ON case_events FOR EACH ROW WHEN (NEW.kind IN ('appended', 'reopened', 'violated', 'promise_broken', 'report', 'reply_failed')) EXECUTE FUNCTION cases_returned()",
    ],
}
