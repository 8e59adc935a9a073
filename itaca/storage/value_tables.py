"""The tables of answers: what customers asked, what each answer was worth, and what is done about worthless ones."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text
from sqlalchemy.types import JSON

from itaca.storage.columns import Id, Moment, metadata

_OPEN = text("state = 'open'")
_UNSCORED = text("scored_at IS NULL")

asks = Table(
    "asks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("mail_id", Id, ForeignKey("mails.id")),
    Column("asked_at", Moment, nullable=False),
    Column("says", Text, nullable=False),
    Column("state", String(8), nullable=False, server_default="open"),
    Column("ended_at", Moment),
    Column("ended_by", Text),
    Column("how", Text),
    CheckConstraint("state IN ('open', 'ticked', 'promised', 'void')", name="state_known"),
    CheckConstraint(
        "(state = 'open') = (ended_at IS NULL) AND (state = 'open') = (ended_by IS NULL)"
        " AND (state = 'open') = (how IS NULL)",
        name="ended_with_how",
    ),
    CheckConstraint("says <> ''", name="asks_something"),
    CheckConstraint("how IS NULL OR how <> ''", name="how_in_words"),
    Index("ix_asks_case_id", "case_id"),
    Index("ix_asks_open", "case_id", postgresql_where=_OPEN, sqlite_where=_OPEN),
)
"""What a customer asked; a case with an open one cannot be closed (see ``triggers.py``)."""

answer_values = Table(
    "answer_values",
    metadata,
    Column("interaction_id", Id, ForeignKey("interactions.id"), primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("person_id", Id, ForeignKey("people.id")),
    Column("team_id", Id, ForeignKey("teams.id")),
    Column("template", Text, nullable=False, server_default=""),
    Column("asks_for", JSON, nullable=False),
    Column("is_forward", Boolean, nullable=False, server_default=text("false")),
    Column("answered_at", Moment, nullable=False),
    Column("score_at", Moment, nullable=False),
    Column("scored_at", Moment),
    Column("points", Integer),
    Column("cause", String(24)),
    Column("contacts_after", Integer),
    Column("reasons", JSON),
    CheckConstraint(
        "(scored_at IS NULL) = (points IS NULL) AND (scored_at IS NULL) = (cause IS NULL)"
        " AND (scored_at IS NULL) = (contacts_after IS NULL)",
        name="scored_as_a_whole",
    ),
    CheckConstraint("(points = 0) = (cause <> '')", name="worthless_with_cause"),
    Index("ix_answer_values_score_at", "score_at", postgresql_where=_UNSCORED, sqlite_where=_UNSCORED),
    # What the ranking reads stands in the index, so that it reads the index alone.
    Index("ix_answer_values_answered_at", "answered_at", "cause", "template", "team_id", "contacts_after"),
    Index("ix_answer_values_case_id", "case_id", "answered_at"),
)
"""Every answer that a person sent, and what it was worth once that is known."""

removals = Table(
    "removals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("cause", String(24), nullable=False),
    Column("template", Text, nullable=False, server_default=""),
    Column("team_id", Id, ForeignKey("teams.id")),
    Column("says", Text, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("done_at", Moment),
    CheckConstraint("says <> ''", name="says_what"),
    CheckConstraint("done_at IS NULL OR done_at >= opened_at", name="in_order"),
    Index("ix_removals_opened_at", "opened_at"),
)
"""What is being done to remove a cause of worthless answers."""
