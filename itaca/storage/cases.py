"""What people do with cases: look at them, keep their promises, close them with an outcome."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, select, update

from itaca.cases.cancellations import Step
from itaca.contracts.ids import CaseId, CaseReference
from itaca.contracts.intents import CaseKind, CaseOutcome
from itaca.errors import PermanentError
from itaca.storage import tables
from itaca.storage.asks import refuse_open_asks
from itaca.storage.cancellations import is_binding, load_effect, note_effect, step
from itaca.storage.conditions import is_closed_case, is_open_case, is_open_promise
from itaca.storage.desk_lists import open_ids
from itaca.storage.entries import Entries
from itaca.storage.moments import dated, from_micros

_NO_CANCELLATION = (CaseOutcome.REJECTED, CaseOutcome.NOT_A_MATTER, CaseOutcome.MERGED)


@dataclass(frozen=True)
class CaseLine:
    """One case as a list shows it. ``due_at`` is the date of the promise that breaks first, if one is open."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    status: str
    outcome: str | None
    owner: str
    customer: str
    severity: int
    level: int
    contacts: int
    opened_at: datetime
    due_at: datetime | None


def list_cases(
    conn: Connection, *, kind: CaseKind | None = None, owner_email: str = "", is_open: bool = True, limit: int = 100
) -> list[CaseLine]:
    """Return cases, what breaks first on top; closed ones, if asked for, the newest first."""
    cases, people = tables.cases, tables.people
    owner_id = conn.scalar(select(people.c.id).where(people.c.email == owner_email)) if owner_email else None
    if owner_email and owner_id is None:
        return []
    if is_open:
        ids = open_ids(conn, owner_id, tuple(CaseKind) if kind is None else (kind,), limit=limit)
        query = _lines().where(cases.c.id.in_(ids)).order_by(cases.c.breaks_at, cases.c.id)
    else:
        ended = _lines().where(is_closed_case()).order_by(cases.c.closed_at.desc(), cases.c.id)
        of_kind = ended if kind is None else ended.where(cases.c.kind == kind.value)
        query = (of_kind if owner_id is None else of_kind.where(cases.c.owner_id == owner_id)).limit(limit)
    return [_line(row) for row in conn.execute(query)]


def find_case(conn: Connection, reference: str) -> CaseLine:
    """Return the case with this reference.

    Raises:
        PermanentError: there is none.
    """
    row = conn.execute(_lines().where(tables.cases.c.reference == reference.strip().upper())).first()
    if row is None:
        raise PermanentError(f"no case has the reference {reference}")
    return _line(row)


def history(conn: Connection, case_id: CaseId) -> Sequence[Any]:
    """Return the events of a case in order: at (microseconds), kind, actor, mail_id, detail."""
    events = tables.case_events
    query = select(events.c.at, events.c.kind, events.c.actor, events.c.mail_id, events.c.detail)
    return conn.execute(query.where(events.c.case_id == case_id).order_by(events.c.at, events.c.id)).all()


def evidence_of(conn: Connection, case_id: CaseId) -> Sequence[Any]:
    """Return the files of a case: name, content_type, size_bytes, sha256 (hex)."""
    table = tables.evidence
    query = select(table.c.name, table.c.content_type, table.c.size_bytes, table.c.sha256)
    return conn.execute(query.where(table.c.case_id == case_id).order_by(table.c.mail_id, table.c.position)).all()


def keep_promises(
    conn: Connection, case_id: CaseId, evidence: str, now: datetime, rng: random.Random, actor: str
) -> int:
    """Keep the open promises of a case, with what proves it; return how many there were.

    For a cancellation this is its effect: from now on, if not from its announced date, it is watched.

    Raises:
        PermanentError: no evidence is given.
    """
    entries = Entries(now, rng, actor)
    kept = _keep(conn, entries, case_id, evidence)
    if kept and is_binding(conn, case_id):
        note_effect(conn, entries, case_id, now, evidence)
    entries.write(conn)
    return kept


