"""When a promise is due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.deadlines import Calendar
from itaca.cases.policy import Policy
from itaca.contracts.intents import CaseKind, PromiseKind

ROME = ZoneInfo("Europe/Rome")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))


def at(text: str) -> datetime:
    """Read a moment as a clock in Rome shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=ROME)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-09T09:00", 3, "2026-03-12T18:00"),
        ("2026-03-12T09:00", 3, "2026-03-17T18:00"),
        ("2026-03-14T09:00", 1, "2026-03-16T18:00"),
        ("2026-03-14T09:00", 0, "2026-03-16T18:00"),
        ("2026-04-02T18:40", 1, "2026-04-03T18:00"),
        ("2026-04-03T10:00", 1, "2026-04-07T18:00"),
        ("2026-04-24T10:00", 1, "2026-04-27T18:00"),
        ("2026-12-23T10:00", 2, "2026-12-28T18:00"),
        ("2026-12-31T10:00", 1, "2027-01-04T18:00"),
        ("2026-03-27T10:00", 1, "2026-03-30T18:00"),
        ("2026-10-23T10:00", 1, "2026-10-26T18:00"),
    ],
    ids=[
        "plain", "weekend", "from Saturday", "no days", "after hours", "Easter Monday", "Liberation Day",
        "Christmas", "New Year", "summer time begins", "summer time ends",
    ],
)  # fmt: skip
def test_working_days_end_at_18_in_rome(start: str, days: int, due: str) -> None:
    """Weekends and Italian holidays are passed over; the hour is that of the wall clock, summer or winter."""
    found = Calendar().after_working_days(at(start), days)
    assert found == at(due)
    assert found.tzinfo is UTC


def test_the_day_of_a_mail_is_the_day_in_rome() -> None:
    """Half past eleven at night UTC is the next day already."""
    assert Calendar().today(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)) == date(2026, 7, 1)
    assert Calendar().after_working_days(datetime(2026, 6, 30, 22, 30, tzinfo=UTC), 1) == at("2026-07-02T18:00")


def test_calendar_days_count_every_day() -> None:
    """Thirty days are thirty days, across the change to winter time too."""
    assert Calendar().after_calendar_days(at("2026-10-10T23:50"), 30) == at("2026-11-09T18:00")


def test_another_country_has_other_holidays() -> None:
    """The Liberation Day of Italy is a working day in Germany."""
    assert Calendar("DE", "Europe/Berlin").is_working(date(2025, 4, 25))
    assert not Calendar().is_working(date(2025, 4, 25))


@given(MOMENTS, st.integers(0, 30))
def test_a_promise_is_due_on_a_working_day_not_before_its_days(start: datetime, days: int) -> None:
    """Always at 18:00 of a working day, never fewer days away than were counted, and more days are never sooner."""
    calendar = Calendar()
    due = calendar.after_working_days(start, days)
    local = due.astimezone(ROME)
    assert (local.hour, local.minute) == (18, 0)
    assert calendar.is_working(local.date())
    assert local.date() >= calendar.today(start) + timedelta(days=days)
    assert calendar.after_working_days(start, days + 1) >= due


@given(MOMENTS)
def test_an_escalation_comes_later_than_its_moment(moment: datetime) -> None:
    """A round that breaks promises ends: the next date always lies ahead."""
    assert Policy().next_escalation(moment) > moment


def test_the_policy_dates_each_kind() -> None:
    """Complaints 3 working days, reviews and orders 1, cancellations 30 calendar days and 90 of watching."""
    policy, now = Policy(), at("2026-03-09T09:00")
    due = {kind: policy.due(kind, now) for kind in CaseKind}
    assert due == {
        CaseKind.COMPLAINT: at("2026-03-12T18:00"),
        CaseKind.REVIEW: at("2026-03-10T18:00"),
        CaseKind.ORDER: at("2026-03-10T18:00"),
        CaseKind.CANCELLATION: at("2026-04-08T18:00"),
    }
    assert policy.watch_until(due[CaseKind.CANCELLATION]) == at("2026-07-07T18:00")
    assert set(PromiseKind) == {PromiseKind.ANSWER, PromiseKind.EFFECT, PromiseKind.ACKNOWLEDGEMENT}
