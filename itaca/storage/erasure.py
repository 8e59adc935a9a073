"""Erasure of a customer: what is under way refuses it, what is settled loses its words, a tombstone stays.

The tombstone is written first: the triggers of the database let words go only where one stands, and let none stand
for a mail without an outcome or an open case. Everything happens in one transaction, so that the books balance before
and after and at no moment know half of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from itaca.contracts.ids import CaseId, CustomerId, MailId
from itaca.errors import PermanentError
from itaca.mail.model import Entity, EntityKind, MailText
from itaca.storage.codec import storable
from itaca.storage.erasure_scope import Scope, in_parts, load_scope, under_way
from itaca.storage.erasure_words import forget_activities, forget_words
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.salted import ADDRESS, CONTRACT, CUSTOMER, keep_salt, salted
from itaca.storage.standing import lock_writers
from itaca.storage.tables import (
    activities,
    activity_subjects,
    cases,
    customer_addresses,
    customer_codes,
    customers,
    erased_cases,
    erased_keys,
    erased_mails,
    erasures,
)
from itaca.storage.upsert import insert_new

_SUBJECTS = {"email": ADDRESS, "customer": CUSTOMER, "contract": CONTRACT}


class UnderWayError(PermanentError):
    """Something of the customer's has not ended; ``what`` says what, and how it ends, one sentence each."""

    def __init__(self, what: Sequence[str]) -> None:
        super().__init__(f"nothing was erased. {'; '.join(what)}")
        self.what = tuple(what)


@dataclass(frozen=True)
class Tombstone:
    """What is left of an erasure: when, by whom, why, of how much. ``customer_id`` is None for a class of old mail.

    ``hashes`` are of the addresses, customer codes and contracts that led to the customer, salted by this ledger.
    """

    id: str
    at: datetime
    by: str
    reason: str
    customer_id: CustomerId | None
    mails: int
    cases: int
    hashes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """Who wants something erased, and why. ``chance`` becomes the salt of a ledger that erases for the first time."""

    id: str
    at: datetime
    by: str
    reason: str
    chance: bytes


def erase_customer(conn: Connection, customer_id: CustomerId, order: Order) -> Tombstone:
    """Forget everything personal about a customer, and return the tombstone; once erased, the one that stands.

    What remains: the entries in the books, states, dates, counts, and the hashes by which a cancellation in force is
    still found. Who came back after an erasure, or was sent something, is erased again by a tombstone more.

    Raises:
        UnderWayError: something is under way; nothing was erased.
        PermanentError: nobody has this id, or no reason is given.
    """
    if not order.reason.strip():
        raise PermanentError("an erasure has a reason: who asked for it, and when")
    scope = _hold(conn, customer_id)
    open_things = under_way(conn, scope)
    if open_things:
        raise UnderWayError(open_things)
    mails, own = _not_erased(conn, scope)
    known = tombstones(conn, customer_id)
    if known and not (mails or own or scope.addresses or scope.codes):
        return known[-1]
    salt = keep_salt(conn, order.chance)
    write_tombstone(conn, order, "customer", mails, own, customer_id=customer_id)
    _forget_names(conn, scope, order.id, salt)
    forget_words(conn, order.id, salt)
    return tombstones(conn, customer_id)[-1]


def write_tombstone(
    conn: Connection,
    order: Order,
    kind: str,
    mails: Sequence[MailId],
    own: Sequence[CaseId],
    customer_id: CustomerId | None = None,
    until: int | None = None,
) -> None:
    """Write what may be forgotten from now on; the database refuses mails without an outcome and open cases."""
    counts = {"mails": len(mails), "cases": len(own)}
    said = {"by": order.by, "reason": storable(order.reason.strip()), "customer_id": customer_id, "until": until}
    conn.execute(insert(erasures).values(id=order.id, kind=kind, at=to_micros(order.at), **said, **counts))
    if mails:
        conn.execute(insert(erased_mails), [{"mail_id": one, "erasure_id": order.id} for one in mails])
    for case_id in own:
        conn.execute(delete(erased_cases).where(erased_cases.c.case_id == case_id))
    if own:
        conn.execute(insert(erased_cases), [{"case_id": one, "erasure_id": order.id} for one in own])


