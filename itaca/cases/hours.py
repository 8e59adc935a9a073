"""Working hours: periods of a week by the clock on the wall, as one reads and writes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from itaca.errors import PermanentError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24 * 60
_DAYS = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?")
_PERIOD = re.compile(r"(?P<from>\d{1,2}(?::\d{2})?)-(?P<to>\d{1,2}(?::\d{2})?)")


@dataclass(frozen=True)
class Period:
    """From ``start`` until before ``end``: minutes since midnight by the clock on the wall, at most 1,440."""

    start: int
    end: int


@dataclass(frozen=True)
class Hours:
    """The periods of each weekday, Monday being 0; in order and apart from each other."""

    periods: Mapping[int, tuple[Period, ...]]
    says: str

    def of(self, weekday: int) -> tuple[Period, ...]:
        return self.periods.get(weekday, ())

    def end_of(self, weekday: int) -> time | None:
        """Return when the last period of a weekday ends; None on a day without any."""
        periods = self.of(weekday)
        if not periods:
            return None
        end = min(periods[-1].end, MIDNIGHT - 1)
        return time(end // 60, end % 60)


def read_hours(text: str) -> Hours:
    """Read hours such as ``mon-fri 9-13 14-18; sat 9:30-12:30``; a later part replaces a day of an earlier one.

    Raises:
        PermanentError: a sentence about the part that cannot be read; no day has any hours.
    """
    periods: dict[int, tuple[Period, ...]] = {}
    for part in filter(None, (part.strip().lower() for part in text.split(";"))):
        days, *spans = part.split()
        for day in _read_days(days, part):
            periods[day] = _read_periods(spans, part)
    if not any(periods.values()):
        raise PermanentError("working hours: there must be a day with at least one period")
    return Hours(periods, text.strip())


def _read_days(text: str, part: str) -> range:
    found = _DAYS.fullmatch(text)
    if not found or not {found["first"], found["last"] or found["first"]} <= set(DAYS):
        raise PermanentError(f"working hours: {part!r} must begin with days such as mon-fri or sat")
    first = DAYS.index(found["first"])
    last = DAYS.index(found["last"]) if found["last"] else first
    if last < first:
        raise PermanentError(f"working hours: the days of {part!r} are in the wrong order")
    return range(first, last + 1)


def _read_periods(spans: list[str], part: str) -> tuple[Period, ...]:
    periods: list[Period] = []
    for span in spans:
        found = _PERIOD.fullmatch(span)
        if not found:
            raise PermanentError(f"working hours: {span!r} of {part!r} is no period such as 9-13 or 14:30-18:00")
        period = Period(_minutes(found["from"], part), _minutes(found["to"], part))
        if period.end <= period.start or (periods and period.start < periods[-1].end):
            raise PermanentError(f"working hours: the periods of {part!r} must be in order and apart")
        periods.append(period)
    return tuple(periods)


def _minutes(text: str, part: str) -> int:
    hour, _, minute = text.partition(":")
    minutes = int(hour) * 60 + int(minute or 0)
    if int(minute or 0) > 59 or minutes > MIDNIGHT:
        raise PermanentError(f"working hours: {text!r} of {part!r} is no time of day")
    return minutes
