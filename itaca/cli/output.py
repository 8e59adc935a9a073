"""How verbs show what they found: JSON for programs, plain lines and tables for people."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Europe/Rome")


def print_json(value: Any) -> None:
    """Print one value as one line of JSON; moments become ISO 8601."""
    print(json.dumps(value, ensure_ascii=False, default=_plain))


def local(moment: datetime | None, seconds: bool = False) -> str:
    """Return a moment in the company's time zone, short; a dash for none."""
    if moment is None:
        return "-"
    return moment.astimezone(_ZONE).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%a %d %b %Y %H:%M")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
