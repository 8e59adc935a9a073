"""What other systems report, kept once and held against the cancellations in force."""

import random
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from itaca.cases.actions import AppendToCase
from itaca.cases.activities import Activity, find_violated, hold_against, normalised_code
from itaca.cases.model import KnownCase
from itaca.cases.people import Roster
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseId, MailId
from itaca.contracts.intents import ActivityKind, CancellationState, CaseKind, OutboxKind
from itaca.errors import PermanentError
from itaca.mail.model import EntityKind
from itaca.storage import tables
from itaca.storage.codec import storable
from itaca.storage.entries import Entries
from itaca.storage.moments import to_micros
from itaca.storage.people import load_roster
from itaca.storage.standing import known_case

VIOLATION, CLEAR, UNKNOWN = "violation", "clear", "unknown"
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
        if known.content != content:
            raise PermanentError(f"{activity.system} reported something else under this id before")
        return Reported(known.id, known.verdict, known.reference or "", False, activity.kind)
    entries = Entries(now, rng, actor)
    activity_id = entries.new_id()
    customers = _customers(conn, activity)
    violated = find_violated(activity, _cancelled(conn, activity, customers))
    if violated is not None:
        _reopen(conn, entries, activity_id, activity, violated, policy)
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
    entries.write(conn)
    return Reported(activity_id, verdict, violated.reference if violated else "", True, activity.kind)


def _content(activity: Activity) -> dict[str, str]:
    told = {**asdict(activity), "kind": activity.kind.value, "happened_at": activity.happened_at.isoformat()}
    return {name: storable(str(value)) for name, value in told.items() if value}


def _customers(conn: Connection, activity: Activity) -> set[str]:
    """Return everybody whom the address or a code names; a contract may be known by its cancellation alone."""
    found: set[str] = set()
    addresses, codes = tables.customer_addresses, tables.customer_codes
    if activity.email:
        address = activity.email.strip().lower()
        found |= set(conn.scalars(select(addresses.c.customer_id).where(addresses.c.address == address)))
    for kind, value in (
        (EntityKind.CUSTOMER_CODE, activity.customer),
        (EntityKind.CONTRACT_NUMBER, activity.contract),
    ):
        if value:
            is_code = (codes.c.kind == kind.value) & (codes.c.value == normalised_code(value))
            found |= set(conn.scalars(select(codes.c.customer_id).where(is_code)))
    return found


def _cancelled(conn: Connection, activity: Activity, customers: set[str]) -> list[KnownCase]:
    """Return the watched cancellations of these customers or of this contract, locked, the oldest first."""
    cases, cancellations = tables.cases, tables.cancellations
    named: list[ColumnElement[bool]] = [cases.c.customer_id.in_(customers)] if customers else []
    if activity.contract:
        named.append(cases.c.matter == normalised_code(activity.contract))
    if not named:
        return []
    query = (
        select(cases, cancellations.c.effective_at, cancellations.c.watch_until)
        .join(cancellations, cancellations.c.case_id == cases.c.id)
        .where(cases.c.kind == CaseKind.CANCELLATION.value, or_(*named))
        .where(cancellations.c.state != CancellationState.CLOSED.value)
        .order_by(cases.c.opened_at.desc(), cases.c.id.desc())
        .limit(_MOST_CASES)
        .with_for_update(of=cases)
    )
    return [known_case(row) for row in reversed(conn.execute(query).all())]


def _reopen(
    conn: Connection, entries: Entries, activity_id: str, activity: Activity, case: KnownCase, policy: Policy
) -> None:
    cases, cancellations = tables.cases, tables.cancellations
    query = select(cancellations.c.violations).where(cancellations.c.case_id == case.id)
    violations = conn.execute(query).scalar_one()
    roster = load_roster(conn, policy.calendar.today(entries.now))
    action = hold_against(case, activity, violations, roster, policy, entries.now)
    entries.raise_case(case.id, action.severity, action.level, case.contacts, action.promise)
    entries.violate(case.id)
    if action.level > case.level:
        entries.escalate(case.id)
    opened_by = MailId(conn.execute(select(cases.c.opened_by).where(cases.c.id == case.id)).scalar_one())
    by_whom = {"activity": activity_id, "activity_kind": activity.kind.value, "system": activity.system}
    entries.event(case.id, "violated", None, {"reasons": list(action.reasons), **by_whom})
    _tell(entries, action, activity_id, opened_by, roster)


def _tell(entries: Entries, action: AppendToCase, activity_id: str, mail_id: MailId, roster: Roster) -> None:
    for person_id in action.notify:
        key = f"notice:{action.case_id}:activity:{activity_id}:{person_id}"
        payload = {"event": "violated", "person_id": person_id}
        email = roster.people[person_id].email
        entries.leave(OutboxKind.NOTICE, key, CaseId(action.case_id), mail_id, email, payload)
