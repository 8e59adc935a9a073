"""What the courier must know to write: the mail that is answered, its cases, their owners and dates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from itaca.cases.people import Person
from itaca.contracts.ids import CaseId, CaseReference, MailId, PersonId
from itaca.contracts.intents import CaseKind, PromiseKind
from itaca.mail.model import Envelope, MailText
from itaca.storage.conditions import is_open_promise
from itaca.storage.mailboxes import newest_mailbox
from itaca.storage.mails import MailRow, load_mail
from itaca.storage.moments import from_micros
from itaca.storage.tables import case_events, cases, customer_addresses, people, promises


@dataclass(frozen=True)
class Matter:
    """One case as a letter speaks of it. ``owner`` is empty for an order; ``promise`` by ``due_at`` is owed."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    owner: str
    promise: PromiseKind | None
    due_at: datetime | None
    level: int
    reasons: tuple[str, ...]
    customer: str
    receipt: str = ""
    """Where the customer finds the signed receipt of a cancellation; empty where there is none."""


@dataclass(frozen=True)
class Context:
    """The mail a letter is about and its matters."""

    mail: MailRow
    text: MailText
    matters: Sequence[Matter]


def load_context(conn: Connection, mail_id: MailId, case_ids: Sequence[CaseId]) -> Context:
    """Return what is known now of the mail and the cases, in the order of ``case_ids``."""
    mail, text = load_mail(conn, mail_id)
    if not mail.envelope.recipients:
        mail = replace(mail, envelope=Envelope(sender=mail.envelope.sender, recipients=newest_mailbox(conn)))
    found: dict[str, Row[Any]] = {}
    for row in conn.execute(_cases_by_id(), {"ids": list(case_ids)}):
        found.setdefault(row.id, row)
    matters = [_matter(found[case_id], _reasons(conn, case_id)) for case_id in case_ids]
    return Context(mail, text or MailText(), matters)


def load_person(conn: Connection, person_id: PersonId) -> Person:
    """Return one colleague."""
    row = conn.execute(_person_by_id(), {"person_id": person_id}).one()
    return Person(person_id, row.name, row.email, row.team_id, tuple(row.languages))


def _matter(row: Row[Any], reasons: tuple[str, ...]) -> Matter:
    return Matter(
        CaseId(row.id),
        CaseReference(row.reference),
        CaseKind(row.kind),
        row.owner or "",
        PromiseKind(row.promise) if row.promise else None,
        from_micros(row.due_at) if row.due_at is not None else None,
        row.level,
        reasons,
        row.address or "",
    )


def _reasons(conn: Connection, case_id: CaseId) -> tuple[str, ...]:
    """Return the reasons of the newest event that has any."""
    for detail in conn.scalars(_newest_events(), {"case_id": case_id}):
        if detail.get("reasons"):
            return tuple(detail["reasons"])
    return ()


@cache
def _person_by_id() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    return select(people).where(people.c.id == bindparam("person_id"))


@cache
def _cases_by_id() -> Select[Any]:
    """Return the statement for cases with the open promise that is due first, in the first row of each."""
    addresses = customer_addresses.c
    address = select(addresses.address).where(addresses.customer_id == cases.c.customer_id)
    first = address.order_by(addresses.address).limit(1).scalar_subquery().label("address")
    return (
        select(cases, people.c.name.label("owner"), promises.c.due_at, promises.c.kind.label("promise"), first)
        .outerjoin(people, people.c.id == cases.c.owner_id)
        .outerjoin(promises, (promises.c.case_id == cases.c.id) & is_open_promise())
        .where(cases.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(promises.c.due_at)
    )


@cache
def _newest_events() -> Select[Any]:
    return (
        select(case_events.c.detail)
        .where(case_events.c.case_id == bindparam("case_id"))
        .order_by(case_events.c.at.desc(), case_events.c.id.desc())
        .limit(10)
    )
