"""Receipts in the ledger: one for each cancellation, signed once, found by a token that cannot be guessed."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from itaca.cases.receipts import Content, Signed, Signer
from itaca.contracts.ids import CaseId, MailId
from itaca.keys import parse_key, read_key_file
from itaca.settings import SharedSettings
from itaca.storage.mails import load_raw
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import cancellations, cases, erased_mails, receipts
from itaca.storage.upsert import insert_new

KEY_FILE = "receipts.key"


@dataclass(frozen=True)
class Receipt:
    """One receipt, with the token by which its holder finds it."""

    token: str
    signed: Signed


def issue_receipt(
    conn: Connection, case_id: CaseId, organisation: str, signer: Signer, now: datetime
) -> Receipt | None:
    """Return the receipt of a case's cancellation, which is signed at the first call; None if the case has none.

    Of an erased customer there is none any more: the customer's own copy, which is signed, proves as much without us.
    """
    known = conn.execute(select(receipts).where(receipts.c.case_id == case_id)).one_or_none()
    if known is not None:
        return Receipt(known.token, Signed(known.document, known.signature, known.public_key))
    query = (
        select(cases.c.reference, cases.c.matter, cases.c.opened_by, cancellations)
        .join(cancellations, cancellations.c.case_id == cases.c.id)
        .where(cases.c.id == case_id)
    )
    erased = select(erased_mails.c.mail_id).where(erased_mails.c.mail_id == cases.c.opened_by)
    row = conn.execute(query.where(~erased.exists())).one_or_none()
    if row is None:
        return None
    content = Content(
        organisation,
        row.reference,
        row.matter,
        from_micros(row.requested_at),
        from_micros(row.effective_at),
        now,
        hashlib.sha256(load_raw(conn, MailId(row.opened_by))).hexdigest(),
    )
    signed, token = signer.sign(content), secrets.token_urlsafe(16)
    values = {"document": signed.document, "signature": signed.signature, "public_key": signed.public_key}
    statement = insert_new(conn, receipts, key=("case_id",))
    conn.execute(statement.values(token=token, case_id=case_id, issued_at=to_micros(now), **values))
    return issue_receipt(conn, case_id, organisation, signer, now)


def find_receipt(conn: Connection, token: str) -> Receipt | None:
    """Return the receipt with this token."""
    row = conn.execute(select(receipts).where(receipts.c.token == token)).one_or_none()
    return None if row is None else Receipt(row.token, Signed(row.document, row.signature, row.public_key))


def open_signer(settings: SharedSettings) -> Signer:
    """Return the signer of this Itaca: by its setting, or by the key in the data folder, made when missing.

    Raises:
        ConfigurationError: the key cannot be read or made, or is none.
    """
    if settings.receipt_key is not None:
        return Signer.of(parse_key(settings.receipt_key.get_secret_value(), "ITACA_RECEIPT_KEY"))
    path = settings.data_dir / KEY_FILE
    return Signer.of(parse_key(read_key_file(path), str(path)))
