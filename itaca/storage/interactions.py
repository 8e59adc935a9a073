"""Contacts by other ways in the ledger: kept as mail is, routed by the same rules, in one transaction."""

import hashlib
import random
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from itaca.cases.activities import normalised_code
from itaca.cases.decision import decide
from itaca.cases.interactions import Interaction, judged
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.contracts.ids import CaseReference, CustomerId, MailId, uuid7
from itaca.contracts.intents import CaseKind, Intent, MailOutcome
from itaca.errors import PermanentError
from itaca.mail.digest import mail_digest
from itaca.mail.model import Attachment, Entity, EntityKind, Envelope, MailText
from itaca.mail.recorded import recorded_mail
from itaca.storage import tables
from itaca.storage.codec import CODEC, compress, storable
from itaca.storage.effects import Effects
from itaca.storage.entries import Entries
from itaca.storage.mailboxes import newest_mailbox
from itaca.storage.mails import save_texts
from itaca.storage.moments import to_micros
from itaca.storage.people import load_roster
from itaca.storage.standing import Writers, load_writers, lock_writers
from itaca.storage.violations import hold_opened

_INTENT = {
    CaseKind.COMPLAINT: Intent.COMPLAINT,
    CaseKind.CANCELLATION: Intent.CANCELLATION,
}


class RecordedBeforeError(PermanentError):
    """The very same contact is in the ledger already."""


@dataclass(frozen=True)
class Recorded:
    """What became of a contact: the mail it is kept as, its outcome, and the cases it opened or joined."""

    mail_id: MailId
    outcome: MailOutcome
    references: tuple[CaseReference, ...]


def record_interaction(
    conn: Connection, contact: Interaction, now: datetime, policy: Policy, rng: random.Random, actor: str
) -> Recorded:
    """Keep a contact as evidence and route it as a mail with the same words would be.

    Raises:
        RecordedBeforeError: it was recorded before.
        PermanentError: no case has its reference, or nobody its customer code.
        TransientError: nobody can own a case (no active person).
    """
    text = _text(conn, contact)
    mail_id = keep_contact(conn, contact, text, now, rng)
    entries = Entries(now, rng, actor)
    today = policy.calendar.today(now)
    lock_writers(conn, [text])
    writers = load_writers(conn, [text], load_roster(conn, today))
    # Promised from now on: a call of last week that is recorded today can still be answered in time.
    mail = MailFacts(mail_id, now, text, judged(_intents(contact, writers)))
    standing = _standing(writers, mail, contact)
    decision = decide(mail, standing, policy)
    effects = Effects(conn, entries, writers, today, rng)
    # What a person said is no reading of a model: it stands in the history, and drift is not reckoned from it.
    effects.apply(replace(mail, judgement=None), standing, decision)
    for row in entries.rows(tables.interactions):
        row.update(channel=contact.channel.value, at=to_micros(contact.at))
    entries.write(conn)
    hold_opened(conn, entries, policy)
    joined = writers.by_mail[mail_id]
    return Recorded(mail_id, decision.outcome, tuple(writers.cases[case_id].reference for case_id in joined))


def _text(conn: Connection, contact: Interaction) -> MailText:
    """Return the contact as what would have been read of a mail by the customer it names."""
    entities = []
    sender = contact.email.strip().lower()
    if contact.customer:
        entities.append(Entity(kind=EntityKind.CUSTOMER_CODE, value=normalised_code(contact.customer)))
    if contact.reference:
        entities.append(Entity(kind=EntityKind.CASE_REFERENCE, value=contact.reference.strip().upper()))
        known = _address_of_case(conn, contact.reference)
        sender = sender or known
    return MailText(
        subject=contact.subject or contact.summary.strip().split("\n", 1)[0][:120],
        new_text=contact.summary,
        language=contact.language,
        sender=sender,
        sender_name=contact.name,
        reply_to_address=contact.email.strip().lower() if contact.acknowledges else "",
        entities=tuple(entities),
        attachments=listed(contact),
    )


