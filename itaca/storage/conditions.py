"""Conditions of partial indexes, as literal SQL.

A database may use a partial index only when the query implies the index's condition. Compared with a bound parameter
that hangs on the planner looking at the parameter's value: PostgreSQL does so only in a plan made for that value, not
in one kept for all values. Written out, the condition always holds. SQLite looks at the value as well, and for that
prepares the statement anew each time it is run, which takes ten times as long as running it.
"""

from sqlalchemy import TextClause, text

from itaca.contracts.intents import CaseKind


def is_open_case() -> TextClause:
    """The condition of ``ix_cases_owner_breaks``, ``ix_cases_breaks`` and ``ux_cases_one_open_matter``."""
    return text("cases.status = 'open'")


def is_of_kind(kind: CaseKind) -> TextClause:
    """One of the few kinds."""
    return text(f"cases.kind = '{kind.value}'")


def is_of_some_kind() -> TextClause:
    """Always true: with it, an index of cases by owner, kind and status finds an owner's open ones, and no others."""
    return text("cases.kind IN ('complaint', 'cancellation', 'order', 'review')")


def is_closed_case() -> TextClause:
    """The condition of ``ix_cases_closed_at``."""
    return text("cases.status = 'closed'")


def has_matter() -> TextClause:
    """The condition of ``ix_cases_matter``."""
    return text("cases.matter <> ''")


def is_returned_case() -> TextClause:
    """The condition of ``ix_cases_returned``."""
    return text("cases.status = 'open' AND cases.returned_at IS NOT NULL")


def is_open_promise() -> TextClause:
    """The condition of ``ix_promises_open_due``."""
    return text("promises.state = 'open'")


def is_unsent() -> TextClause:
    """The condition of ``ix_outbox_due``: waiting, or in somebody's hands."""
    return text("outbox.state IN ('pending', 'sending')")


def is_running_clock() -> TextClause:
    """The condition of ``ix_legal_clocks_next_at`` and ``ux_legal_clocks_running``."""
    return text("legal_clocks.state = 'running'")


def is_parked() -> TextClause:
    """The condition of ``ux_parkings_one_for_a_case`` and ``ix_parkings_until_at``."""
    return text("parkings.resumed_at IS NULL")


def is_open_ask() -> TextClause:
    """The condition of ``ix_asks_open``."""
    return text("asks.state = 'open'")


def is_unscored() -> TextClause:
    """The condition of ``ix_answer_values_score_at``."""
    return text("answer_values.scored_at IS NULL")


def is_exhausted() -> TextClause:
    """The condition of ``ix_owner_timers_exhausted``."""
    return text("owner_timers.exhausted_at IS NOT NULL")


def is_violated() -> TextClause:
    """The condition of ``ix_cancellations_violated``."""
    return text("cancellations.violations > 0")


def is_unchecked() -> TextClause:
    """The condition of ``ix_audit_samples_waiting``."""
    return text("audit_samples.checked_at IS NULL")
