"""Cases as other systems read them: one by its reference, many by pages, their history by pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from itaca.contracts.ids import CaseId, CaseReference
from itaca.contracts.intents import CaseKind, CaseStatus
from itaca.storage.moments import from_micros
from itaca.storage.tables import case_events, case_mails, cases, customer_addresses, customers, people, promises


@dataclass(frozen=True)
class CasePage:
    """Which cases: those with all of what is given, before the case with this id, newest first."""

    kind: CaseKind | None = None
    status: CaseStatus | None = None
    owner_email: str = ""
    customer_email: str = ""
    before: str = ""
    limit: int = 50


@dataclass(frozen=True)
class CaseView:
    """One case. ``owner`` is an address, empty for an order that its system has; ``due_at`` what breaks first."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    status: CaseStatus
    outcome: str | None
    matter: str
    owner: str
    customer: str
    language: str
    severity: int
    level: int
    contacts: int
    opened_at: datetime
    closed_at: datetime | None
    due_at: datetime | None


@dataclass(frozen=True)
class HistoryLine:
    """One event of a case."""

    id: str
    at: datetime
    kind: str
    actor: str
    mail_id: str | None
    detail: dict[str, Any]


def case_page(conn: Connection, wanted: CasePage) -> Sequence[CaseView]:
    """Return a page of cases, the newest first; ids sort by the time of opening."""
    query = _views().order_by(cases.c.id.desc()).limit(wanted.limit)
    if wanted.kind is not None:
        query = query.where(cases.c.kind == wanted.kind.value)
    if wanted.status is not None:
        query = query.where(cases.c.status == wanted.status.value)
    if wanted.owner_email:
        query = query.where(people.c.email == wanted.owner_email.lower())
    if wanted.customer_email:
        address = customer_addresses.c.address == wanted.customer_email.lower()
        query = query.where(cases.c.customer_id.in_(select(customer_addresses.c.customer_id).where(address)))
    if wanted.before:
        query = query.where(cases.c.id < wanted.before)
    return [_view(row) for row in conn.execute(query)]


def view_case(conn: Connection, reference: str, for_update: bool = False) -> CaseView | None:
    """Return one case; None if there is none with this reference."""
    query = _views().where(cases.c.reference == reference.strip().upper())
    row = conn.execute(query.with_for_update(of=cases) if for_update else query).one_or_none()
    return None if row is None else _view(row)


def history_page(conn: Connection, case_id: CaseId, after: str = "", limit: int = 50) -> Sequence[HistoryLine]:
    """Return events of a case in the order of their making, those after the event with this id."""
    query = select(case_events).where(case_events.c.case_id == case_id)
    if after:
        query = query.where(case_events.c.id > after)
    return [
        HistoryLine(row.id, from_micros(row.at), row.kind, row.actor, row.mail_id, row.detail)
        for row in conn.execute(query.order_by(case_events.c.id).limit(limit))
    ]


def references_of_mail(conn: Connection, mail_id: str) -> Sequence[tuple[CaseReference, str]]:
    """Return the cases that a mail stands in, each with its role there."""
    query = select(cases.c.reference, case_mails.c.role).join(cases, cases.c.id == case_mails.c.case_id)
    rows = conn.execute(query.where(case_mails.c.mail_id == mail_id).order_by(cases.c.id))
    return [(CaseReference(row.reference), row.role) for row in rows]


def _views() -> Select[Any]:
    address = (
        select(func.min(customer_addresses.c.address))
        .where(customer_addresses.c.customer_id == cases.c.customer_id)
        .scalar_subquery()
    )
    due_at = (
        select(func.min(promises.c.due_at))
        .where(promises.c.case_id == cases.c.id, promises.c.state == "open")
        .scalar_subquery()
    )
    return (
        select(
            cases,
            people.c.email.label("owner"),
            customers.c.name.label("customer_name"),
            address.label("address"),
            due_at.label("due_at"),
        )
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
    )


def _view(row: Row[Any]) -> CaseView:
    return CaseView(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        status=CaseStatus(row.status),
        outcome=row.outcome,
        matter=row.matter,
        owner=row.owner or "",
        customer=row.address or row.customer_name,
        language=row.language,
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        opened_at=from_micros(row.opened_at),
        closed_at=None if row.closed_at is None else from_micros(row.closed_at),
        due_at=None if row.due_at is None else from_micros(row.due_at),
    )
