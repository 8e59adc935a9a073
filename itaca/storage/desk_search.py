"""The search of the desk: cases by a reference, an address, a number or a name, each by an index."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from itaca.mail.model import EntityKind
from itaca.storage.desk_lists import DayLine, lines_of, newest_page
from itaca.storage.paging import PAGE, Page, Place
from itaca.storage.tables import cases, customer_addresses, customer_codes

LONGEST_WORDS = 200
MOST_CUSTOMERS = 20
"""Customers whose cases are looked at; words that fit more are too few."""


@dataclass(frozen=True)
class Found:
    """A page of what was found; ``is_exact``: it is the one case that was named; ``is_cut``: more customers fit."""

    page: Page[DayLine]
    is_exact: bool = False
    is_cut: bool = False


def search_cases(conn: Connection, words: str, place: Place | None = None, limit: int = PAGE) -> Found:
    """Return cases, open or closed, the newest first.

    Found are the case with this reference, and the cases of customers with this e-mail address, or with this customer
    code, order number or contract number. Not found is what stands inside of mails.

    Args:
        place: by the id of a case.
    """
    named = conn.scalars(select(cases.c.id).where(cases.c.reference == words.upper())).first()
    if named is not None:
        return Found(Page(lines_of(conn, [named])), is_exact=True)
    customers = list(dict.fromkeys(_customers(conn, words)))
    page = newest_page(conn, customers[:MOST_CUSTOMERS], place, limit)
    return Found(page, is_cut=len(customers) > MOST_CUSTOMERS)


def _customers(conn: Connection, words: str) -> Iterator[str]:
    addresses, codes, most = customer_addresses.c, customer_codes.c, MOST_CUSTOMERS + 1
    yield from conn.scalars(select(addresses.customer_id).where(addresses.address == words.lower()))
    kinds = codes.kind.in_([kind.value for kind in EntityKind])
    values = codes.value.in_({words, words.upper()})
    yield from conn.scalars(select(codes.customer_id).where(kinds, values).limit(most))
