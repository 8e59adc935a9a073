"""What must not be sent or charged: one indexed look, made to be asked before every send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, bindparam, or_, select, text, union

from itaca.cases.activities import normalised_code
from itaca.contracts.intents import CancellationEnd, CancellationState
from itaca.mail.model import EntityKind
from itaca.storage.moments import from_micros
from itaca.storage.tables import cancellations, cases, customer_addresses, customer_codes

MOST = 50
"""Cancellations of one customer that an answer names, the earliest first."""


class SuppressionKey(StrEnum):
    """By what a sender or biller knows the customer."""

    EMAIL = "email"
    CUSTOMER = "customer"
    CONTRACT = "contract"


@dataclass(frozen=True)
class Suppression:
    """A cancellation that binds. ``matter`` is the contract it names, empty for everything."""

    reference: str
    matter: str
    state: CancellationState
    requested_at: datetime
    effective_at: datetime


def find_suppressions(conn: Connection, key: SuppressionKey, value: str) -> Sequence[Suppression]:
    """Return the cancellations that bind for this address, customer code or contract, the earliest effect first.

    Those whose effect is still to come are among them. For a contract, cancellations that name another one are not;
    for an address or a customer code, all are.
    """
    known = value.strip().lower() if key is SuppressionKey.EMAIL else normalised_code(value)
    return [
        Suppression(
            row.reference,
            row.matter,
            CancellationState(row.state),
            from_micros(row.requested_at),
            from_micros(row.effective_at),
        )
        for row in conn.execute(_statements()[key], {"value": known})
    ]


@cache
def _statements() -> dict[SuppressionKey, Select[Any] | CompoundSelect[Any]]:
    """Built once: building one takes longer than running it."""
    address = _of_customer().join(customer_addresses, customer_addresses.c.customer_id == cases.c.customer_id)
    by_code = _of_customer().join(customer_codes, customer_codes.c.customer_id == cases.c.customer_id)
    is_named = customer_codes.c.value == bindparam("value")
    is_code = customer_codes.c.kind == EntityKind.CUSTOMER_CODE.value
    is_contract = customer_codes.c.kind == EntityKind.CONTRACT_NUMBER.value
    fits = or_(cases.c.matter == "", cases.c.matter == bindparam("value"))
    by_matter = _of_customer().where(
        text("cases.kind = 'cancellation' AND cases.matter <> ''"), cases.c.matter == bindparam("value")
    )
    either = union(by_code.where(is_contract, is_named, fits), by_matter)
    return {
        SuppressionKey.EMAIL: _limited(address.where(customer_addresses.c.address == bindparam("value"))),
        SuppressionKey.CUSTOMER: _limited(by_code.where(is_code, is_named)),
        SuppressionKey.CONTRACT: either.order_by("effective_at").limit(MOST),
    }


def _of_customer() -> Select[Any]:
    return (
        select(
            cases.c.reference,
            cases.c.matter,
            cancellations.c.state,
            cancellations.c.requested_at,
            cancellations.c.effective_at,
        )
        .select_from(cases)
        .join(cancellations, cancellations.c.case_id == cases.c.id)
        .where(binds())
    )


def _limited(query: Select[Any]) -> Select[Any]:
    return query.order_by(cancellations.c.effective_at).limit(MOST)


def binds() -> ColumnElement[bool]:
    """The condition under which a cancellation binds: see ``Cancellation.holds``."""
    return or_(cancellations.c.ended_as.is_(None), cancellations.c.ended_as == CancellationEnd.WATCHED.value)
