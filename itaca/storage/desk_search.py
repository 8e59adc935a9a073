"""The search of the desk: cases by a reference, an address, a number or a name, each by an index."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from itaca.mail.model import EntityKind
from itaca.storage.conditions import has_matter
from itaca.storage.customer_words import named
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

    Found are the case with this reference, cases about this order or contract number, and the cases of customers with
    this e-mail address or customer code; without any, the cases of customers in whose names the words stand, or words
    that begin so. Not found is what stands inside of mails, and what stands inside of words.

    Args:
        place: by the id of a case.
    """
    exact = conn.scalars(select(cases.c.id).where(cases.c.reference == words.upper())).first()
    if exact is not None:
        return Found(Page(lines_of(conn, [exact])), is_exact=True)
    number = "".join(words.split()).upper()
    about = select(cases.c.id).where(has_matter(), cases.c.matter == number)
    customers, is_cut = list(dict.fromkeys(_customers(conn, words.lower(), number))), False
    if not customers and conn.scalars(about.limit(1)).first() is None:
        customers, is_cut = named(conn, words, MOST_CUSTOMERS)
    theirs = [select(cases.c.id).where(cases.c.customer_id == one) for one in customers[:MOST_CUSTOMERS]]
    page = newest_page(conn, [about, *theirs], place, limit)
    return Found(page, is_cut=is_cut or len(customers) > MOST_CUSTOMERS)


def _customers(conn: Connection, address: str, number: str) -> Iterator[str]:
    """Yield who has this address or number."""
    addresses, codes = customer_addresses.c, customer_codes.c
    yield from conn.scalars(select(addresses.customer_id).where(addresses.address == address))
    kinds = codes.kind.in_([kind.value for kind in EntityKind])
    yield from conn.scalars(select(codes.customer_id).where(kinds, codes.value == number).limit(MOST_CUSTOMERS + 1))
