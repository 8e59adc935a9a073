"""Working days in Italy, counted day by day: slow, obvious, and independent of the product's calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
_FIXED = {(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)}
_FRANCIS_SINCE = 2026
"""Saint Francis, 4 October, is a holiday again since 2026 (law 151/2025)."""


def moment(micros: int) -> datetime:
    """Return the moment as a clock in Rome shows it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).astimezone(ROME)


def micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def is_working(day: date) -> bool:
    if day.weekday() >= 5 or (day.month, day.day) in _FIXED:
        return False
    if (day.month, day.day) == (10, 4) and day.year >= _FRANCIS_SINCE:
        return False
    return day != _easter(day.year) + timedelta(days=1)


def end_of(day: date) -> int:
    """Return 18:00 in Rome, in microseconds."""
    return micros(datetime.combine(day, time(18), ROME))


def working_days_after(start: int, days: int) -> int:
    """Return the end of the ``days``-th working day after the day of ``start``."""
    day = moment(start).date()
    while days:
        day += timedelta(days=1)
        if is_working(day):
            days -= 1
    return end_of(day)


def days_after(start: int, days: int) -> int:
    """Return the end of the day ``days`` days later."""
    return end_of(moment(start).date() + timedelta(days=days))


def _easter(year: int) -> date:
    """Return Easter Sunday (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
