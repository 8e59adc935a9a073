"""Mails in the ledger: their raw bytes, their text, and their one settlement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, select, true, update

from itaca.contracts.ids import MailId
from itaca.contracts.intents import MailOutcome
from itaca.errors import PermanentError
from itaca.mail.model import Envelope, MailText
from itaca.storage.codec import decompress, storable
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import mail_texts, mails, raw_mails
from itaca.storage.upsert import upsert

MAX_SAME_MESSAGE_ID = 50
FIRST_INTERVAL_S = 60.0
LONGEST_INTERVAL_S = 900.0


@dataclass(frozen=True)
class MailRow:
    """One mail as the ledger knows it, without its bytes. The last three are None until it is settled."""

    id: MailId
    received_at: datetime
    envelope: Envelope
    client: str
    size_bytes: int
    attempts: int
    drive_at: datetime
    settled_at: datetime | None
    outcome: MailOutcome | None
    settled_by: str | None

    @property
    def is_settled(self) -> bool:
        return self.settled_at is not None


def load_raw(connection: Connection, mail_id: MailId) -> bytes:
    """Return the mail exactly as it was accepted.

    Raises:
        PermanentError: no such mail, or its bytes are damaged.
    """
    row = connection.execute(_raw_by_id(), {"mail_id": mail_id}).one_or_none()
    if row is None:
        raise PermanentError("the ledger holds no raw mail under this id")
    return decompress(row.codec, row.raw)


def load_mail(connection: Connection, mail_id: MailId) -> tuple[MailRow, MailText | None]:
    """Return one mail, which exists, and its text if it was read."""
    row = connection.execute(_mail_and_text(), {"mail_id": mail_id}).one()
    return _mail_row(row), None if row.text is None else MailText.model_validate(row.text)


def load_mails(connection: Connection, ids: Iterable[MailId]) -> dict[MailId, MailRow]:
    """Return the mails that exist among the ids."""
    rows = connection.execute(_mails_by_id(), {"ids": list(ids)})
    return {MailId(row.id): _mail_row(row) for row in rows}


def save_texts(connection: Connection, texts: Sequence[tuple[MailId, MailText]]) -> None:
    """Keep what was read of these mails; reading a mail again replaces its text."""
    rows = [
        {
            "mail_id": mail_id,
            "message_id": storable(text.message_id),
            "sender": storable(text.sender),
            "text": text.model_dump(mode="json", exclude_defaults=True),
        }
        for mail_id, text in texts
    ]
    if rows:
        connection.execute(upsert(connection, mail_texts, replace=("message_id", "sender", "text")), rows)


def load_texts(connection: Connection, ids: Iterable[MailId]) -> dict[MailId, MailText]:
    """Return the texts that were saved for mails among the ids."""
    rows = connection.execute(_texts_by_id(), {"ids": list(ids)})
    return {MailId(mail_id): MailText.model_validate(text) for mail_id, text in rows}


def find_by_message_id(connection: Connection, message_id: str) -> list[MailId]:
    """Return the newest mails that carry this Message-ID, newest first; different mails may share one."""
    query = (
        select(mail_texts.c.mail_id)
        .where(mail_texts.c.message_id == storable(message_id))
        .order_by(mail_texts.c.mail_id.desc())
        .limit(MAX_SAME_MESSAGE_ID)
    )
    return [MailId(mail_id) for mail_id in connection.execute(query).scalars()]


def settle(connection: Connection, mail_id: MailId, outcome: MailOutcome, by: str, at: datetime) -> bool:
    """Give the mail its outcome; return False, and change nothing, when it has one already or does not exist.

    Of two transactions that settle one mail at the same time exactly one gets True.
    """
    change = (
        update(mails)
        .where(mails.c.id == mail_id, mails.c.settled_at.is_(None))
        .values(settled_at=to_micros(at), outcome=outcome.value, settled_by=by)
    )
    return connection.execute(change).rowcount == 1


def is_any_due(connection: Connection, now: datetime) -> bool:
    """Say whether any mail is due to be driven again: the look that an idle watch takes, at one index."""
    return connection.execute(_any_due(), {"now": to_micros(now)}).first() is not None


def claim_unsettled(
    connection: Connection,
    now: datetime,
    limit: int,
    first_s: float = FIRST_INTERVAL_S,
    longest_s: float = LONGEST_INTERVAL_S,
    received_until: datetime | None = None,
) -> list[MailRow]:
    """Take up to ``limit`` mails that are due to be driven again, oldest date first.

    With ``received_until`` only mails received until then: what came later is still waiting its turn.

    Their attempts are raised before the work, so that a mail which kills its worker is counted, and their next
    date moves on: ``first_s`` after acceptance, then twice as long each time up to ``longest_s`` seconds. Mails
    that another watch holds at this moment are left to it.
    """
    values = {"now": to_micros(now), "most": limit}
    if received_until is not None:
        values["until"] = to_micros(received_until)
    changes = []
    for row in connection.execute(_unsettled_due(received_until is not None), values).all():
        pause_s = min(first_s * 2.0 ** min(row.attempts, 32), longest_s)
        drive_at = to_micros(now + timedelta(seconds=pause_s))
        changes.append({"which": row.id, "attempts": row.attempts + 1, "drive_at": drive_at})
    if not changes:
        return []
    connection.execute(_claiming(), changes)
    claimed = load_mails(connection, [MailId(change["which"]) for change in changes])
    return [claimed[MailId(change["which"])] for change in changes]


@cache
def _raw_by_id() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    return select(raw_mails.c.codec, raw_mails.c.raw).where(raw_mails.c.mail_id == bindparam("mail_id"))


@cache
def _mail_and_text() -> Select[Any]:
    both = select(mails, mail_texts.c.text).outerjoin(mail_texts, mail_texts.c.mail_id == mails.c.id)
    return both.where(mails.c.id == bindparam("mail_id"))


@cache
def _any_due() -> Select[Any]:
    is_due = mails.c.settled_at.is_(None) & (mails.c.drive_at <= bindparam("now"))
    return select(mails.c.id).where(is_due).limit(1)


@cache
def _claiming() -> Update:
    return update(mails).where(mails.c.id == bindparam("which"))


@cache
def _mails_by_id() -> Select[Any]:
    return select(mails).where(mails.c.id.in_(bindparam("ids", expanding=True)))


@cache
def _texts_by_id() -> Select[Any]:
    by_id = mail_texts.c.mail_id.in_(bindparam("ids", expanding=True))
    return select(mail_texts.c.mail_id, mail_texts.c.text).where(by_id)


@cache
def _unsettled_due(is_bounded: bool) -> Select[Any]:
    in_line = mails.c.received_at <= bindparam("until") if is_bounded else true()
    return (
        select(mails)
        .where(mails.c.settled_at.is_(None), mails.c.drive_at <= bindparam("now"), in_line)
        .order_by(mails.c.drive_at)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )


def _mail_row(row: Row[tuple[object, ...]]) -> MailRow:
    return MailRow(
        id=MailId(row.id),
        received_at=from_micros(row.received_at),
        envelope=Envelope(sender=row.envelope_from, recipients=tuple(row.envelope_to)),
        client=row.client,
        size_bytes=row.size_bytes,
        attempts=row.attempts,
        drive_at=from_micros(row.drive_at),
        settled_at=None if row.settled_at is None else from_micros(row.settled_at),
        outcome=None if row.outcome is None else MailOutcome(row.outcome),
        settled_by=row.settled_by,
    )
