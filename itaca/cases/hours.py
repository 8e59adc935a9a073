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

    def __str__(self) -> str:
        return f"{_wall(self.start)}-{_wall(self.end)}"


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


def read_day(text: str) -> tuple[Period, ...]:
    """Read the periods of one day as people write them: ``9-13 14-18``, ``9.30 – 13, 14:00-18:00``; none if empty.

    Raises:
        PermanentError: it cannot be read.
    """
    plain = re.sub(r"\s*[-\u2013\u2014]\s*", "-", re.sub(r"(?<=\d)\.(?=\d)", ":", text))
    return _read_periods(re.split(r"[\s,;]+", plain.strip(" ,;")) if plain.strip(" ,;") else [], text)


def write_hours(periods: Mapping[int, tuple[Period, ...]]) -> str:
    """Return the hours of a week as ``read_hours`` reads them, days that are alike side by side.

    Raises:
        PermanentError: no day has any hours.
    """
    parts: list[tuple[int, int, tuple[Period, ...]]] = []
    for day in range(len(DAYS)):
        spans = periods.get(day, ())
        if spans and parts and parts[-1][1] == day - 1 and parts[-1][2] == spans:
            parts[-1] = (parts[-1][0], day, spans)
        elif spans:
            parts.append((day, day, spans))
    texts = [f"{_days(first, last)} {' '.join(map(str, spans))}" for first, last, spans in parts]
    return read_hours("; ".join(texts)).says


def _days(first: int, last: int) -> str:
    return DAYS[first] if first == last else f"{DAYS[first]}-{DAYS[last]}"


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


def _wall(minutes: int) -> str:
    """Return a time of day as short as it can be read: ``9``, ``14:30``."""
    return f"{minutes // 60}:{minutes % 60:02}" if minutes % 60 else str(minutes // 60)


def _minutes(text: str, part: str) -> int:
    hour, _, minute = text.partition(":")
    minutes = int(hour) * 60 + int(minute or 0)
    if int(minute or 0) > 59 or minutes > MIDNIGHT:
        raise PermanentError(f"working hours: {text!r} of {part!r} is no time of day")
    return minutes
