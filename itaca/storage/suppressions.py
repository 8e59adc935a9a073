"""What must not be sent or charged: one indexed look, made to be asked before every send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Row, Select, bindparam, or_, select, text, union

from itaca.cases.activities import normalised_code
from itaca.contracts.intents import CancellationEnd, CancellationState
from itaca.mail.model import EntityKind
from itaca.storage.moments import from_micros
from itaca.storage.salted import ADDRESS, CONTRACT, CUSTOMER, ERASED, erased_matter, load_salt, salted
from itaca.storage.tables import cancellations, cases, customer_addresses, customer_codes, erased_keys

MOST = 50
"""Cancellations of one customer that an answer names, the earliest first."""


class SuppressionKey(StrEnum):
    """By what a sender or biller knows the customer."""

    EMAIL = "email"
    CUSTOMER = "customer"
    CONTRACT = "contract"


_KNOWN_AS = {
    SuppressionKey.EMAIL: ADDRESS,
    SuppressionKey.CUSTOMER: CUSTOMER,
    SuppressionKey.CONTRACT: CONTRACT,
}


@dataclass(frozen=True)
class Suppression:
    """A cancellation that binds. ``matter`` is the contract it names, empty for everything.

    Of an erased customer it is a salted hash, unless the question named the contract.
    """

    reference: str
    matter: str
    state: CancellationState
    requested_at: datetime
    effective_at: datetime


def find_suppressions(conn: Connection, key: SuppressionKey, value: str) -> Sequence[Suppression]:
    """Return the cancellations that bind for this address, customer code or contract, the earliest effect first.

    Those whose effect is still to come are among them. For a contract, cancellations that name another one are not;
    for an address or a customer code, all are. They bind whoever was erased as well: the name is then found by its
    salted hash.
    """
    known = value.strip().lower() if key is SuppressionKey.EMAIL else normalised_code(value)
    rows = list(conn.execute(_statements()[key], {"value": known}))
    salt = load_salt(conn)
    if salt:
        names = {"hash": salted(salt, _KNOWN_AS[key], known), "matter": erased_matter(salt, known)}
        rows += conn.execute(_hashed(key), names)
    found = {row.reference: row for row in rows}
    asked = known if key is SuppressionKey.CONTRACT else ""
    return sorted((_suppression(row, asked) for row in found.values()), key=lambda one: one.effective_at)[:MOST]


def _suppression(row: Row[Any], contract: str) -> Suppression:
    """Name the contract that was asked for where the ledger knows only its hash."""
    return Suppression(
        row.reference,
        contract if contract and row.matter.startswith(ERASED) else row.matter,
        CancellationState(row.state),
        from_micros(row.requested_at),
        from_micros(row.effective_at),
    )


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


@cache
def _hashed(key: SuppressionKey) -> Select[Any] | CompoundSelect[Any]:
    """Return the statement that knows an erased customer by a hash; a contract also by the matter of its case."""
    named = _of_customer().join(erased_keys, erased_keys.c.customer_id == cases.c.customer_id)
    named = named.where(erased_keys.c.hash == bindparam("hash"))
    if key is not SuppressionKey.CONTRACT:
        return _limited(named)
    fits = or_(cases.c.matter == "", cases.c.matter == bindparam("matter"))
    by_matter = _of_customer().where(
        text("cases.kind = 'cancellation' AND cases.matter <> ''"), cases.c.matter == bindparam("matter")
    )
    return union(named.where(fits), by_matter).order_by("effective_at").limit(MOST)


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
