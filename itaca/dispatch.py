"""From the ledger to the classifier: read mail, keep its text, say MailReceived.

Nothing here is needed for safety. Whatever fails is dropped, because the mail is in the ledger and the watch drives
it again; what is logged and counted is how often.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy import Connection

from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, QueueName
from itaca.clock import Clock
from itaca.contracts.codec import encode
from itaca.contracts.events import MailReceived, WrittenText
from itaca.contracts.ids import MailId
from itaca.errors import PermanentError, TransientError
from itaca.mail.model import Envelope, MailText
from itaca.observability.metrics import Metrics
from itaca.readers import Unread
from itaca.storage.database import Database

log = structlog.get_logger()
_LOG_EVERY_S = 60.0

WriteDown = Callable[[MailText], WrittenText]
"""What the classifier may see of a text."""
SaveTexts = Callable[[Connection, Sequence[tuple[MailId, MailText]]], None]


@dataclass(frozen=True)
class Arrival:
    """One mail that stands in the ledger and was not read yet."""

    mail_id: MailId
    received_at: datetime
    envelope: Envelope
    raw: bytes


@dataclass(frozen=True)
class ReadMailRow:
    """One mail whose text stands in the ledger already."""

    mail_id: MailId
    received_at: datetime
    text: MailText


class Reading(Protocol):
    """What dispatching asks of ``itaca.readers.Readers``."""

    async def read(self, mails: Sequence[Unread]) -> list[MailText]: ...

    async def close(self) -> None: ...


class Publishing(Protocol):
    """What dispatching asks of a broker."""

    async def publish(self, queue: QueueName, bodies: Sequence[bytes]) -> None: ...


class Dispatcher:
    """Used by ingest for what it has just accepted, and by the watch for what nobody has settled."""

    def __init__(
        self,
        readers: Reading,
        write_down: WriteDown,
        database: Database,
        save_texts: SaveTexts,
        broker: Publishing,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._readers = readers
        self._write_down = write_down
        self._database = database
        self._save_texts = save_texts
        self._broker = broker
        self._metrics = metrics
        self._clock = clock
        self._logged_at_s: dict[str, float] = {}

    async def dispatch(self, arrivals: Sequence[Arrival]) -> int:
        """Read, keep the texts in one transaction, publish in one window; return how many were published.

        Never raises for a backend that is away: 0 then, and the watch drives them again.
        """
        if not arrivals:
            return 0
        try:
            texts = await self._readers.read([Unread(arrival.envelope, arrival.raw) for arrival in arrivals])
        except TransientError as error:
            return self._leave(len(arrivals), "reader", error)
        pairs = [(arrival.mail_id, text) for arrival, text in zip(arrivals, texts, strict=True)]
        kept = await self._keep(pairs)
        # What is not kept is not published either: the router must find the text. The watch reads the mail again.
        rows = [
            ReadMailRow(arrival.mail_id, arrival.received_at, text)
            for arrival, text in zip(arrivals, texts, strict=True)
            if arrival.mail_id in kept
        ]
        return await self.redispatch(rows)

    async def _keep(self, pairs: Sequence[tuple[MailId, MailText]]) -> set[MailId]:
        """Keep the texts in one transaction; if the ledger refuses one of them, each in its own."""
        try:
            await self._database.write(lambda connection: self._save_texts(connection, pairs))
        except TransientError as error:
            self._leave(len(pairs), "ledger", error)
            return set()
        except PermanentError as error:
            if len(pairs) == 1:
                self._leave(1, "refused", error)
                return set()
            return {mail_id for pair in pairs for mail_id in await self._keep([pair])}
        return {mail_id for mail_id, _ in pairs}

    async def redispatch(self, rows: Sequence[ReadMailRow]) -> int:
        """Publish mails whose text is kept already; return how many. Never raises for a broker that is away."""
        bodies = [body for row in rows if (body := self._event(row)) is not None]
        if not bodies:
            return 0
        try:
            await self._broker.publish(CLASSIFIER_MAIL_RECEIVED, bodies)
        except TransientError as error:
            return self._leave(len(bodies), "broker", error)
        return len(bodies)

    async def close(self) -> None:
        """Stop the reading processes."""
        await self._readers.close()

    def leave_to_watch(self, mails: int, reason: str) -> None:
        """Count mails that nobody drives now; the watch does, later."""
        self._metrics.left_to_watch.labels(reason).inc(mails)

    def _event(self, row: ReadMailRow) -> bytes | None:
        event = MailReceived(mail_id=row.mail_id, received_at=row.received_at, text=self._write_down(row.text))
        try:
            return encode(event)
        except PermanentError as error:
            log.error("dispatch.event_too_large", mail_id=row.mail_id)
            self._leave(1, "event", error)
            return None

    def _leave(self, mails: int, reason: str, error: Exception) -> int:
        self.leave_to_watch(mails, reason)
        now_s = self._clock.monotonic_s()
        if now_s - self._logged_at_s.get(reason, -_LOG_EVERY_S) >= _LOG_EVERY_S:
            self._logged_at_s[reason] = now_s
            log.warning("dispatch.left_to_watch", reason=reason, mails=mails, problem=type(error).__name__)
        return 0
