"""Cases are found by words of customers' names and by their numbers; a promise taken back dates its case anew."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_BATCH = 5_000


def upgrade() -> None:
    op.create_table(
        "customer_words",
        sa.Column(
            "word",
            sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_customer_words_customer_id")),
        sa.PrimaryKeyConstraint("word", "customer_id", name=op.f("pk_customer_words")),
    )
    op.create_index("ix_customer_words_customer_id", "customer_words", ["customer_id", "word"], unique=False)
    _find_who_is_there()
    op.drop_index("ix_cases_cancelled_matter", "cases")
    op.create_index(
        "ix_cases_matter",
        "cases",
        ["matter", "id"],
        unique=False,
        postgresql_where=sa.text("matter <> ''"),
        sqlite_where=sa.text("matter <> ''"),
    )
    for sql in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sql)


def _find_who_is_there() -> None:
    """Note the words of the customers there are, as the code did when this step was written."""
    conn = op.get_bind()
    found = {(word, i) for i, name in conn.execute(sa.text("SELECT id, name FROM customers")) for word in _words(name)}
    addresses = conn.execute(sa.text("SELECT customer_id, address FROM customer_addresses"))
    found |= {(word, i) for i, address in addresses for word in _words(address.rpartition("@")[0])}
    words = sa.table("customer_words", sa.column("word"), sa.column("customer_id"))
    rows = [{"word": word, "customer_id": i} for word, i in sorted(found)]
    for start in range(0, len(rows), _BATCH):
        conn.execute(sa.insert(words), rows[start : start + _BATCH])


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in folded if not unicodedata.combining(char))
    return list(dict.fromkeys(word[:40] for word in re.findall(r"[^\W_]{2,}", bare)))[:12]


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER promises_taken_back AFTER DELETE ON promises WHEN OLD.state = 'open' BEGIN UPDATE cases SET breaks_at = breaks_at WHERE id = OLD.case_id; UPDATE cases SET breaks_at = (SELECT coalesce(min(due_at), 9223372036854775807) FROM promises WHERE promises.case_id = cases.id AND promises.state = 'open') WHERE id = OLD.case_id; END",
        "CREATE TRIGGER customers_unnamed AFTER UPDATE OF name ON customers WHEN NEW.name = '' BEGIN DELETE FROM customer_words WHERE customer_id = NEW.id; END",
    ],
    "postgresql": [
        "CREATE FUNCTION promises_taken_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE cases SET breaks_at = breaks_at WHERE id = OLD.case_id; UPDATE cases SET breaks_at = (SELECT coalesce(min(due_at), 9223372036854775807) FROM promises WHERE promises.case_id = cases.id AND promises.state = 'open') WHERE id = OLD.case_id; RETURN NULL; END $$",
        "CREATE TRIGGER promises_taken_back AFTER DELETE ON promises FOR EACH ROW WHEN (OLD.state = 'open') EXECUTE FUNCTION promises_taken_back()",
        "CREATE FUNCTION customers_unnamed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM customer_words WHERE customer_id = NEW.id; RETURN NULL; END $$",
        "CREATE TRIGGER customers_unnamed AFTER UPDATE OF name ON customers FOR EACH ROW WHEN (NEW.name = '') EXECUTE FUNCTION customers_unnamed()",
    ],
}