def tombstones(conn: Connection, customer_id: CustomerId | None = None) -> list[Tombstone]:
    """Return the tombstones of a customer, or of all customers, the oldest first."""
    query = select(erasures).where(erasures.c.kind == "customer").order_by(erasures.c.id)
    if customer_id is not None:
        query = query.where(erasures.c.customer_id == customer_id)
    return [_tombstone(conn, row) for row in conn.execute(query).all()]


def is_erased(conn: Connection, mail_id: MailId) -> bool:
    """Say whether of this mail only the entry in the books is left."""
    return bool(erased_among(conn, [mail_id]))


def erased_among(conn: Connection, mail_ids: Sequence[MailId]) -> set[MailId]:
    """Return those of which only the entry in the books is left."""
    return {MailId(one) for one in conn.scalars(_erased_among(), {"ids": list(mail_ids)})}


@cache
def _erased_among() -> Select[Any]:
    return select(erased_mails.c.mail_id).where(erased_mails.c.mail_id.in_(bindparam("ids", expanding=True)))


def _tombstone(conn: Connection, row: Row[Any]) -> Tombstone:
    hashes = conn.scalars(
        select(erased_keys.c.hash).where(erased_keys.c.erasure_id == row.id).order_by(erased_keys.c.hash)
    )
    return Tombstone(
        row.id,
        from_micros(row.at),
        row.by,
        row.reason,
        row.customer_id,
        row.mails,
        row.cases,
        tuple(hashes),
    )


def _hold(conn: Connection, customer_id: CustomerId) -> Scope:
    """Keep routers from deciding about this customer's mail meanwhile, as they keep each other from it."""
    named = load_scope(conn, customer_id)
    entities = tuple(Entity(kind=EntityKind(kind), value=value) for kind, value in named.codes)
    lock_writers(conn, [MailText(entities=entities), *(MailText(sender=one) for one in named.addresses)])
    conn.execute(select(cases.c.id).where(cases.c.customer_id == customer_id).with_for_update())
    return load_scope(conn, customer_id)


def _not_erased(conn: Connection, scope: Scope) -> tuple[list[MailId], list[CaseId]]:
    """Return the mails that have their words, and the cases that were never erased or came back since."""
    gone = {one for part in in_parts(scope.mails) for one in erased_among(conn, part)}
    unchanged = (
        select(cases.c.id)
        .join(erased_cases, erased_cases.c.case_id == cases.c.id)
        .join(erasures, erasures.c.id == erased_cases.c.erasure_id)
        .where(cases.c.customer_id == scope.customer_id, cases.c.closed_at <= erasures.c.at)
    )
    closed = set(conn.scalars(unchanged))
    return [one for one in scope.mails if one not in gone], [one for one in scope.cases if one not in closed]


def _forget_names(conn: Connection, scope: Scope, erasure_id: str, salt: bytes) -> None:
    """Replace the names of a customer by their hashes, and forget what other systems reported under them."""
    names = {(ADDRESS, address) for address in scope.addresses} | {
        (kind, value) for kind, value in scope.codes if kind in (CUSTOMER, CONTRACT)
    }
    for kind, value in sorted(names):
        row = {"hash": salted(salt, kind, value), "customer_id": scope.customer_id, "erasure_id": erasure_id}
        conn.execute(insert_new(conn, erased_keys, key=("hash", "customer_id")).values(row))
    cancelled = select(cases.c.matter).where(cases.c.customer_id == scope.customer_id, cases.c.kind == "cancellation")
    names |= {(CONTRACT, matter) for matter in conn.scalars(cancelled.where(cases.c.matter != ""))}
    for kind, known_as in _SUBJECTS.items():
        values = [value for name, value in names if name == known_as]
        subjects = select(activity_subjects.c.activity_id).where(
            activity_subjects.c.kind == kind, activity_subjects.c.value.in_(values)
        )
        ids = conn.scalars(subjects).all()
        forget_activities(conn, select(activities.c.id).where(activities.c.id.in_(ids)))
    for table in (customer_addresses, customer_codes):
        conn.execute(delete(table).where(table.c.customer_id == scope.customer_id))
    conn.execute(update(customers).where(customers.c.id == scope.customer_id).values(name=""))
