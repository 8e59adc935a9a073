"""Everything that a person sees of one case: who, what was said, what is promised, what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from itaca.contracts.events import Judgement
from itaca.contracts.ids import CaseId, CaseReference, CustomerId, MailId, PersonId
from itaca.contracts.intents import CaseKind, OutboxKind, PromiseKind
from itaca.mail.model import MailText
from itaca.storage.mails import load_texts
from itaca.storage.moments import from_micros
from itaca.storage.tables import (
    cancellations,
    case_events,
    case_mails,
    cases,
    customer_addresses,
    customers,
    evidence,
    mails,
    outbox,
    people,
    promises,
    readings,
)

MOST_MAILS = 100
MOST_EVENTS = 200
_SENT = (OutboxKind.ACKNOWLEDGEMENT.value, OutboxKind.REPLY.value)


@dataclass(frozen=True)
class CaseHead:
    """The case itself. ``version`` counts its events: whoever changes the case must have seen all."""

    id: CaseId
    reference: CaseReference
    kind: CaseKind
    matter: str
    status: str
    outcome: str | None
    owner_id: PersonId | None
    owner: str
    customer_id: CustomerId
    customer: str
    addresses: tuple[str, ...]
    opened_by: MailId
    language: str
    severity: int
    level: int
    contacts: int
    opened_at: datetime
    closed_at: datetime | None
    version: int

    @property
    def is_open(self) -> bool:
        return self.status == "open"


@dataclass(frozen=True)
class Promised:
    """One promise of the case."""

    id: str
    kind: PromiseKind
    state: str
    made_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    evidence: str


@dataclass(frozen=True)
class Received:
    """One mail of the case; ``judgement`` is what the machine said of it, if it did."""

    mail_id: MailId
    role: str
    received_at: datetime
    text: MailText
    judgement: Judgement | None


@dataclass(frozen=True)
class Sent:
    """One letter to the customer; ``payload`` holds what a person wrote."""

    outbox_id: str
    kind: OutboxKind
    state: str
    recipient: str
    created_at: datetime
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Happened:
    """One line of the history; ``actor`` is a stage's name, or a person's name."""

    id: str
    at: datetime
    kind: str
    actor: str
    mail_id: MailId | None
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class File:
    """One file that came with the case; ``position`` is its place among the files of its mail."""

    mail_id: MailId
    position: int
    name: str
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class CancellationState:
    """Where a cancellation stands."""

    state: str
    effective_at: datetime
    effected_at: datetime | None
    watch_until: datetime


def case_head(conn: Connection, reference: str) -> CaseHead | None:
    """Return the case with this reference, None if there is none."""
    query = (
        select(cases, customers.c.name.label("customer_name"), people.c.name.label("owner_name"))
        .join(customers, customers.c.id == cases.c.customer_id)
        .outerjoin(people, people.c.id == cases.c.owner_id)
        .where(cases.c.reference == reference.strip().upper())
    )
    row = conn.execute(query).first()
    if row is None:
        return None
    known = select(customer_addresses.c.address).where(customer_addresses.c.customer_id == row.customer_id)
    addresses = tuple(conn.scalars(known.order_by(customer_addresses.c.address).limit(20)))
    return CaseHead(
        id=CaseId(row.id),
        reference=CaseReference(row.reference),
        kind=CaseKind(row.kind),
        matter=row.matter,
        status=row.status,
        outcome=row.outcome,
        owner_id=None if row.owner_id is None else PersonId(row.owner_id),
        owner=row.owner_name or "",
        customer_id=CustomerId(row.customer_id),
        customer=row.customer_name or (addresses[0] if addresses else ""),
        addresses=addresses,
        opened_by=MailId(row.opened_by),
        language=row.language,
        severity=row.severity,
        level=row.level,
        contacts=row.contacts,
        opened_at=from_micros(row.opened_at),
        closed_at=None if row.closed_at is None else from_micros(row.closed_at),
        version=case_version(conn, CaseId(row.id)),
    )


def case_version(conn: Connection, case_id: CaseId) -> int:
    """Return how many events a case has: every change of a case writes one, and none is ever taken back."""
    return conn.execute(
        select(func.count()).select_from(case_events).where(case_events.c.case_id == case_id)
    ).scalar_one()


def case_promises(conn: Connection, case_id: CaseId) -> list[Promised]:
    """Return the promises of a case, the open ones first, then the newest."""
    query = select(promises).where(promises.c.case_id == case_id)
    found = [
        Promised(
            row.id,
            PromiseKind(row.kind),
            row.state,
            from_micros(row.made_at),
            None if row.due_at is None else from_micros(row.due_at),
            None if row.ended_at is None else from_micros(row.ended_at),
            row.evidence or "",
        )
        for row in conn.execute(query.order_by(promises.c.made_at.desc(), promises.c.id.desc()).limit(50))
    ]
    return sorted(found, key=lambda one: one.state != "open")


def received_mails(conn: Connection, case_id: CaseId, limit: int = MOST_MAILS) -> list[Received]:
    """Return the mail that opened a case, and at most ``limit`` of its newest, in the order of coming."""
    links = select(case_mails.c.mail_id, case_mails.c.role, mails.c.received_at).join(
        mails, mails.c.id == case_mails.c.mail_id
    )
    mine = links.where(case_mails.c.case_id == case_id)
    newest = mine.order_by(mails.c.received_at.desc(), mails.c.id.desc()).limit(limit)
    rows = list(reversed(conn.execute(newest).all()))
    opening = select(cases.c.opened_by).where(cases.c.id == case_id).scalar_subquery()
    first = conn.execute(mine.where(case_mails.c.mail_id == opening)).first()
    if first is not None and first.mail_id not in {row.mail_id for row in rows}:
        rows.insert(0, first)
    ids = [MailId(row.mail_id) for row in rows]
    texts, judged = load_texts(conn, ids), newest_judgements(conn, ids)
    return [
        Received(
            MailId(row.mail_id),
            row.role,
            from_micros(row.received_at),
            texts.get(MailId(row.mail_id), MailText(is_readable=False)),
            judged.get(MailId(row.mail_id)),
        )
        for row in rows
    ]


def newest_judgements(conn: Connection, mail_ids: Sequence[MailId]) -> dict[MailId, Judgement]:
    """Return what the machine said last of each mail."""
    query = select(readings.c.mail_id, readings.c.judgement).where(readings.c.mail_id.in_(mail_ids))
    rows = conn.execute(query.order_by(readings.c.read_at)) if mail_ids else ()
    return {MailId(row.mail_id): Judgement.model_validate(row.judgement) for row in rows}


def sent_letters(conn: Connection, case_id: CaseId, limit: int = MOST_MAILS) -> list[Sent]:
    """Return the newest letters to the customer because of this case, in order."""
    query = select(outbox).where(outbox.c.case_id == case_id, outbox.c.kind.in_(_SENT))
    rows = conn.execute(query.order_by(outbox.c.created_at.desc(), outbox.c.id.desc()).limit(limit)).all()
    return [
        Sent(row.id, OutboxKind(row.kind), row.state, row.recipient, from_micros(row.created_at), row.payload)
        for row in reversed(rows)
    ]


def count_said(conn: Connection, case_id: CaseId) -> int:
    """Return how many mails and letters a case has."""
    came = select(func.count()).select_from(case_mails).where(case_mails.c.case_id == case_id)
    left = select(func.count()).select_from(outbox).where(outbox.c.case_id == case_id, outbox.c.kind.in_(_SENT))
    return conn.execute(came).scalar_one() + conn.execute(left).scalar_one()


def case_history(conn: Connection, case_id: CaseId, limit: int = MOST_EVENTS) -> list[Happened]:
    """Return the newest events of a case, newest first."""
    query = (
        select(case_events, people.c.name)
        .outerjoin(people, people.c.id == case_events.c.actor)
        .where(case_events.c.case_id == case_id)
        .order_by(case_events.c.at.desc(), case_events.c.id.desc())
        .limit(limit)
    )
    return [
        Happened(
            row.id,
            from_micros(row.at),
            row.kind,
            row.name or row.actor,
            None if row.mail_id is None else MailId(row.mail_id),
            row.detail,
        )
        for row in conn.execute(query)
    ]


def news_since(conn: Connection, case_id: CaseId, version: int) -> list[Happened]:
    """Return what happened to a case after somebody saw this version of it, newest first."""
    missed = case_version(conn, case_id) - version
    return case_history(conn, case_id, min(missed, MOST_EVENTS)) if missed > 0 else []


def case_files(conn: Connection, case_id: CaseId) -> list[File]:
    """Return the files of a case, in the order in which they came."""
    query = select(evidence).where(evidence.c.case_id == case_id)
    rows = conn.execute(query.order_by(evidence.c.mail_id, evidence.c.position).limit(500))
    return [
        File(MailId(row.mail_id), row.position, row.name, row.content_type, row.size_bytes, row.sha256)
        for row in rows
    ]


def cancellation_of(conn: Connection, case_id: CaseId) -> CancellationState | None:
    """Return where the cancellation of this case stands, None if it is none."""
    columns = (cancellations.c.state, cancellations.c.effective_at, cancellations.c.effected_at)
    query = select(*columns, cancellations.c.watch_until).where(cancellations.c.case_id == case_id)
    row = conn.execute(query).first()
    if row is None:
        return None
    effected_at = None if row.effected_at is None else from_micros(row.effected_at)
    return CancellationState(row.state, from_micros(row.effective_at), effected_at, from_micros(row.watch_until))


def is_shown_in_case(conn: Connection, mail_id: MailId) -> bool:
    """Say whether the mail belongs to some case, or waits for a person's decision."""
    return conn.scalar(select(case_mails.c.mail_id).where(case_mails.c.mail_id == mail_id).limit(1)) is not None
