"""The tables of time: working hours of teams, legal clocks, parked cases, and the timers of owners."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, text
from sqlalchemy.types import JSON

from itaca.storage.columns import Id, Moment, metadata

_RUNNING = text("state = 'running'")
_PARKED = text("resumed_at IS NULL")
_EXHAUSTED = text("exhausted_at IS NOT NULL")

team_calendars = Table(
    "team_calendars",
    metadata,
    Column("team_id", Id, ForeignKey("teams.id"), primary_key=True),
    Column("hours", Text, nullable=False),
    Column("country", String(2), nullable=False),
    Column("zone", Text, nullable=False),
    Column("province", String(8), nullable=False, server_default=""),
    Column("closed_days", JSON, nullable=False),
)
"""Teams whose hours are not the company's; ``hours`` as ``itaca.cases.hours`` reads them."""

legal_clocks = Table(
    "legal_clocks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("rule", String(64), nullable=False),
    Column("pack", String(32), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("state", String(8), nullable=False, server_default="running"),
    Column("ended_at", Moment),
    CheckConstraint("state IN ('running', 'kept', 'broken', 'void')", name="state_known"),
    CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended_when_not_running"),
    CheckConstraint("due_at > started_at", name="due_after_start"),
    Index("ix_legal_clocks_next_at", "next_at", postgresql_where=_RUNNING, sqlite_where=_RUNNING),
    Index(
        "ux_legal_clocks_running", "case_id", "rule", unique=True, postgresql_where=_RUNNING, sqlite_where=_RUNNING
    ),
    Index("ix_legal_clocks_case_id", "case_id"),
)
"""What the law gives, by the rule and the version of its pack; nothing moves ``due_at`` (see ``triggers.py``)."""

parkings = Table(
    "parkings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("parked_at", Moment, nullable=False),
    Column("until_at", Moment, nullable=False),
    Column("due_before", Moment, nullable=False),
    Column("says", Text, nullable=False),
    Column("parked_by", Text, nullable=False),
    Column("resumed_at", Moment),
    CheckConstraint("until_at > parked_at", name="until_later"),
    CheckConstraint("says <> ''", name="with_reason"),
    Index("ux_parkings_one_for_a_case", "case_id", unique=True, postgresql_where=_PARKED, sqlite_where=_PARKED),
    Index("ix_parkings_until_at", "until_at", postgresql_where=_PARKED, sqlite_where=_PARKED),
)
"""Cases whose company's clock stands still; ``due_before`` is the date that was promised when they were parked."""

owner_timers = Table(
    "owner_timers",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("check_at", Moment, nullable=False),
    Column("told_at", Moment),
    Column("exhausted_at", Moment),
    Index("ix_owner_timers_check_at", "check_at"),
    Index("ix_owner_timers_exhausted", "exhausted_at", postgresql_where=_EXHAUSTED, sqlite_where=_EXHAUSTED),
)
"""When the watch looks next whether an open case's owner is there; triggers of the database keep one for each."""