def close_case(
    conn: Connection,
    case_id: CaseId,
    outcome: CaseOutcome,
    evidence: str,
    now: datetime,
    rng: random.Random,
    actor: str,
) -> bool:
    """Close a case with its outcome, keeping what is still promised by the same evidence; False if closed already.

    A cancellation is watched from now on at the latest, unless the outcome says that it never was one.

    Raises:
        PermanentError: no evidence is given, or an ask of the customer is open (``itaca.storage.asks.tick``).
    """
    entries = Entries(now, rng, actor)
    closed = close_in(conn, entries, case_id, outcome, evidence)
    entries.write(conn)
    return closed


def close_in(conn: Connection, entries: Entries, case_id: CaseId, outcome: CaseOutcome, evidence: str) -> bool:
    """Do what ``close_case`` does among these entries, which the caller writes.

    Raises:
        PermanentError: no evidence is given, or an ask of the customer is open (``itaca.storage.asks.tick``).
    """
    refuse_open_asks(conn, entries, case_id, outcome is CaseOutcome.NOT_A_MATTER)
    # The case before its promises, as all do who hold it: two that end one at once never wait for each other.
    ended = {"which": case_id, "outcome": outcome.value, "closed_at": entries.at}
    closed = conn.execute(_closing(), ended).rowcount
    _keep(conn, entries, case_id, evidence)
    if closed:
        _end_cancellation(conn, entries, case_id, outcome, evidence)
        entries.event(case_id, "closed", None, {"outcome": outcome.value, "evidence": evidence})
    return bool(closed)


def _keep(conn: Connection, entries: Entries, case_id: CaseId, evidence: str) -> int:
    if not evidence.strip():
        raise PermanentError("a promise is kept by something: say what proves it")
    ended = {"which": case_id, "ended_at": entries.at, "evidence": evidence}
    kept = conn.execute(_keeping(), ended).rowcount
    if kept:
        entries.event(case_id, "promise_kept", None, {"evidence": evidence})
    return kept


def _end_cancellation(
    conn: Connection, entries: Entries, case_id: CaseId, outcome: CaseOutcome, evidence: str
) -> None:
    """Watch the cancellation of a case that is closed, or end it when it never was one.

    What took effect is one, even if a later protest in its case was refused or merged. What was none stays none when
    the customer writes again and is answered; that it took effect nobody may say then.
    """
    is_none = outcome is CaseOutcome.NOT_A_MATTER
    if is_none or (outcome in _NO_CANCELLATION and load_effect(conn, case_id) is None):
        step(conn, case_id, Step.DISMISSED)
    elif outcome is CaseOutcome.EFFECTED or is_binding(conn, case_id):
        note_effect(conn, entries, case_id, entries.now, evidence)


@cache
def _closing() -> Update:
    """Every order ends by these two; built once, as building takes longer than running."""
    cases = tables.cases
    is_open = update(cases).where(cases.c.id == bindparam("which"), is_open_case())
    return is_open.values(status="closed", outcome=bindparam("outcome"), closed_at=bindparam("closed_at"))


@cache
def _keeping() -> Update:
    promises = tables.promises
    is_open = update(promises).where(promises.c.case_id == bindparam("which"), is_open_promise())
    return is_open.values(state="kept", ended_at=bindparam("ended_at"), evidence=bindparam("evidence"))


def _lines() -> Any:
    cases, people, customers = tables.cases, tables.people, tables.customers
    first_address = (
        select(tables.customer_addresses.c.address)
        .where(tables.customer_addresses.c.customer_id == cases.c.customer_id)
        .order_by(tables.customer_addresses.c.address)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            cases,
            people.c.name.label("owner"),
            customers.c.name.label("customer_name"),
            first_address.label("address"),
        )
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
    )


def _line(row: Row[Any]) -> CaseLine:
    return CaseLine(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        status=row.status,
        outcome=row.outcome,
        owner=row.owner or "(order system)",
        customer=row.customer_name or row.address or "(no sender)",
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        opened_at=from_micros(row.opened_at),
        due_at=dated(row.breaks_at),
    )
