"""Rule packs read and checked: every fault of a pack is named at once, by the rule it stands in."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from itaca.errors import ConfigurationError

PACKS = ("it",)
"""Countries that come with Itaca."""
_KEYS = {"id", "sectors", "matter", "days", "unit", "says", "source", "valid_from", "dated_by"}
_MAY = {"valid_until"}
_DATED_BY = ("source", "review")
_MOST_DAYS = 400
VARIABLE = "ITACA_LAW_FILE"


class Unit(StrEnum):
    """What a term is counted in: three different things in law."""

    CALENDAR = "calendar"
    WORKING = "working"
    MONTHS = "months"


@dataclass(frozen=True)
class Rule:
    """One legal term, from ``valid_from`` until before ``valid_until``; no ``sectors`` means every sector."""

    id: str
    sectors: tuple[str, ...]
    matter: str
    days: int
    unit: Unit
    says: str
    source: str
    valid_from: date
    dated_by: str
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True)
class Pack:
    """The rules of one country, in one version; ``reviewed_by`` is the lawyer who has read them, if anybody has."""

    country: str
    version: str
    reviewed_by: str
    rules: Sequence[Rule]

    @property
    def name(self) -> str:
        """Return what a legal clock keeps of its pack."""
        return f"{self.country} {self.version}"[:32]

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def matters(self, sector: str) -> list[str]:
        """Return the matters for which this sector has a clock, each once, in the order of the pack."""
        return list(dict.fromkeys(r.matter for r in self.rules if not r.sectors or sector in r.sectors))


@cache
def load_pack(path: Path | None = None, country: str = "it") -> Pack:
    """Read the pack that comes with Itaca, or a company's own.

    Raises:
        ConfigurationError: the file cannot be read, or one of its rules is wrong; all faults at once.
    """
    try:
        text = path.read_text("utf-8") if path else (files("itaca.cases.law") / f"{country}.toml").read_text("utf-8")
        return read_pack(tomllib.loads(text))
    except OSError as error:
        raise ConfigurationError([f"{VARIABLE}: the rules cannot be read ({error.strerror})"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{VARIABLE}: the rules are not TOML ({error})"]) from error


def read_pack(table: Mapping[str, Any]) -> Pack:
    """Check and return a pack.

    Raises:
        ConfigurationError: one sentence for each fault.
    """
    problems = [f"{VARIABLE}: {key} is missing" for key in ("country", "version") if not _is_text(table.get(key))]
    unknown = set(table) - {"country", "version", "reviewed_by", "rules"}
    problems += [f"{VARIABLE}: nobody knows {key}" for key in sorted(unknown)]
    rows = table.get("rules", [])
    for number, row in enumerate(rows, 1):
        problems += [f"{VARIABLE}: rule {row.get('id', number)}: {fault}" for fault in _faults(row)]
    ids = [row.get("id") for row in rows]
    problems += [f"{VARIABLE}: rule {i} stands there twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    if problems:
        raise ConfigurationError(problems)
    rules = [Rule(**{**row, "sectors": tuple(row["sectors"]), "unit": Unit(row["unit"])}) for row in rows]
    return Pack(table["country"], table["version"], table.get("reviewed_by", ""), rules)


def _faults(row: Mapping[str, Any]) -> list[str]:
    faults = [f"{key} is missing" for key in sorted(_KEYS - set(row))]
    faults += [f"nobody knows {key}" for key in sorted(set(row) - _KEYS - _MAY)]
    faults += [f"{key} must be words" for key in ("id", "matter", "says", "source") if not _is_text(row.get(key))]
    checks = {
        "sectors must be a list of words": _are_words(row.get("sectors")),
        f"days must be a number from 1 to {_MOST_DAYS}": _is_number(row.get("days")),
        "unit must be calendar, working or months": row.get("unit") in list(Unit),
        "valid_from must be a day": type(row.get("valid_from")) is date,
        "valid_until must be a day after valid_from": _is_later(row.get("valid_from"), row.get("valid_until")),
        "dated_by must be source or review": row.get("dated_by") in _DATED_BY,
        "id may have 64 letters": len(str(row.get("id", ""))) <= 64,
    }
    return faults + [fault for fault, is_right in checks.items() if not is_right]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(one) for one in value)


def _is_number(value: object) -> bool:
    return type(value) is int and 1 <= value <= _MOST_DAYS


def _is_later(first: object, last: object) -> bool:
    return last is None or (type(first) is date and type(last) is date and last > first)
