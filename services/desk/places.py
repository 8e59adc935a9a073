"""Where a reader stands in a long list, as the address of the page says it, and the way to the pages beside."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from itaca.storage.moments import NEVER
from itaca.storage.paging import Page, Place

T = TypeVar("T")
_ID = re.compile(r"[0-9a-f-]{1,36}")
_MOMENT = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True)
class Pager:
    """The addresses of the pages before and behind; empty where there is none."""

    previous: str
    next: str


def place_by_id(after: str, before: str) -> Place | None:
    """Return the place in a list that is sorted by ids; None for its beginning, and for what is no id."""
    key = before or after
    return Place((key,), bool(before)) if _ID.fullmatch(key) else None


def place_by_moment(after: str, before: str) -> Place | None:
    """Return the place in a list that is sorted by moments, written ``<microseconds>.<id>``.

    What is no place is the beginning: addresses are copied, cut short and kept for years.
    """
    at, _, key = (before or after).partition(".")
    if not (_MOMENT.fullmatch(at) and int(at) <= NEVER and _ID.fullmatch(key)):
        return None
    return Place((int(at), key), bool(before))


def pager(page: Page[T], key: Callable[[T], str], path: str, **filters: str) -> Pager:
    """Return the ways from a page.

    Args:
        key: how the address names the place of a line.
        filters: what the list is narrowed by; it stays.
    """
    if not page.lines:
        return Pager("", "")
    kept = {name: value for name, value in filters.items() if value}
    first, last = key(page.lines[0]), key(page.lines[-1])
    previous = f"{path}?{urlencode({**kept, 'before': first})}" if page.has_previous else ""
    return Pager(previous, f"{path}?{urlencode({**kept, 'after': last})}" if page.has_next else "")
