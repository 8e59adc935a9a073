"""What people said mails are: kept for ever, unless they take it back at once, and given out with the text judged."""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, exists, insert, or_, select

from itaca.contracts.events import WrittenText
from itaca.contracts.ids import MailId, uuid7
from itaca.contracts.intents import Intent
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.mail.written import written_text
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import customer_addresses, labels, mail_texts, mails, people

PAGE = 500


@dataclass(frozen=True)
class LabelledMail:
    """A label with its mail. No intents mean ``other``; ``by`` is a person's address.

    ``written`` is what the classifier saw, None where nothing could be read; ``customer`` is empty for a writer
    whom the ledger does not know as one.
    """

    mail_id: MailId
    intents: frozenset[Intent]
    by: str
    at: datetime
    is_blind: bool
    sender: str
    customer: str
    written: WrittenText | None


def set_label(
    conn: Connection,
    mail_id: MailId,
    intents: Collection[Intent],
    by: str,
    is_blind: bool,
    now: datetime,
    rng: random.Random,
) -> None:
    """Keep what a person says a mail is; no intents mean ``other``. Nothing is replaced: the newest counts.

    Args:
        by: the person's address.
        is_blind: the person judged before seeing the machine's answer.

    Raises:
        PermanentError: the ledger has no such mail, or nobody has this address.
    """
    if conn.execute(select(mails.c.id).where(mails.c.id == mail_id)).scalar() is None:
        raise PermanentError(f"the ledger has no mail {mail_id}")
    person_id = conn.execute(select(people.c.id).where(people.c.email == by.lower())).scalar()
    if person_id is None:
        raise PermanentError(f"nobody has the address {by}; `itaca people list` shows everybody")
    row = {
        "id": uuid7(now, rng),
        "mail_id": mail_id,
        "person_id": person_id,
        "intents": sorted(intent.value for intent in intents),
        "is_blind": is_blind,
        "labelled_at": to_micros(now),
    }
    conn.execute(insert(labels).values(row))


def labelled_mails(conn: Connection) -> Iterator[LabelledMail]:
    """Yield the newest label of each person for each mail, in the order of the mails, a page at a time.

    People who disagree about a mail both appear: what to make of that is for training to decide.
    """
    after = ""
    while ids := _labelled_after(conn, after):
        for row in conn.execute(_newest().where(labels.c.mail_id.in_(ids))):
            yield _labelled(row)
        after = ids[-1]


def _labelled_after(conn: Connection, after: str) -> Sequence[str]:
    column = labels.c.mail_id
    return conn.execute(select(column).distinct().where(column > after).order_by(column).limit(PAGE)).scalars().all()


def _newest() -> Select[Any]:
    """Select labels that no later label of the same person on the same mail replaces."""
    later = labels.alias("later")
    is_later = or_(
        later.c.labelled_at > labels.c.labelled_at,
        and_(later.c.labelled_at == labels.c.labelled_at, later.c.id > labels.c.id),
    )
    is_replaced = exists().where(
        later.c.mail_id == labels.c.mail_id, later.c.person_id == labels.c.person_id, is_later
    )
    return (
        select(labels, people.c.email, mail_texts.c.text, mail_texts.c.sender, customer_addresses.c.customer_id)
        .join(people, people.c.id == labels.c.person_id)
        .outerjoin(mail_texts, mail_texts.c.mail_id == labels.c.mail_id)
        .outerjoin(customer_addresses, customer_addresses.c.address == mail_texts.c.sender)
        .where(~is_replaced)
        .order_by(labels.c.mail_id, labels.c.labelled_at, labels.c.id)
    )


def _labelled(row: Row[tuple[object, ...]]) -> LabelledMail:
    return LabelledMail(
        mail_id=MailId(row.mail_id),
        intents=frozenset(Intent(name) for name in row.intents),
        by=row.email,
        at=from_micros(row.labelled_at),
        is_blind=row.is_blind,
        sender=row.sender or "",
        customer=row.customer_id or "",
        written=None if row.text is None else written_text(MailText.model_validate(row.text)),
    )
