"""Conditions of partial indexes, as literal SQL.

A database uses a partial index only for a query that states the index's condition in so many words: compared with
a bound parameter, SQLite never proves the match, and PostgreSQL stops doing so once it plans for any value.
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
