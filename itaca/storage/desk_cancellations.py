"""The register of cancellations as people read it: whose it is, its receipt, who carried it out, what went wrong."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, text

from itaca.contracts.intents import CancellationState
from itaca.storage.cancellations import Register, register_of
from itaca.storage.conditions import is_violated
from itaca.storage.paging import PAGE, Page, Place, cut, from_place
from itaca.storage.tables import cancellations, cases, customer_addresses, customers, people, receipts


class Shown(StrEnum):
    """Which cancellations: all, those that something violated, or those in one state."""

    ALL = "all"
    VIOLATED = "violated"
    REQUESTED = CancellationState.REQUESTED.value
    RECEIPTED = CancellationState.RECEIPTED.value
    HANDED = CancellationState.HANDED.value
    EFFECTED = CancellationState.EFFECTED.value
    WATCHED = CancellationState.WATCHED.value
    CLOSED = CancellationState.CLOSED.value


@dataclass(frozen=True)
class RegisterLine:
    """One line of the register. ``receipt``: the token of its signed receipt, empty while none is issued."""

    register: Register
    customer_id: str
    customer: str
    owner: str
    receipt: str


def register_page(
    conn: Connection, shown: Shown, place: Place | None = None, limit: int = PAGE
) -> Page[RegisterLine]:
    """Return a page of the register, the newest first; each choice walks an index of its own.

    Args:
        place: by the id of a case.
        limit: lines of a page.
    """
    wanted = select(cancellations.c.case_id)
    if shown is Shown.VIOLATED:
        wanted = wanted.where(is_violated())
    elif shown is not Shown.ALL:
        wanted = wanted.where(text(f"cancellations.state = '{shown.value}'"))
    walk = from_place(wanted, (cancellations.c.case_id,), place, limit + 1, is_newest_first=True)
    page = cut(conn.scalars(walk).all(), place, limit)
    found = {row.case_id: _line(row) for row in conn.execute(_lines(), {"ids": page.lines})}
    return Page([found[case_id] for case_id in page.lines], page.has_previous, page.has_next)


def _line(row: Row[Any]) -> RegisterLine:
    customer = row.customer or row.address or ""
    return RegisterLine(register_of(row), row.customer_id, customer, row.owner or "", row.receipt or "")


@cache
def _lines() -> Select[Any]:
    """Statements that are often asked are built once."""
    address = (
        select(func.min(customer_addresses.c.address))
        .where(customer_addresses.c.customer_id == cases.c.customer_id)
        .correlate(cases)
        .scalar_subquery()
    )
    return (
        select(
            cancellations,
            cases.c.reference,
            cases.c.matter,
            cases.c.status,
            cases.c.customer_id,
            customers.c.name.label("customer"),
            address.label("address"),
            people.c.name.label("owner"),
            receipts.c.token.label("receipt"),
        )
        .join(cases, cases.c.id == cancellations.c.case_id)
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
        .outerjoin(receipts, receipts.c.case_id == cancellations.c.case_id)
        .where(cancellations.c.case_id.in_(bindparam("ids", expanding=True)))
    )
