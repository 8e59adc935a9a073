"""Our own addresses, as customers write to them."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from itaca.storage.tables import erased_mails, mails


def newest_mailbox(conn: Connection) -> tuple[str, ...]:
    """Return the addresses that the newest mail was sent to, of those whose addresses were not erased.

    The acknowledgement of a call comes from there, as of a mail; so does a notice about what an erased mail opened.
    """
    return tuple(conn.scalar(_newest()) or ())


@cache
def _newest() -> Select[Any]:
    erased = select(erased_mails.c.mail_id).where(erased_mails.c.mail_id == mails.c.id)
    return select(mails.c.envelope_to).where(~erased.exists()).order_by(mails.c.received_at.desc()).limit(1)
