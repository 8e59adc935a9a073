"""When a promise is due: working days and working hours of a team, by the clock on its wall."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from itaca.cases.closures import Closures
from itaca.cases.hours import Hours, read_hours
from itaca.errors import PermanentError

END_OF_DAY = time(18, 0)
OFFICE_HOURS = read_hours("mon-fri 9-13 14-18")
_LONGEST_CLOSURE = 400
"""Days without working hours after which a calendar is taken for a mistake."""
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Absence:
    """Somebody is away from ``first`` to ``last``, both included."""

    first: date
    last: date

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


class Calendar:
    """The working time of a team, or of a person if ``absences`` are given.

    Args:
        country: two letters, for the national holidays; with ``closures`` it is theirs.
        zone: the zone of the clock on the wall.
        hours: by default Monday to Friday, 9 to 13 and 14 to 18.
        closures: holidays of a province and days of the company's own.
    """

    def __init__(
        self,
        country: str = "IT",
        zone: str = "Europe/Rome",
        hours: Hours = OFFICE_HOURS,
        closures: Closures | None = None,
        absences: Sequence[Absence] = (),
    ) -> None:
        self.closures = closures or Closures(country)
        self.country, self.zone, self.hours, self.absences = self.closures.country, ZoneInfo(zone), hours, absences

    def without(self, absences: Sequence[Absence]) -> "Calendar":
        """Return the calendar of somebody who is away on these days."""
        return Calendar(self.country, self.zone.key, self.hours, self.closures, tuple(absences))

    def is_working(self, day: date) -> bool:
        if not self.hours.of(day.weekday()) or any(absence.covers(day) for absence in self.absences):
            return False
        return not self.closures.is_closed(day)

    def today(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """Return the first moment of a day, in UTC."""
        return datetime.combine(day, time(0), self.zone).astimezone(UTC)

    def after_working_days(self, start: datetime, days: int) -> datetime:
        """Return the end of the working day that lies ``days`` working days after the day of ``start``, in UTC."""
        day = self._next_working(self.today(start) if days <= 0 else self.today(start) + _A_DAY)
        for _ in range(days - 1):
            day = self._next_working(day + _A_DAY)
        return self._end_of(day)

    def after_calendar_days(self, start: datetime, days: int) -> datetime:
        """Return the end of the day ``days`` calendar days later, in UTC."""
        return self._end_of(self.today(start) + timedelta(days=days))

    def after_working_time(self, start: datetime, amount: timedelta) -> datetime:
        """Return the moment at which ``amount`` of working time has passed since ``start``, in UTC.

        With nothing to pass, it is ``start`` itself, or the beginning of the next working period.

        Raises:
            PermanentError: the calendar has no working time in more than a year.
        """
        left = max(amount, timedelta(0))
        for began, ended in self._periods_from(start):
            if left <= ended - began:
                return began + left
            left -= ended - began
        raise AssertionError("the periods never end")  # pragma: no cover

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies between two moments; none if ``end`` is not later."""
        total, day, last = timedelta(0), self.today(start), self.today(end)
        while day <= last:
            total += sum((max(min(e, end) - max(b, start), timedelta(0)) for b, e in self.periods(day)), timedelta(0))
            day += _A_DAY
        return total

    def periods(self, day: date) -> Sequence[tuple[datetime, datetime]]:
        """Return the working periods of a day in UTC: what the wall shows between each start and end.

        On the days when the clock is put forward or back, a period has an hour less or more, or is in two parts.
        """
        if not self.is_working(day):
            return ()
        found = []
        for began, ended, offset in _stretches(self.zone, day):
            for period in self.hours.of(day.weekday()):
                midnight = datetime.combine(day, time(0), UTC) - offset
                start = max(midnight + timedelta(minutes=period.start), began)
                end = min(midnight + timedelta(minutes=period.end), ended)
                if start < end:
                    found.append((start, end))
        return found

    def _periods_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        day = self.today(start)
        while True:
            for began, ended in self.periods(day):
                if ended > start:
                    yield max(began, start.astimezone(UTC)), ended
            day = self._next_working(day + _A_DAY)

    def _next_working(self, day: date) -> date:
        """Return the first working day that is not before this one."""
        for ahead in range(_LONGEST_CLOSURE):
            if self.is_working(day + timedelta(days=ahead)):
                return day + timedelta(days=ahead)
        raise PermanentError("the calendar has no working day in more than a year: see hours, closed days, absences")

    def _end_of(self, day: date) -> datetime:
        end = self.hours.end_of(day.weekday()) or END_OF_DAY
        return datetime.combine(day, end, self.zone).astimezone(UTC)


@lru_cache(maxsize=4096)
def _stretches(zone: ZoneInfo, day: date) -> tuple[tuple[datetime, datetime, timedelta], ...]:
    """Return the parts of a day, in UTC, in each of which the zone has one offset: one, or two when clocks change."""
    began = datetime.combine(day, time(0), zone).astimezone(UTC)
    ended = datetime.combine(day + _A_DAY, time(0), zone).astimezone(UTC)
    before, after = _offset(zone, began), _offset(zone, ended - timedelta(seconds=1))
    if before == after:
        return ((began, ended, before),)
    low, high = began, ended
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    change = high.replace(microsecond=0)
    return ((began, change, before), (change, ended, after))


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
