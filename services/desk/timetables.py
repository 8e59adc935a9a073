"""Working hours, closed days and holidays in the words of their reader, and read back from a form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import holidays
from babel import Locale
from babel.dates import get_day_names

from itaca.cases.closures import read_closures
from itaca.cases.hours import DAYS, Hours, Period, read_day, write_hours
from itaca.errors import PermanentError

_WEEK = range(len(DAYS))
_DAY = re.compile(r"(?P<day>\d{1,2})[/.](?P<month>\d{1,2})(?:[/.](?P<year>\d{4}))?")
_CODE = re.compile(rf"\b(?:{'|'.join(DAYS)})\b")


class UnreadableError(PermanentError):
    """Some fields of a form cannot be read; ``fields`` names them in the reader's language."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__("some fields of the form cannot be read")
        self.fields = fields


@dataclass(frozen=True)
class Row:
    """One weekday of the form."""

    name: str
    text: str


def day_names(language: str) -> list[str]:
    """Return the names of the weekdays, Monday first."""
    names = get_day_names("wide", context="stand-alone", locale=language)
    return [names[day] for day in _WEEK]


def rows_of(hours: Hours, language: str) -> list[Row]:
    """Return the form of a week; an empty text is a free day."""
    return [Row(name, _spans(hours.of(day))) for day, name in enumerate(day_names(language))]


def read_rows(texts: Sequence[str], language: str) -> str:
    """Return the hours that a form says, as ``read_hours`` reads them; empty when every day is free.

    Raises:
        UnreadableError: by weekday.
    """
    names = day_names(language)
    periods: dict[int, tuple[Period, ...]] = {}
    wrong = []
    for day, text in zip(_WEEK, texts, strict=False):
        try:
            periods[day] = read_day(text)
        except PermanentError:
            wrong.append(names[day])
    if wrong:
        raise UnreadableError(wrong)
    return write_hours(periods) if any(periods.values()) else ""


def hours_words(hours: Hours, language: str) -> str:
    """Return the hours as one reads them aloud: ``lun–ven 9–13, 14–18; sab 9–12``."""
    parts = []
    for part in write_hours(hours.periods).split("; "):
        days, *spans = part.split()
        parts.append(f"{local_days(days, language)} {', '.join(spans)}".replace("-", "–"))
    return "; ".join(parts)


def local_days(text: str, language: str) -> str:
    """Return a text in which weekdays stand as codes with the reader's short names."""
    names = get_day_names("abbreviated", context="stand-alone", locale=language)
    return _CODE.sub(lambda found: str(names[DAYS.index(found[0])]), text)


def closed_words(days: Sequence[str]) -> str:
    """Return closed days as one writes them: ``24/12`` for every year, ``14/8/2026`` for one."""
    return ", ".join("/".join(str(int(part)) for part in reversed(day.split("-"))) for day in days)


def read_closed(text: str) -> list[str]:
    """Return closed days as ``read_closures`` reads them.

    Raises:
        UnreadableError: names the parts that are no days.
    """
    parts = [part for part in re.split(r"[,;\s]+", text) if part]
    found = {part: _closed_day(part) for part in parts}
    wrong = [part for part, day in found.items() if not day]
    if wrong:
        raise UnreadableError(wrong)
    return list(found.values())


def _closed_day(text: str) -> str:
    """Return ``12-24`` or ``2026-08-14``; empty for what is no day."""
    match = _DAY.fullmatch(text)
    if match is None:
        return ""
    day = "-".join(filter(None, (match["year"], f"{int(match['month']):02}", f"{int(match['day']):02}")))
    try:
        read_closures("IT", "", [day])
    except PermanentError:
        return ""
    return day


@cache
def countries(language: str) -> Sequence[tuple[str, str]]:
    """Return the countries whose holidays are known, as code and name, by name."""
    names = Locale(language).territories
    codes = holidays.list_supported_countries(include_aliases=False)
    return sorted(((code, str(names[code])) for code in codes if code in names), key=lambda one: one[1])


@cache
def provinces(country: str) -> Sequence[tuple[str, str]]:
    """Return the parts of a country with holidays of their own, as code and name, by name."""
    known = holidays.list_supported_countries().get(country, [])
    names = {code: name for name, code in holidays.country_holidays(country).subdivisions_aliases.items()}
    return sorted(((code, names.get(code, code)) for code in known), key=lambda one: one[1])


def province_code(country: str, text: str) -> str:
    """Return the code of a province by its code or its name, as somebody wrote it."""
    wanted = text.strip().casefold()
    found = (code for code, name in provinces(country) if wanted in (code.casefold(), name.casefold()))
    return next(found, text.strip())


def _spans(periods: Sequence[Period]) -> str:
    return ", ".join(map(str, periods))
