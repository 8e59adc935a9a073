"""Sends mail on its way again: what was read is published, what was not is read first."""

from collections.abc import Sequence

import structlog

from itaca.contracts.ids import MailId
from itaca.dispatch import Arrival, Dispatcher, ReadMailRow
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.storage.database import Database
from itaca.storage.mails import MailRow, load_raw

log = structlog.get_logger()
_AT_ONCE = 20
"""Raw mails held in memory at once; each may be as large as the size limit."""


class Driver:
    """The watch's use of the dispatcher."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        self._database, self._dispatcher = database, dispatcher

    async def drive(self, mails: Sequence[MailRow], texts: dict[MailId, MailText]) -> None:
        """Publish these mails again.

        Args:
            texts: what was read of them before; the others are read now.

        Raises:
            TransientError: the ledger is away.
        """
        read = [ReadMailRow(m.id, m.received_at, texts[m.id]) for m in mails if m.id in texts]
        await self._dispatcher.redispatch(read)
        unread = [m for m in mails if m.id not in texts]
        for start in range(0, len(unread), _AT_ONCE):
            arrivals = [await self._arrival(m) for m in unread[start : start + _AT_ONCE]]
            await self._dispatcher.dispatch([arrival for arrival in arrivals if arrival is not None])

    async def _arrival(self, mail: MailRow) -> Arrival | None:
        """Return the mail, or None if its bytes are damaged: it is counted as driven and goes to a person later."""
        try:
            raw = await self._database.read(lambda conn: load_raw(conn, mail.id))
        except PermanentError as error:
            log.error("watch.raw_mail_damaged", mail_id=mail.id, problem=str(error))
            return None
        return Arrival(mail.id, mail.received_at, mail.envelope, raw)
