"""Cases as other systems read them: one by its reference, many by pages, their history by pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, Select, func, select, union_all

from itaca.contracts.ids import CaseId, CaseReference
from itaca.contracts.intents import CaseKind, CaseStatus
from itaca.storage.conditions import is_closed_case, is_of_kind, is_open_case
from itaca.storage.moments import dated, from_micros
from itaca.storage.tables import case_events, case_mails, cases, customer_addresses, customers, mergers, people


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
    """One case. ``owner`` is an address, empty for an order that its system has; ``due_at`` what breaks first.

    ``merged_into``: the case in which it goes on; None unless two were made one.
    """

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    status: CaseStatus
    outcome: str | None
    merged_into: CaseReference | None
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
    """Return a page of cases, the newest first; ids sort by the time of opening.

    Each kind and state that is wanted is one walk along an index, and none is longer than the page.
    """
    walks = [query.order_by(cases.c.id.desc()).limit(wanted.limit) for query in _walks(conn, wanted)]
    if not walks:
        return []
    every = union_all(*(select(one.subquery()) for one in walks)).subquery()
    ids = conn.scalars(select(every.c.id).order_by(every.c.id.desc()).limit(wanted.limit)).all()
    query = _views().where(cases.c.id.in_(ids)).order_by(cases.c.id.desc())
    return [_view(row) for row in conn.execute(query)]


def _walks(conn: Connection, wanted: CasePage) -> list[Select[Any]]:
    """Return what to walk along; nothing when nobody has the address that is asked for."""
    query = select(cases.c.id)
    if wanted.before:
        query = query.where(cases.c.id < wanted.before)
    for email, column, known in (
        (wanted.customer_email, cases.c.customer_id, _customer_of),
        (wanted.owner_email, cases.c.owner_id, _person_of),
    ):
        found = conn.scalar(known(email.lower())) if email else None
        if email and found is None:
            return []
        query = query if found is None else query.where(column == found)
    if not (wanted.kind or wanted.status or wanted.owner_email):
        return [query]
    kinds = CaseKind if wanted.kind is None else (wanted.kind,)
    states = CaseStatus if wanted.status is None else (wanted.status,)
    open_or_closed = {CaseStatus.OPEN: is_open_case, CaseStatus.CLOSED: is_closed_case}
    return [query.where(is_of_kind(kind), open_or_closed[state]()) for kind in kinds for state in states]


def _customer_of(email: str) -> Select[Any]:
    return select(customer_addresses.c.customer_id).where(customer_addresses.c.address == email)


def _person_of(email: str) -> Select[Any]:
    return select(people.c.id).where(people.c.email == email)


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
    return (
        select(
            cases,
            people.c.email.label("owner"),
            customers.c.name.label("customer_name"),
            address.label("address"),
            _going_on().label("merged_into"),
        )
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
    )


def _going_on() -> ScalarSelect[Any]:
    """Return the reference of the case in which a merged one goes on."""
    remaining = cases.alias("remaining")
    into = select(remaining.c.reference).join(mergers, mergers.c.into_id == remaining.c.id)
    return into.where(mergers.c.case_id == cases.c.id).scalar_subquery()


def _view(row: Row[Any]) -> CaseView:
    return CaseView(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        status=CaseStatus(row.status),
        outcome=row.outcome,
        merged_into=None if row.merged_into is None else CaseReference(row.merged_into),
        matter=row.matter,
        owner=row.owner or "",
        customer=row.address or row.customer_name,
        language=row.language,
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        opened_at=from_micros(row.opened_at),
        closed_at=None if row.closed_at is None else from_micros(row.closed_at),
        due_at=dated(row.breaks_at),
    )
