"""The desk's words in the reader's language: gettext catalogues, dates, and how states are called."""

import io
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_timedelta, get_day_names, get_month_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from itaca.storage.paging import Tally
from services.desk.names import LETTERS, NAMES
from services.desk.reasons import translate_reason

LANGUAGES = {"it": "Italiano", "en": "English"}
DEFAULT_LANGUAGE = "it"


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations of one language, compiled in memory from its .po file."""
    text = (files("services.desk") / "locale" / language / "desk.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def choose_language(accepted: str) -> str:
    """Return the first language of an Accept-Language header that the desk speaks (RFC 9110, 12.5.4)."""
    wishes = [part.strip().split(";")[0].split("-")[0].lower() for part in accepted[:500].split(",")]
    return next((wish for wish in wishes if wish in LANGUAGES), DEFAULT_LANGUAGE)


class Words:
    """Says things in one language; times are those of the company's zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language if language in LANGUAGES else DEFAULT_LANGUAGE
        self.catalogue, self._zone = catalogue(self.language), zone
        # Parsed once: by its name, babel would parse it again for each text.
        self._locale = Locale.parse(self.language)
        self._months = get_month_names("abbreviated", locale=self._locale)
        self._weekdays = get_day_names("abbreviated", locale=self._locale)

    def say(self, text: str, **values: object) -> str:
        """Return the text in this language, filled in."""
        said = self.catalogue.gettext(text)
        return said % values if values else said

    def name(self, value: Enum | str) -> str:
        """Return what people call a kind, a state, an outcome, an event or a role."""
        key = value.value if isinstance(value, Enum) else value
        known = NAMES.get(key)
        return self.catalogue.gettext(known) if known else key.replace("_", " ")

    def letters(self, kind: str) -> str:
        """Return what people call what leaves, by the kind of an outbox entry."""
        known = LETTERS.get(kind)
        return self.catalogue.gettext(known) if known else self.name(kind)

    def reason(self, text: str) -> str:
        """Return why a case is where it is, as the ledger keeps it, in this language."""
        return translate_reason(text, self.catalogue.gettext)

    def day(self, moment: datetime | date) -> str:
        """Return a day: ``9 mar``, with the year when it is in doubt."""
        return self._dated(self._local(moment))

    def weekday(self, moment: datetime | date) -> str:
        """Return a day to rely on, with its weekday."""
        return format_date(self._local(moment), "EEEE d MMMM", locale=self._locale)

    def short_weekday(self, moment: datetime | date) -> str:
        """Return a day of a list: ``mer 25 nov``."""
        day = self._local(moment)
        return f"{self._weekdays[day.weekday()]} {day.day} {self._months[day.month]}"

    def moment(self, moment: datetime) -> str:
        """Return day and time."""
        local = moment.astimezone(self._zone)
        return f"{self._dated(local)}, {local:%H:%M}"

    def time(self, moment: datetime) -> str:
        return f"{moment.astimezone(self._zone):%H:%M}"

    def until(self, moment: datetime, now: datetime) -> str:
        """Return how far away a moment is, before or after now: ``in 2 days``, ``3 hours ago``."""
        step = moment - now
        if abs(step) < timedelta(minutes=1):
            return self.catalogue.gettext("now")
        return format_timedelta(step, add_direction=True, threshold=1.5, locale=self._locale)

    def language_name(self, code: str) -> str:
        """Return what a language is called, by its two letters."""
        return str(Locale(self.language).languages.get(code, code))

    def late(self, moment: datetime, now: datetime) -> str:
        """Return how long ago something was due: ``3 hours late``."""
        late = format_timedelta(now - moment, threshold=1.5, locale=self._locale)
        return self.catalogue.gettext("%(time)s late") % {"time": late}

    def size(self, size_bytes: int) -> str:
        """Return a size as people read it."""
        if size_bytes < 1000:
            return f"{size_bytes} B"
        kilo = size_bytes / 1000
        return f"{kilo:.0f} kB" if kilo < 1000 else f"{kilo / 1000:.1f} MB"

    def number(self, number: int) -> str:
        """Return a number with its thousands apart."""
        return str(format_decimal(number, locale=self._locale))

    def tally(self, held: Tally) -> str:
        """Return a count as people read it; with a plus where it was not counted further."""
        return f"{self.number(held.count)}{'+' if held.is_more else ''}"

    def _dated(self, day: date) -> str:
        """A page has hundreds of dates, and a general formatter takes ten times as long."""
        return f"{day.day} {self._months[day.month]} {day.year}"

    def _local(self, moment: datetime | date) -> date:
        return moment.astimezone(self._zone).date() if isinstance(moment, datetime) else moment
