"""How verbs show what they found: JSON for programs, plain lines and tables for people."""

import json
import sys
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

_PIPED_WIDTH = 240
_ZONE = ZoneInfo("Europe/Rome")


def print_json(value: Any) -> None:
    """Print one value as one line of JSON; moments become ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, default=_plain))


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; in a pipe as wide as it is, one line for each row."""
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    Console(width=width, highlight=False).print(table)


def local(moment: datetime | None, seconds: bool = False) -> str:
    """Return a moment in the company's time zone, short; a dash for none."""
    if moment is None:
        return "-"
    return moment.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%a %d %b %Y %H:%M")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
