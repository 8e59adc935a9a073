"""Conditions of partial indexes, as literal SQL.

A database may use a partial index only when the query implies the index's condition. Compared with a bound parameter
that hangs on the planner looking at the parameter's value: PostgreSQL does so only in a plan made for that value, not
in one kept for all values. Written out, the condition always holds.
"""

from sqlalchemy import TextClause, text


def is_open_case() -> TextClause:
    """The condition of ``ix_cases_owner_open`` and ``ux_cases_one_open_matter``."""
    return text("cases.status = 'open'")


def is_open_promise() -> TextClause:
    """The condition of ``ix_promises_open_due``."""
    return text("promises.state = 'open'")


def is_unsent() -> TextClause:
    """The condition of ``ix_outbox_due``: waiting, or in somebody's hands."""
    return text("outbox.state IN ('pending', 'sending')")
