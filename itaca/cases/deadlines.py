"""When a promise is due: working days of the company, national holidays left out."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

END_OF_DAY = time(18, 0)


class Calendar:
    """Monday to Friday without the national holidays of ``country``; the day ends at 18:00 in ``zone``."""

    def __init__(self, country: str = "IT", zone: str = "Europe/Rome") -> None:
        self.country, self.zone = country, ZoneInfo(zone)

    def is_working(self, day: date) -> bool:
        return day.weekday() < 5 and day not in _holidays(self.country, day.year)

    def today(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def after_working_days(self, start: datetime, days: int) -> datetime:
        """Return the end of the working day that lies ``days`` working days after the day of ``start``, in UTC."""
        day = self.today(start)
        while days > 0:
            day += timedelta(days=1)
            days -= self.is_working(day)
        while not self.is_working(day):
            day += timedelta(days=1)
        return datetime.combine(day, END_OF_DAY, self.zone).astimezone(UTC)

    def after_calendar_days(self, start: datetime, days: int) -> datetime:
        """Return the end of the day ``days`` calendar days later, in UTC."""
        day = self.today(start) + timedelta(days=days)
        return datetime.combine(day, END_OF_DAY, self.zone).astimezone(UTC)


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))
