"""The words of what leaves, in the reader's language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

DEFAULT_LANGUAGE = "it"
STAFF_LANGUAGES = ("it", "en")
"""Languages that have the texts for colleagues too."""


@dataclass(frozen=True)
class Texts:
    """The texts of one language; dates are written as its readers write them."""

    language: str
    words: Mapping[str, Any]
    zone: ZoneInfo

    def say(self, name: str, **values: str) -> str:
        """Return the text under a dotted name, filled in."""
        found: Any = self.words
        for part in name.split("."):
            found = found[part]
        return str(found).format(**values)

    def date(self, moment: datetime) -> str:
        """Return the day without its weekday."""
        return format_date(moment.astimezone(self.zone), "long", locale=self.language)

    def weekday(self, moment: datetime) -> str:
        """Return the day with its weekday, as a date to rely on is given."""
        return format_date(moment.astimezone(self.zone), "full", locale=self.language)

    def time(self, moment: datetime) -> str:
        return format_time(moment.astimezone(self.zone), "HH:mm", locale=self.language)


def texts_for(language: str, zone: ZoneInfo) -> Texts:
    """Return the texts for a customer's language, Italian if there are none."""
    known = language if language in _tables() else DEFAULT_LANGUAGE
    return Texts(known, _tables()[known], zone)


def staff_texts(languages: tuple[str, ...], zone: ZoneInfo) -> Texts:
    """Return the texts for a colleague: the first of their languages that we write, else Italian."""
    known = next((code for code in languages if code in STAFF_LANGUAGES), DEFAULT_LANGUAGE)
    return texts_for(known, zone)


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((files("services.courier") / "texts.toml").read_text(encoding="utf-8"))
