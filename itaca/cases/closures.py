"""Which days a company works: weekdays with hours, without national and local holidays and days of its own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays

from itaca.errors import PermanentError

_DAY_OF_ANY_YEAR = re.compile(r"(\d{2})-(\d{2})")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Closures:
    """Holidays of a country and perhaps a province (with its patron saint), and days of the company's own.

    ``yearly`` are (month, day) of every year; ``single`` are days of one year.
    """

    country: str = "IT"
    province: str = ""
    yearly: frozenset[tuple[int, int]] = frozenset()
    single: frozenset[date] = frozenset()

    def is_closed(self, day: date) -> bool:
        if (day.month, day.day) in self.yearly or day in self.single:
            return True
        return day in _holidays(self.country, self.province, day.year)

    def own_days(self) -> list[str]:
        """Return the company's own days as ``read_closures`` reads them."""
        return [f"{month:02}-{day:02}" for month, day in sorted(self.yearly)] + [
            day.isoformat() for day in sorted(self.single)
        ]


def read_closures(country: str, province: str, days: Iterable[str]) -> Closures:
    """Read closures: ``12-07`` is closed every year (a patron saint), ``2026-08-14`` once.

    Raises:
        PermanentError: the country, the province or a day is unknown.
    """
    known = holidays.list_supported_countries()
    if country not in known:
        raise PermanentError(f"no holidays are known for the country {country!r}; write its two letters, such as IT")
    if province and province not in known[country]:
        raise PermanentError(f"{country} has no province {province!r}; for Italy write its plate, such as MI")
    yearly: set[tuple[int, int]] = set()
    single: set[date] = set()
    for day in days:
        found = _DAY_OF_ANY_YEAR.fullmatch(day)
        if found:
            yearly.add(_month_and_day(day))
        else:
            single.add(_one_day(day))
    return Closures(country, province, frozenset(yearly), frozenset(single))


def _month_and_day(text: str) -> tuple[int, int]:
    leap = _one_day(f"2024-{text}")
    return leap.month, leap.day


def _one_day(text: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise PermanentError(f"{text!r} is no day: write 12-07 for every year or 2026-08-14 for one") from error


@lru_cache(maxsize=256)
def _holidays(country: str, province: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=province or None, years=year))
