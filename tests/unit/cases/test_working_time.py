"""Working hours, closures and absences, against an oracle that steps through the minutes one by one."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.closures import read_closures
from itaca.cases.deadlines import Absence, Calendar
from itaca.cases.hours import DAYS, Hours, read_hours
from itaca.errors import PermanentError
from tests.support.examples import examples

MINUTE = timedelta(minutes=1)
ZONES = ("Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
CHANGES = (
    datetime(2026, 3, 28), datetime(2026, 10, 24), datetime(2026, 3, 7), datetime(2026, 10, 31),
    datetime(2026, 4, 4), datetime(2026, 10, 3), datetime(2026, 12, 23), datetime(2026, 4, 3),
)  # fmt: skip


def rome(text: str) -> datetime:
    """Read a moment as a clock in Rome shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Rome"))


@st.composite
def weeks(draw: st.DrawFn) -> Hours:
    """Any week: several periods a day, at odd hours too, with at least one working day."""
    parts = []
    for day in DAYS:
        marks = sorted(draw(st.sets(st.integers(0, 96), min_size=0, max_size=6)))
        spans = [
            f"{a // 4}:{a % 4 * 15:02}-{b // 4}:{b % 4 * 15:02}"
            for a, b in zip(marks[::2], marks[1::2], strict=False)
        ]
        if spans or not parts:
            parts.append(f"{day} {' '.join(spans or ['0-24'])}")
    return read_hours("; ".join(parts))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Any team's or person's calendar."""
    closures = read_closures("IT", draw(st.sampled_from(["", "MI"])), ["12-24", "2026-03-27"])
    first = draw(st.dates(date(2026, 1, 1), date(2026, 12, 31)))
    absences = [Absence(first, first + timedelta(days=draw(st.integers(0, 4))))] if draw(st.booleans()) else []
    return Calendar("IT", draw(st.sampled_from(ZONES)), draw(weeks()), closures, absences)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Whole minutes, most of them near a change of the clocks or a holiday."""
    start = draw(st.sampled_from(CHANGES)) if draw(st.booleans()) else datetime(2026, draw(st.integers(1, 12)), 10)
    return start.replace(tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 3 * 24 * 60)))


def is_worked(calendar: Calendar, moment: datetime) -> bool:
    """Look at the wall: is this minute within a period of a day on which people work?"""
    wall = moment.astimezone(calendar.zone)
    if not calendar.is_working(wall.date()):
        return False
    minute = wall.hour * 60 + wall.minute
    return any(p.start <= minute < p.end for p in calendar.hours.of(wall.weekday()))


