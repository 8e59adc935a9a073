"""Where a reader stands in a long list, as the address of the page says it, and the way to the pages beside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from itaca.storage.paging import Page, Place

T = TypeVar("T")
_LONGEST_ID = 36
_LONGEST_MOMENT = 19


@dataclass(frozen=True)
class Pager:
    """The addresses of the pages before and behind; empty where there is none."""

    previous: str
    next: str


def place_by_id(after: str, before: str) -> Place | None:
    """Return the place in a list that is sorted by ids; None for its beginning."""
    key = (before or after)[:_LONGEST_ID]
    return Place((key,), bool(before)) if key else None


def place_by_moment(after: str, before: str) -> Place | None:
    """Return the place in a list that is sorted by moments, written ``<microseconds>.<id>``.

    What is no place is the beginning: addresses are copied, cut short and kept for years.
    """
    at, _, key = (before or after).partition(".")
    if not (at.isascii() and at.isdigit() and len(at) <= _LONGEST_MOMENT and int(at) < 2**63):
        return None
    return Place((int(at), key[:_LONGEST_ID]), bool(before))


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
