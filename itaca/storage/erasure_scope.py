"""What the ledger holds about one customer, and what of it is still under way."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, exists, func, or_, select

from itaca.contracts.ids import CaseId, CustomerId, MailId
from itaca.contracts.intents import CancellationState
from itaca.errors import PermanentError
from itaca.storage.conditions import is_open_case, is_open_promise, is_unsent
from itaca.storage.salted import ADDRESS, CONTRACT, CUSTOMER, load_salt, salted
from itaca.storage.tables import (
    cancellations,
    case_mails,
    cases,
    customer_addresses,
    customer_codes,
    customers,
    erased_keys,
    interactions,
    mail_texts,
    mails,
    outbox,
    promises,
)

T = TypeVar("T", bound=str)
_AT_ONCE = 500
_TAKES_PART = ("opened", "appended")
_NOT_DONE = [state.value for state in CancellationState if state.value in ("requested", "receipted", "handed")]


@dataclass(frozen=True)
class Scope:
    """One customer: their names, their cases, and the mails that they wrote or that report on our letters to them."""

    customer_id: CustomerId
    name: str
    addresses: tuple[str, ...]
    codes: tuple[tuple[str, str], ...]
    cases: tuple[CaseId, ...]
    mails: tuple[MailId, ...]


def find_customer(conn: Connection, key: str) -> CustomerId:
    """Return the customer with this id, address, customer code, contract number or case reference, erased or not.

    Raises:
        PermanentError: nobody has it, or several customers have; their ids are named.
    """
    found = sorted(set(_named(conn, key.strip())))
    if not found:
        raise PermanentError(f"no customer is known by {key}")
    if len(found) > 1:
        raise PermanentError(f"{key} may be any of these customers; say which: {', '.join(found)}")
    return CustomerId(found[0])


def _named(conn: Connection, key: str) -> Iterator[str]:
    salt = load_salt(conn)
    hashes = [salted(salt, kind, key) for kind in (ADDRESS, CUSTOMER, CONTRACT)]
    yield from conn.scalars(select(customers.c.id).where(customers.c.id == key.lower()))
    yield from conn.scalars(select(cases.c.customer_id).where(cases.c.reference == key.upper()))
    addresses, codes = customer_addresses, customer_codes
    yield from conn.scalars(select(addresses.c.customer_id).where(addresses.c.address == key.lower()))
    code = "".join(key.split()).upper()
    yield from conn.scalars(
        select(codes.c.customer_id).where(codes.c.kind.in_((CUSTOMER, CONTRACT)), codes.c.value == code)
    )
    yield from conn.scalars(select(erased_keys.c.customer_id).where(erased_keys.c.hash.in_(hashes)))


def load_scope(conn: Connection, customer_id: CustomerId) -> Scope:
    """Return what belongs to a customer.

    Raises:
        PermanentError: nobody has this id.
    """
    name = conn.scalar(select(customers.c.name).where(customers.c.id == customer_id))
    if name is None:
        raise PermanentError(f"no customer has the id {customer_id}")
    addresses = customer_addresses
    known = conn.scalars(select(addresses.c.address).where(addresses.c.customer_id == customer_id)).all()
    codes = select(customer_codes.c.kind, customer_codes.c.value).where(customer_codes.c.customer_id == customer_id)
    own = conn.scalars(select(cases.c.id).where(cases.c.customer_id == customer_id).order_by(cases.c.id)).all()
    return Scope(
        customer_id,
        name,
        tuple(sorted(known)),
        tuple((kind, value) for kind, value in conn.execute(codes.order_by(*codes.selected_columns))),
        tuple(CaseId(one) for one in own),
        _mails(conn, customer_id),
    )


def _mails(conn: Connection, customer_id: CustomerId) -> tuple[MailId, ...]:
    """Return the mails of this customer's history, from these addresses, and those that took part in the cases.

    A report on a letter of ours belongs to the case's customer; what another customer wrote does not, even where it
    is shown beside the case.
    """
    written = select(interactions.c.mail_id).where(
        interactions.c.customer_id == customer_id, interactions.c.mail_id.is_not(None)
    )
    sent = (
        select(mail_texts.c.mail_id)
        .join(customer_addresses, customer_addresses.c.address == mail_texts.c.sender)
        .where(customer_addresses.c.customer_id == customer_id)
    )
    of_another = exists().where(
        mail_texts.c.mail_id == case_mails.c.mail_id,
        customer_addresses.c.address == mail_texts.c.sender,
        customer_addresses.c.customer_id != customer_id,
    )
    joined = (
        select(case_mails.c.mail_id)
        .join(cases, cases.c.id == case_mails.c.case_id)
        .where(cases.c.customer_id == customer_id, or_(case_mails.c.role.in_(_TAKES_PART), ~of_another))
    )
    return tuple(MailId(one) for one in conn.scalars(written.union(sent, joined).order_by("mail_id")))


def under_way(conn: Connection, scope: Scope) -> list[str]:
    """Return a sentence for each thing that must end before this customer can be erased, and how it ends."""
    return [
        *_open_cases(conn, scope),
        *_cases_of_others(conn, scope),
        *_mails_under_way(conn, scope),
        *_unsent(conn, scope),
    ]


def _open_cases(conn: Connection, scope: Scope) -> Iterator[str]:
    own = cases.c.customer_id == scope.customer_id
    still_open = select(cases.c.reference, cases.c.kind).where(own).where(is_open_case())
    for row in conn.execute(still_open.order_by(cases.c.id)):
        yield f"{row.reference} ({row.kind}) is open: close it with its outcome"
    promised = select(cases.c.reference).distinct().join(promises, promises.c.case_id == cases.c.id)
    owed = promised.where(own, cases.c.status == "closed").where(is_open_promise())
    yield from (f"something is still promised in {one}: keep it" for one in conn.scalars(owed))
    waiting = select(cases.c.reference).join(cancellations, cancellations.c.case_id == cases.c.id)
    undone = waiting.where(own, cases.c.status == "closed", cancellations.c.state.in_(_NOT_DONE))
    yield from (f"the cancellation {one} has not taken effect: confirm its effect" for one in conn.scalars(undone))


def _cases_of_others(conn: Connection, scope: Scope) -> Iterator[str]:
    """Name the open cases of others that rest on mails of this customer: a case of theirs was merged into one."""
    held = select(cases.c.reference).join(case_mails, case_mails.c.case_id == cases.c.id)
    elsewhere = held.where(cases.c.customer_id != scope.customer_id, case_mails.c.role.in_(_TAKES_PART))
    found = {
        one
        for part in in_parts(scope.mails)
        for one in conn.scalars(elsewhere.where(case_mails.c.mail_id.in_(part)).where(is_open_case()))
    }
    yield from (
        f"what they wrote goes on in {one}, which is open: close it with its outcome" for one in sorted(found)
    )


def _mails_under_way(conn: Connection, scope: Scope) -> Iterator[str]:
    """Count the mails without an outcome: read ones are known by their sender, unread ones by the envelope."""
    known = [mails.c.id.in_(part) for part in in_parts(scope.mails)]
    if scope.addresses:
        known.append(func.lower(mails.c.envelope_from).in_(scope.addresses))
    unsettled = {one for condition in known for one in conn.scalars(_unsettled(condition))}
    if unsettled:
        yield f"{len(unsettled)} mails have no outcome yet: wait until `itaca audit` shows none in progress"


def _unsettled(condition: ColumnElement[bool]) -> Select[Any]:
    return select(mails.c.id).where(mails.c.settled_at.is_(None), condition)


def _unsent(conn: Connection, scope: Scope) -> Iterator[str]:
    waiting = {
        one
        for column, ids in ((outbox.c.case_id, scope.cases), (outbox.c.mail_id, scope.mails))
        for part in in_parts(ids)
        for one in conn.scalars(select(outbox.c.id).where(column.in_(part)).where(is_unsent()))
    }
    if waiting:
        yield f"{len(waiting)} letters or messages have not left yet: wait until the outbox is empty"


def in_parts(ids: Sequence[T], at_once: int = _AT_ONCE) -> Iterator[Sequence[T]]:
    """Cut a list into what one statement, or one look, takes."""
    return (ids[start : start + at_once] for start in range(0, len(ids), at_once))
