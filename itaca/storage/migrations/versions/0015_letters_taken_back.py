"""A letter is taken back without looking at every other one, and nobody strikes a line from the trail of the door."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_LEFT = sa.text("outbox_id IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_interactions_outbox_id",
        "interactions",
        ["outbox_id"],
        unique=False,
        postgresql_where=_LEFT,
        sqlite_where=_LEFT,
    )
    op.create_index("ix_acknowledgements_outbox_id", "acknowledgements", ["outbox_id"], unique=False)
    op.create_index("ix_webhook_deliveries_outbox_id", "webhook_deliveries", ["outbox_id"], unique=False)
    for sql in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(sql)


TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER desk_events_kept BEFORE DELETE ON desk_events BEGIN SELECT RAISE(ABORT, 'what happened at the door stays written'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION desk_events_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what happened at the door stays written' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER desk_events_kept BEFORE DELETE ON desk_events FOR EACH ROW EXECUTE FUNCTION desk_events_kept()",
    ],
}
