"""Moments in the ledger: integers of microseconds, so that both databases compare and index them alike."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NEVER = 2**63 - 1
"""Stands where no date does: it sorts after every date on both databases, which NULL does not."""


def to_micros(moment: datetime) -> int:
    """Return the microseconds since the epoch of an aware moment."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC moment."""
    return _EPOCH + timedelta(microseconds=micros)


def dated(micros: int) -> datetime | None:
    """Return the moment, None for NEVER."""
    return None if micros == NEVER else from_micros(micros)
