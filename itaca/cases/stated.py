"""When the customer says that they cancelled: a date beside the words of cancelling, in five languages.

"I cancelled in July and you still charge me" may come before any system has told us of a cancellation. What it says
is taken at its word as far as it is certain: a month is its last day, and nothing later than the mail counts.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from itaca.cases.cues import EARLIER_CANCELLATION, fold, load_cues

_MOST_CHARACTERS = 20_000
_MONTHS = {
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "en": "january february march april may june july august september october november december",
    "de": "januar februar marz april mai juni juli august september oktober november dezember",
    "fr": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_AMBIGUOUS = {"may", "march", "mars"}
"""Words of other meaning: they count as months only beside a day or a year."""
_TO_COME = re.compile(
    r"\b(?:prossim\w*|decorrenza|a partire|next|as of|with effect|nachst\w*|zum|prochain\w*|proxim\w*)\b"
)
_NUMERIC = re.compile(r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})\b|\b(\d{4})-(\d{2})-(\d{2})\b")
_SENTENCE = re.compile(r"(?<=[a-z)])[.!?]+\s|\n{2,}")


def stated_cancellation(text: str, language: str, received_at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the day on which the customer says that they cancelled; None if no past day is said.

    Of several dates in a sentence that speaks of cancelling the first one after these words counts, else the last
    one before them. A sentence about what is to come ("from next August on") says nothing of the past.
    """
    cue = load_cues()[EARLIER_CANCELLATION]
    today = received_at.astimezone(zone).date()
    for sentence in _SENTENCE.split(text[:_MOST_CHARACTERS]):
        said = fold(sentence)
        patterns = cue.patterns
        match = patterns.get(language, patterns[""]).search(said)
        if match is None or _TO_COME.search(said):
            continue
        dates = [(at, day) for at, day in _dates(said, today) if day <= today]
        after = [day for at, day in dates if at >= match.start()]
        before = [day for at, day in dates if at < match.start()]
        if after or before:
            day = after[0] if after else before[-1]
            return min(datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC), received_at)
    return None


def _dates(said: str, today: date) -> list[tuple[int, date]]:
    return sorted([*_numeric(said), *_in_words(said, today)])


def _numeric(said: str) -> Iterator[tuple[int, date]]:
    for match in _NUMERIC.finditer(said):
        day, month, year, iso_year, iso_month, iso_day = match.groups()
        numbers = (iso_year, iso_month, iso_day) if iso_year else (year, month, day)
        whole_year = int(numbers[0]) + (2000 if len(numbers[0]) == 2 else 0)
        found = _day(whole_year, int(numbers[1]), int(numbers[2]))
        if found is not None:
            yield match.start(), found


def _in_words(said: str, today: date) -> Iterator[tuple[int, date]]:
    for match in _worded().finditer(said):
        month = _numbers()[match["month"]]
        day = match["before"] or match["after"]
        if match["month"] in _AMBIGUOUS and not day and not match["year"]:
            continue
        year = int(match["year"]) if match["year"] else today.year - (month > today.month)
        found = _day(year, month, int(day) if day else calendar.monthrange(max(year, 1), month)[1])
        if found is not None and not day and (found.year, found.month) == (today.year, today.month):
            found = today
        if found is not None and found > today and not match["year"]:
            found = _day(year - 1, month, found.day)
        if found is not None:
            yield match.start(), found


@cache
def _numbers() -> dict[str, int]:
    return {name: number for names in _MONTHS.values() for number, name in enumerate(names.split(), start=1)}


@cache
def _worded() -> re.Pattern[str]:
    """Return the pattern of days in words: "12 luglio 2026", "den 12. Juli", "July 12th", "nel luglio scorso"."""
    months = "|".join(sorted(_numbers(), key=len, reverse=True))
    day = r"(?:(?P<before>\d{1,2})(?:st|nd|rd|th|[.°º])?\s+(?:of\s+|de\s+)?)?"
    rest = r"(?:\s+(?P<after>\d{1,2})(?:st|nd|rd|th)?(?![\d:]))?(?:,?\s+(?:del\s+|de\s+|of\s+)?(?P<year>20\d\d))?"
    return re.compile(rf"(?<!\w){day}(?P<month>{months})(?!\w){rest}")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