def worked_minutes(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Count the worked minutes, one by one."""
    found, moment = 0, start
    while moment < end:
        found += is_worked(calendar, moment)
        moment += MINUTE
    return found


@examples(0.6)
@given(calendars(), moments(), st.integers(0, 3 * 24 * 60))
def test_working_time_is_what_the_wall_shows(calendar: Calendar, start: datetime, minutes: int) -> None:
    """For any week, zone, holiday and change of clocks: the sum is the number of worked minutes."""
    end = start + timedelta(minutes=minutes)
    assert calendar.working_time(start, end) == worked_minutes(calendar, start, end) * MINUTE
    assert calendar.working_time(end, start) <= timedelta(0)


@examples(0.6)
@given(calendars(), moments(), st.integers(1, 900))
def test_after_working_time_is_the_first_moment_at_which_it_has_passed(
    calendar: Calendar, start: datetime, minutes: int
) -> None:
    """Exactly so many minutes were worked until then, and the last of them was one of work."""
    due = calendar.after_working_time(start, minutes * MINUTE)
    assert due.tzinfo is UTC
    assert calendar.working_time(start, due) == minutes * MINUTE
    assert is_worked(calendar, due - MINUTE)


@examples(0.4)
@given(calendars(), moments())
def test_no_working_time_leads_to_the_next_worked_moment(calendar: Calendar, start: datetime) -> None:
    """Nothing to do is done at once, or when the doors open."""
    due = calendar.after_working_time(start, timedelta(0))
    assert is_worked(calendar, due)
    assert calendar.working_time(start, due) == timedelta(0)


@examples(0.6)
@given(calendars(), moments(), st.integers(0, 6))
def test_working_days_are_counted_day_by_day(calendar: Calendar, start: datetime, days: int) -> None:
    """A slow count finds the same day, and the end of its last period."""
    day, left = start.astimezone(calendar.zone).date(), days
    while left or not calendar.is_working(day):
        day += timedelta(days=1)
        if left and calendar.is_working(day):
            left -= 1
    wall = calendar.after_working_days(start, days).astimezone(calendar.zone)
    end = calendar.hours.end_of(day.weekday())
    # The clock may be put forward over the end of a period; its hour is then one that the wall never shows.
    shown = datetime.combine(day, end, calendar.zone).astimezone(UTC).astimezone(calendar.zone)
    assert wall == shown


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-09T09:30", 2, "2026-03-09T11:30"),
        ("2026-03-09T12:00", 2, "2026-03-09T15:00"),
        ("2026-03-09T17:00", 2, "2026-03-10T10:00"),
        ("2026-03-13T17:30", 1, "2026-03-16T09:30"),
        ("2026-12-24T16:00", 3, "2026-12-28T10:00"),
    ],
)
def test_office_hours_have_a_lunch_break_and_weekends(start: str, hours: int, due: str) -> None:
    """Nine to one and two to six, Monday to Friday, no holidays."""
    assert Calendar().after_working_time(rome(start), timedelta(hours=hours)) == rome(due)


def test_a_night_shift_loses_and_gains_an_hour_with_the_clock() -> None:
    """From one to five: three hours in spring, five in autumn."""
    night = Calendar(hours=read_hours("sun 1-5"))
    lengths = [
        sum((b - a for a, b in night.periods(day)), timedelta(0))
        for day in (date(2026, 3, 22), date(2026, 3, 29), date(2026, 10, 25))
    ]
    assert lengths == [timedelta(hours=h) for h in (4, 3, 5)]


def test_a_patron_saint_is_a_holiday_of_its_town_only() -> None:
    """Saint Ambrose in Milan, by the province or by the list; nowhere else."""
    day = date(2026, 12, 7)
    assert Calendar().is_working(day)
    assert not Calendar(closures=read_closures("IT", "MI", [])).is_working(day)
    assert not Calendar(closures=read_closures("IT", "", ["12-07"])).is_working(day)
    assert Calendar(closures=read_closures("IT", "RM", [])).is_working(day)


def test_closures_are_written_as_they_are_read() -> None:
    """What a team's calendar keeps is what was typed."""
    days = ["02-29", "12-07", "2026-08-14"]
    assert read_closures("IT", "", reversed(days)).own_days() == days


def test_somebody_who_is_away_has_no_working_time() -> None:
    """Monday's work of two hours is done on Thursday by who is away until Wednesday."""
    away = Calendar().without([Absence(date(2026, 3, 9), date(2026, 3, 11))])
    assert away.after_working_time(rome("2026-03-09T09:00"), timedelta(hours=2)) == rome("2026-03-12T11:00")


@pytest.mark.parametrize(
    "text",
    ["", "mon", "lun 9-18", "fri-mon 9-18", "mon 18-9", "mon 9-13 12-18", "mon 9-25", "mon 9:75-10", "mon 9..13"],
)
def test_hours_that_cannot_be_read_are_refused_in_words(text: str) -> None:
    """A misspelt week would shorten or prolong every promise."""
    with pytest.raises(PermanentError, match="working hours"):
        read_hours(text)


@pytest.mark.parametrize(
    ("country", "province", "days"),
    [("XX", "", []), ("IT", "XX", []), ("IT", "", ["13-01"]), ("IT", "", ["1 maggio"]), ("IT", "", ["2026-02-30"])],
)
def test_closures_that_cannot_be_read_are_refused(country: str, province: str, days: list[str]) -> None:
    """Nothing falls back silently."""
    with pytest.raises(PermanentError):
        read_closures(country, province, days)


def test_a_calendar_without_work_is_refused() -> None:
    """Somebody away for two years can promise nothing."""
    never = Calendar().without([Absence(date(2026, 1, 1), date(2028, 1, 1))])
    with pytest.raises(PermanentError, match="no working day"):
        never.after_working_days(rome("2026-03-09T09:00"), 1)
