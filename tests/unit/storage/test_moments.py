"""Moments as integers."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from itaca.storage.moments import from_micros, to_micros


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_moments_come_back_and_keep_their_order(one: datetime, other: datetime) -> None:
    """A moment survives to the microsecond, and integers compare as the moments do."""
    assert from_micros(to_micros(one)) == one
    assert (to_micros(one) < to_micros(other)) == (one < other)


def test_zones_do_not_matter() -> None:
    """The same instant in another zone is the same integer."""
    rome = datetime(2026, 7, 1, 10, 0, tzinfo=timezone(timedelta(hours=2)))
    assert to_micros(rome) == to_micros(datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
