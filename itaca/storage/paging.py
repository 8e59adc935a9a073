"""Pages of long lists by place instead of number: no line is shown twice or left out while others come and go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select, tuple_

T = TypeVar("T")
PAGE = 25
MOST = 1_000
"""Up to here a list is counted; beyond, people are told that there are more."""


@dataclass(frozen=True)
class Place:
    """Where a page begins: behind the line with this key, or with ``is_back`` where a page ends before it."""

    key: tuple[int | str, ...]
    is_back: bool = False


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some lines of a list, and whether it goes on before and behind them."""

    lines: Sequence[T]
    has_previous: bool = False
    has_next: bool = False


@dataclass(frozen=True)
class Tally:
    """How many there are; with ``is_more``, at least one more than ``count``."""

    count: int
    is_more: bool = False

    def __bool__(self) -> bool:
        return self.count > 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.count + other.count, self.is_more or other.is_more)


def from_place(
    query: Select[Any],
    columns: Sequence[ColumnElement[Any]],
    place: Place | None,
    limit: int,
    is_newest_first: bool = False,
) -> Select[Any]:
    """Return the query for the first lines from a place on, in the order of reading: backwards where that is back.

    Args:
        columns: what the list is sorted by, as an index has it; together they are unique.
        limit: how many; one more than a page, so that ``cut`` knows whether the list goes on.
    """
    is_back = place is not None and place.is_back
    falls = is_newest_first != is_back
    if place is not None:
        here = tuple_(*columns)
        query = query.where(here < place.key if falls else here > place.key)
    return query.order_by(*(column.desc() if falls else column for column in columns)).limit(limit)


def cut(found: Sequence[T], place: Place | None, limit: int) -> Page[T]:
    """Return the page out of what a query of ``from_place`` found."""
    lines, is_cut = list(found[:limit]), len(found) > limit
    if place is not None and place.is_back:
        return Page(lines[::-1], is_cut, True)
    return Page(lines, place is not None, is_cut)


def tally(conn: Connection, query: Select[Any], most: int = MOST) -> Tally:
    """Count the rows of a query, reading one more than ``most`` at the most."""
    ones: Select[Any] = query.with_only_columns(literal_column("1"), maintain_column_froms=True).limit(most + 1)
    counted = select(func.count()).select_from(ones.subquery())
    found = conn.execute(counted).scalar_one()
    return Tally(min(found, most), found > most)
