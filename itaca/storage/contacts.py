"""Contacts that we made: a call, a letter, a visit to the customer, kept in their case and in their history."""

import random
from datetime import datetime

from sqlalchemy import Connection

from itaca.cases.interactions import Interaction
from itaca.contracts.ids import MailId, PersonId
from itaca.contracts.intents import MailOutcome
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage import tables
from itaca.storage.desk_case import case_head
from itaca.storage.entries import Entries
from itaca.storage.interactions import keep_contact, listed
from itaca.storage.moments import to_micros

CONTACTED = "contacted"


def record_outgoing(
    conn: Connection, contact: Interaction, now: datetime, rng: random.Random, person_id: PersonId
) -> MailId:
    """Keep what we said to the customer of the case that ``contact.reference`` names; return what it is kept as.

    It is our word, so it is no contact of the customer: it raises nothing, and reopens nothing. It stands in the
    case as a report does, with its files as evidence. ``contact.name`` is who spoke for us.

    Raises:
        PermanentError: no case has its reference; RecordedBeforeError: it was recorded before.
    """
    head = case_head(conn, contact.reference)
    if head is None:
        raise PermanentError(f"no case has the reference {contact.reference}")
    text = MailText(
        subject=contact.subject,
        new_text=contact.summary,
        language=contact.language,
        sender_name=contact.name,
        attachments=listed(contact),
    )
    mail_id = keep_contact(conn, contact, text, now, rng)
    entries = Entries(now, rng, person_id)
    entries.settle(mail_id, MailOutcome.NOTED)
    entries.row(tables.case_mails, case_id=head.id, mail_id=mail_id, role="report")
    for position, file in enumerate(text.attachments):
        listed_file = {"name": file.name, "content_type": file.content_type, "size_bytes": file.size_bytes}
        entries.row(
            tables.evidence,
            case_id=head.id,
            mail_id=mail_id,
            position=position,
            sha256=file.sha256,
            **listed_file,
        )
    entries.event(head.id, CONTACTED, mail_id, {"channel": contact.channel.value, "says": contact.subject})
    entries.row(
        tables.interactions,
        id=entries.new_id(),
        customer_id=head.customer_id,
        case_id=head.id,
        mail_id=mail_id,
        outbox_id=None,
        direction="out",
        channel=contact.channel.value,
        at=to_micros(contact.at),
        outcome=CONTACTED,
    )
    entries.write(conn)
    return mail_id
