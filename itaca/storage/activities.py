"""What other systems report, kept once and held against the cancellations in force.

A cancellation holds for ever: a charge a year after its watch is as wrong as one in it, and reopens its case.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select

from itaca.cases.activities import Activity, find_violated, normalised_code
from itaca.cases.model import KnownCase
from itaca.cases.policy import Policy
from itaca.contracts.intents import ActivityKind
from itaca.errors import PermanentError
from itaca.mail.model import Entity, EntityKind, MailText
from itaca.storage import tables
from itaca.storage.codec import storable
from itaca.storage.conditions import has_matter
from itaca.storage.entries import Entries
from itaca.storage.moments import to_micros
from itaca.storage.salted import ADDRESS, CONTRACT, CUSTOMER, erased_matter, load_salt, salted
from itaca.storage.standing import known_case, lock_writers
from itaca.storage.violations import VIOLATION, Against, in_force

CLEAR, UNKNOWN = "clear", "unknown"
_MOST_CASES = 500


@dataclass(frozen=True)
class Reported:
    """What became of a report. ``unknown``: nobody in the ledger is named by it; ``reference`` is of the case that a
    violation reopened; ``is_new`` is False for a report that was known."""

    id: str
    verdict: str
    reference: str
    is_new: bool
    kind: ActivityKind


def report_activity(
    conn: Connection, activity: Activity, now: datetime, policy: Policy, rng: random.Random, actor: str
) -> Reported:
    """Keep a report, and reopen the case of the cancellation that it violates; twice equals once.

    Raises:
        PermanentError: the system reported something else under this id before.
    """
    table = tables.activities
    content = _content(activity)
    known = conn.execute(
        select(table, tables.cases.c.reference)
        .outerjoin(tables.cases, tables.cases.c.id == table.c.case_id)
        .where(table.c.system == activity.system, table.c.external_id == activity.external_id)
    ).one_or_none()
    if known is not None:
        # Of an erased customer's activity nothing is left to compare with.
        if known.content and known.content != content:
            raise PermanentError(f"{activity.system} reported something else under this id before")
        return Reported(known.id, known.verdict, known.reference or "", False, activity.kind)
    entries = Entries(now, rng, actor)
    activity_id = entries.new_id()
    lock_writers(conn, [_as_written(activity)])
    salt = load_salt(conn)
    customers = _customers(conn, activity, salt)
    violated = find_violated(activity, _cancelled(conn, activity, customers, salt))
    if violated is not None:
        against = Against.of(conn, entries, violated, policy)
        against.tell(conn, against.hold(activity_id, activity), activity_id)
    verdict = VIOLATION if violated else (CLEAR if customers else UNKNOWN)
    conn.execute(
        insert(table).values(
            id=activity_id,
            system=activity.system,
            external_id=activity.external_id,
            kind=activity.kind.value,
            happened_at=to_micros(activity.happened_at),
            reported_at=entries.at,
            reported_by=actor,
            content=content,
            verdict=verdict,
            case_id=violated.id if violated else None,
        )
    )
    conn.execute(insert(tables.activity_subjects), list(_subjects(activity_id, activity)))
    entries.write(conn)
    return Reported(activity_id, verdict, violated.reference if violated else "", True, activity.kind)


def _as_written(activity: Activity) -> MailText:
    """Return the names of a report as a mail has them: whoever opens their cancellation now looks for this report."""
    codes = ((EntityKind.CUSTOMER_CODE, activity.customer), (EntityKind.CONTRACT_NUMBER, activity.contract))
    named = tuple(Entity(kind=kind, value=normalised_code(value)) for kind, value in codes if value)
    return MailText(sender=activity.email.strip().lower(), entities=named)


def _content(activity: Activity) -> dict[str, str]:
    told = {**asdict(activity), "kind": activity.kind.value, "happened_at": activity.happened_at.isoformat()}
    return {name: storable(str(value)) for name, value in told.items() if value}


def _subjects(activity_id: str, activity: Activity) -> Iterator[dict[str, Any]]:
    """Return to whom it was done, by each name that the report gives."""
    named = {
        "email": activity.email.strip().lower(),
        "customer": normalised_code(activity.customer),
        "contract": normalised_code(activity.contract),
    }
    row = {"happened_at": to_micros(activity.happened_at), "activity_id": activity_id}
    return ({"kind": kind, "value": storable(value), **row} for kind, value in named.items() if value)


def _customers(conn: Connection, activity: Activity, salt: bytes) -> set[str]:
    """Return everybody whom the address or a code names; a contract may be known by its cancellation alone."""
    found: set[str] = set()
    addresses, codes, erased = tables.customer_addresses, tables.customer_codes, tables.erased_keys
    if activity.email:
        address = activity.email.strip().lower()
        found |= set(conn.scalars(select(addresses.c.customer_id).where(addresses.c.address == address)))
    for kind, value in ((CUSTOMER, activity.customer), (CONTRACT, activity.contract)):
        if value:
            is_code = (codes.c.kind == kind) & (codes.c.value == normalised_code(value))
            found |= set(conn.scalars(select(codes.c.customer_id).where(is_code)))
    named = ((ADDRESS, activity.email), (CUSTOMER, activity.customer), (CONTRACT, activity.contract))
    hashes = [salted(salt, kind, value) for kind, value in named if salt and value]
    if hashes:
        found |= set(conn.scalars(select(erased.c.customer_id).where(erased.c.hash.in_(hashes))))
    return found


def _cancelled(conn: Connection, activity: Activity, customers: set[str], salt: bytes) -> list[KnownCase]:
    """Return the cancellations in force of these customers or of this contract, locked, the oldest first."""
    cases = tables.cases
    named: list[ColumnElement[bool]] = [cases.c.customer_id.in_(customers)] if customers else []
    contract = normalised_code(activity.contract)
    hashed = erased_matter(salt, contract)
    if contract:
        named.append(and_(has_matter(), cases.c.matter.in_([contract, hashed] if hashed else [contract])))
    if not named:
        return []
    query = in_force().where(or_(*named)).order_by(cases.c.opened_at.desc(), cases.c.id.desc()).limit(_MOST_CASES)
    found = [known_case(row) for row in reversed(conn.execute(query).all())]
    return [replace(case, matter=contract) if hashed and case.matter == hashed else case for case in found]
