"""What somebody finds in the morning: their cases by what breaks first, mail to decide, what came back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from itaca.contracts.ids import CaseId, CaseReference, CustomerId, PersonId
from itaca.contracts.intents import CaseKind
from itaca.mail.model import MailText
from itaca.storage.conditions import is_open_case, is_open_promise
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import (
    audit_samples,
    case_events,
    cases,
    customer_addresses,
    customers,
    mail_texts,
    people,
    promises,
)

CAME_BACK = ("appended", "reopened", "violated", "promise_broken", "report", "reply_failed")
_WORDS = 160


@dataclass(frozen=True)
class DayLine:
    """One case as a list shows it. ``due_at``: the promise that breaks first; ``says``: how its first mail begins."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    owner: str
    customer: str
    subject: str
    says: str
    severity: int
    level: int
    contacts: int
    opened_at: datetime
    is_open: bool
    outcome: str
    due_at: datetime | None


@dataclass(frozen=True)
class Return:
    """Something that happened to one of my cases since I last worked."""

    at: datetime
    kind: str
    reference: CaseReference
    customer: str


def my_cases(conn: Connection, owner_id: PersonId, limit: int = 200) -> list[DayLine]:
    """Return my open cases except mail to decide, what breaks first on top; reads one index of open cases."""
    query = _lines().where(is_open_case(), cases.c.owner_id == owner_id, cases.c.kind != CaseKind.REVIEW.value)
    return [_line(row) for row in conn.execute(query.order_by(promises.c.due_at, cases.c.id).limit(limit))]


def all_cases(conn: Connection, after: tuple[int, str] | None, limit: int = 50) -> list[DayLine]:
    """Return open cases of everybody by what breaks first, from a place on; walks the index of open promises.

    Args:
        after: the date (microseconds) and case of the last line seen.
    """
    query = _lines().where(is_open_promise(), cases.c.kind != CaseKind.REVIEW.value)
    if after is not None:
        at, case_id = after
        later = (promises.c.due_at > at) | ((promises.c.due_at == at) & (cases.c.id > case_id))
        query = query.where(promises.c.due_at >= at, later)
    return [_line(row) for row in conn.execute(query.order_by(promises.c.due_at, cases.c.id).limit(limit))]


def find_cases(conn: Connection, words: str, limit: int = 50) -> list[DayLine]:
    """Return the cases, open or closed, that a reference or a customer's address names; newest first."""
    asked = words.strip()
    by_address = select(customer_addresses.c.customer_id).where(customer_addresses.c.address == asked.lower())
    query = _lines().where((cases.c.reference == asked.upper()) | cases.c.customer_id.in_(by_address))
    return [_line(row) for row in conn.execute(query.order_by(cases.c.opened_at.desc()).limit(limit))]


def cases_of(conn: Connection, customer_id: CustomerId, limit: int = 50) -> list[DayLine]:
    """Return the cases of one customer, open ones first, then the newest."""
    query = _lines().where(cases.c.customer_id == customer_id)
    ordered = query.order_by(cases.c.status.desc(), cases.c.opened_at.desc()).limit(limit)
    return [_line(row) for row in conn.execute(ordered)]


def reviews_waiting(conn: Connection, owner_id: PersonId) -> tuple[int, int]:
    """Return how many mails wait for my decision, and how many of the blind check for anybody's."""
    mine = select(func.count()).select_from(cases).where(is_open_case(), cases.c.owner_id == owner_id)
    blind = select(func.count()).select_from(audit_samples).where(audit_samples.c.checked_at.is_(None))
    decided = mine.where(cases.c.kind == CaseKind.REVIEW.value)
    return conn.execute(decided).scalar_one(), conn.execute(blind).scalar_one()


def came_back(conn: Connection, owner_id: PersonId, since: datetime, limit: int = 20) -> list[Return]:
    """Return what happened to my open cases since then, newest first."""
    query = (
        select(case_events.c.at, case_events.c.kind, cases.c.reference, customers.c.name, _address().label("address"))
        .join(cases, cases.c.id == case_events.c.case_id)
        .join(customers, customers.c.id == cases.c.customer_id)
        .where(is_open_case(), cases.c.owner_id == owner_id)
        .where(case_events.c.at > to_micros(since), case_events.c.kind.in_(CAME_BACK))
        .order_by(case_events.c.at.desc(), case_events.c.id.desc())
        .limit(limit)
    )
    return [
        Return(from_micros(row.at), row.kind, CaseReference(row.reference), row.name or row.address or "")
        for row in conn.execute(query)
    ]


def _address() -> Any:
    return (
        select(customer_addresses.c.address)
        .where(customer_addresses.c.customer_id == cases.c.customer_id)
        .order_by(customer_addresses.c.address)
        .limit(1)
        .correlate(cases)
        .scalar_subquery()
    )


def first_promise() -> Any:
    """Return the open promise of a case that breaks first, for a join."""
    other = promises.alias("other")
    return (
        select(other.c.id)
        .where(other.c.case_id == cases.c.id, other.c.state == "open")
        .order_by(other.c.due_at, other.c.id)
        .limit(1)
        .correlate(cases)
        .scalar_subquery()
    )


def _lines() -> Select[Any]:
    return (
        select(
            cases,
            customers.c.name.label("customer_name"),
            people.c.name.label("owner_name"),
            promises.c.due_at,
            mail_texts.c.text.label("opening"),
            _address().label("address"),
        )
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
        .outerjoin(promises, promises.c.id == first_promise())
        .outerjoin(mail_texts, mail_texts.c.mail_id == cases.c.opened_by)
    )


def _line(row: Row[Any]) -> DayLine:
    text = MailText.model_validate(row.opening) if row.opening else MailText()
    says = " ".join(text.new_text.split())
    return DayLine(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        owner=row.owner_name or "",
        customer=row.customer_name or row.address or "",
        subject=text.subject,
        says=says if len(says) <= _WORDS else says[:_WORDS].rsplit(" ", 1)[0] + " …",
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        opened_at=from_micros(row.opened_at),
        is_open=row.status == "open",
        outcome=row.outcome or "",
        due_at=from_micros(row.due_at) if row.due_at is not None else None,
    )