def listed(contact: Interaction) -> tuple[Attachment, ...]:
    """Return the files of a contact as a mail lists them, each with its hash."""
    return tuple(
        Attachment(
            name=one.name,
            content_type=one.content_type,
            size_bytes=len(one.content),
            sha256=hashlib.sha256(one.content).hexdigest(),
        )
        for one in contact.files
    )


def _address_of_case(conn: Connection, reference: str) -> str:
    cases, addresses = tables.cases, tables.customer_addresses
    query = select(cases.c.customer_id).where(cases.c.reference == reference.strip().upper())
    customer = conn.execute(query).scalar()
    if customer is None:
        raise PermanentError(f"no case has the reference {reference}")
    address = select(addresses.c.address).where(addresses.c.customer_id == customer).order_by(addresses.c.address)
    return str(conn.execute(address.limit(1)).scalar() or "")


def keep_contact(conn: Connection, contact: Interaction, text: MailText, now: datetime, rng: random.Random) -> MailId:
    """Store it as a mail that was read: its bytes are evidence, and the books count it; the caller settles it.

    Raises:
        RecordedBeforeError: it was recorded before.
    """
    files = [(one.name, one.content_type, one.content) for one in contact.files]
    whose = f"{contact.email} {contact.customer} {contact.reference} {contact.name}".strip()
    raw = recorded_mail(contact.channel.value, contact.at, text.subject, f"{whose}\n\n{contact.summary}", files)
    envelope = Envelope(sender="", recipients=newest_mailbox(conn))
    digest = mail_digest(envelope, raw)
    mails = tables.mails
    if conn.execute(select(mails.c.id).where(mails.c.digest == digest)).scalar() is not None:
        raise RecordedBeforeError("the very same contact was recorded before")
    mail_id = MailId(uuid7(now, rng))
    row: dict[str, Any] = {
        "id": mail_id,
        "digest": digest,
        "received_at": to_micros(now),
        "envelope_from": envelope.sender,
        "envelope_to": list(envelope.recipients),
        "client": storable(contact.channel.value),
        "size_bytes": len(raw),
        "drive_at": to_micros(now),
    }
    conn.execute(insert(mails).values(row))
    conn.execute(insert(tables.raw_mails).values(mail_id=mail_id, codec=CODEC, raw=compress(raw)))
    save_texts(conn, [(mail_id, text)])
    return mail_id


def _intents(contact: Interaction, writers: Writers) -> frozenset[Intent]:
    """Return what the recorder says; of a call about a case without more, what the case is about."""
    case_id = writers.by_reference.get(contact.reference.strip().upper())
    if contact.intents or case_id is None:
        return contact.intents
    intent = _INTENT.get(writers.cases[case_id].kind)
    return frozenset() if intent is None else frozenset({intent})


def _standing(writers: Writers, mail: MailFacts, contact: Interaction) -> Standing:
    """Return the customer's standing; who records a contact vouches for whose it is, as an address does in a mail."""
    standing = writers.standing_of(mail)
    customer = standing.customer_id or _named(writers, contact)
    if customer is None or standing.customer_id is not None:
        if contact.customer and customer is None:
            raise PermanentError("nobody has this customer code: give an address too")
        return standing
    own = [case for case in writers.cases.values() if case.customer_id == customer]
    return replace(
        standing,
        customer_id=customer,
        open_cases=[case for case in own if case.is_open],
        cancellations=[c for c in own if c.kind is CaseKind.CANCELLATION and c.watch_until is not None],
        verified=frozenset(case.id for case in standing.linked if case.customer_id == customer),
    )


def _named(writers: Writers, contact: Interaction) -> CustomerId | None:
    case_id = writers.by_reference.get(contact.reference.strip().upper())
    if case_id is not None:
        return writers.cases[case_id].customer_id
    if contact.email:
        return None
    return writers.by_code.get((EntityKind.CUSTOMER_CODE.value, normalised_code(contact.customer)))
