"""Everything that one customer and we said to each other, whatever the way, on one page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from itaca.contracts.ids import CaseReference, CustomerId, MailId
from itaca.mail.model import MailText
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.paging import PAGE, Page, Place, cut, from_place
from itaca.storage.tables import (
    cases,
    customer_addresses,
    customer_codes,
    customers,
    interactions,
    mail_texts,
    outbox,
)

_MOST_CHARS = 600
_MOST_CODES = 50


@dataclass(frozen=True)
class Customer:
    """Who it is. ``codes``: kind and value of the numbers under which they are known."""

    id: CustomerId
    name: str
    since: datetime
    addresses: tuple[str, ...]
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Contact:
    """One interaction. ``who`` wrote or spoke; ``files``: how many came with it; ``reference`` of its case, if any.

    ``text`` is what was said, at most 600 characters; ``is_cut``: there was more.
    """

    id: str
    at: datetime
    channel: str
    is_ours: bool
    who: str
    subject: str
    text: str
    is_cut: bool
    files: int
    outcome: str
    reference: CaseReference | None
    mail_id: MailId | None


def load_customer(conn: Connection, customer_id: str) -> Customer | None:
    """Return a customer, None if there is none with this id."""
    row = conn.execute(select(customers).where(customers.c.id == customer_id)).first()
    if row is None:
        return None
    addresses = select(customer_addresses.c.address).where(customer_addresses.c.customer_id == customer_id)
    codes = (
        select(customer_codes.c.kind, customer_codes.c.value)
        .where(customer_codes.c.customer_id == customer_id)
        .order_by(customer_codes.c.kind, customer_codes.c.value)
        .limit(_MOST_CODES)
    )
    return Customer(
        CustomerId(row.id),
        row.name,
        from_micros(row.since),
        tuple(conn.scalars(addresses.order_by(customer_addresses.c.address).limit(_MOST_CODES))),
        tuple((kind, value) for kind, value in conn.execute(codes)),
    )


def said_where(line: Contact) -> str:
    """Return the place of a line in the history, ``<microseconds>.<id>``."""
    return f"{to_micros(line.at)}.{line.id}"


def customer_history(
    conn: Connection, customer_id: CustomerId, place: Place | None = None, limit: int = PAGE
) -> Page[Contact]:
    """Return a page of what was said, the newest first; walks the index of the customer's interactions.

    Args:
        place: by moment and id of an interaction.
        limit: lines of a page.
    """
    table = interactions
    query = (
        select(table, mail_texts.c.text.label("said"), outbox.c.payload, cases.c.reference)
        .outerjoin(mail_texts, mail_texts.c.mail_id == table.c.mail_id)
        .outerjoin(outbox, outbox.c.id == table.c.outbox_id)
        .outerjoin(cases, cases.c.id == table.c.case_id)
        .where(table.c.customer_id == customer_id)
    )
    query = from_place(query, (table.c.at, table.c.id), place, limit + 1, is_newest_first=True)
    return cut([_contact(row) for row in conn.execute(query)], place, limit)


def _contact(row: Row[Any]) -> Contact:
    said = MailText.model_validate(row.said) if row.said else MailText()
    letter = row.payload or {}
    text = said.new_text or str(letter.get("text", ""))
    return Contact(
        id=row.id,
        at=from_micros(row.at),
        channel=row.channel,
        is_ours=row.direction == "out",
        who=said.sender_name or said.sender or str(letter.get("person", "")),
        subject=said.subject or str(letter.get("subject", "")),
        text=text[:_MOST_CHARS],
        is_cut=len(text) > _MOST_CHARS,
        files=len(said.attachments),
        outcome=row.outcome,
        reference=None if row.reference is None else CaseReference(row.reference),
        mail_id=None if row.mail_id is None else MailId(row.mail_id),
    )
