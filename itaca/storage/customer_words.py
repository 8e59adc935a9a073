"""The words by which customers are found: written with their names and addresses, gone when these are erased."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from itaca.cases.search_words import words_of, words_of_address
from itaca.storage.paging import tally
from itaca.storage.tables import customer_words
from itaca.storage.upsert import insert_new

MOST_LOOKED_AT = 2_000
"""Customers with one of the words that are looked at for the others."""
MOST_WORDS_OF = 16
"""Words of one customer, nearly always."""
_BEHIND_ALL = "\U0010ffff"


def note_words(
    conn: Connection, customers: Iterable[Mapping[str, Any]], addresses: Iterable[Mapping[str, Any]]
) -> None:
    """Let customers be found by these new rows of their tables."""
    found = {(word, row["id"]) for row in customers for word in words_of(row["name"])}
    found |= {(word, row["customer_id"]) for row in addresses for word in words_of_address(row["address"])}
    if found:
        conn.execute(
            insert_new(conn, customer_words, ("word", "customer_id")),
            [{"word": word, "customer_id": customer} for word, customer in sorted(found)],
        )


def named(conn: Connection, asked: str, most: int) -> tuple[list[str], bool]:
    """Return the ids of customers each of whose asked words begins one of theirs, and whether more may fit.

    The longest word is looked up in the index; the customers who have it are looked at for the others.
    """
    first, *others = sorted(words_of(asked), key=len, reverse=True) or [""]
    if not first:
        return [], False
    having = select(customer_words.c.customer_id).where(_begins(customer_words, first))
    looked_at = customer_words.c.customer_id.in_(having.limit(MOST_LOOKED_AT))
    query = select(customer_words.c.customer_id).where(looked_at, *map(_has, others)) if others else having
    found = list(dict.fromkeys(conn.scalars(query.limit(MOST_WORDS_OF * (most + 1)))))
    return found[:most], len(found) > most or (bool(others) and tally(conn, having, MOST_LOOKED_AT).is_more)


def _begins(table: Any, word: str) -> ColumnElement[bool]:
    return and_(table.c.word >= word, table.c.word < word + _BEHIND_ALL)


def _has(word: str) -> ColumnElement[bool]:
    other = customer_words.alias()
    return exists().where(other.c.customer_id == customer_words.c.customer_id, _begins(other, word))
