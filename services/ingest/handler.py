"""From a whole mail to the reply: commit it, then offer it for reading.

The commit runs in a task of its own that no client can cancel; whoever hangs up finds the mail again under the same
id when it comes back.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Protocol

import structlog

from itaca.clock import Clock
from itaca.contracts.ids import MailId
from itaca.dispatch import Arrival
from itaca.errors import PermanentError, TransientError
from itaca.mail.model import Envelope
from itaca.observability.metrics import Metrics
from itaca.storage.database import InFlight
from services.ingest.limits import Lease
from services.ingest.replies import LEDGER_AWAY, LOOPING

log = structlog.get_logger()
_RECEIVED = re.compile(rb"^received:", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


class Answer(Protocol):
    """What the ledger says of a mail it has committed."""

    @property
    def mail_id(self) -> MailId: ...

    @property
    def is_duplicate(self) -> bool: ...


class Ledger(Protocol):
    """What accepting asks of ``itaca.storage.intake.Intake``."""

    async def accept(self, envelope: Envelope, raw: bytes, client: str) -> Answer: ...


class Acceptance:
    """Takes one mail after the other, any number at a time.

    Args:
        offer: takes the committed mail for reading at once, or drops it for the watch to drive; never waits.
        timeout_s: how long a sender waits for the commit before it hears 451; the commit goes on.
        max_hops: Received headers (RFC 5321, 6.3) above which the mail is going round in circles.
    """

    def __init__(
        self,
        ledger: Ledger,
        offer: Callable[[Arrival], None],
        metrics: Metrics,
        clock: Clock,
        *,
        listener: str,
        timeout_s: float,
        max_hops: int,
    ) -> None:
        self._ledger = ledger
        self._offer = offer
        self._metrics = metrics
        self._clock = clock
        self._listener = listener
        self._timeout_s = timeout_s
        self._max_hops = max_hops
        self._in_flight = InFlight()
        self._accepted = metrics.accepted.labels(listener)
        self._seconds = metrics.stage_seconds.labels("ingest")
        self.is_ledger_away = False

    async def accept(self, envelope: Envelope, raw: bytes, client: str, lease: Lease) -> str:
        """Return the SMTP reply; 250 only after the commit. The lease is released when the mail is decided."""
        if is_looping(raw, self._max_hops):
            lease.release()
            return LOOPING
        began_s = self._clock.monotonic_s()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._in_flight.run(
                    lambda: loop.create_task(self._commit(envelope, raw, client, lease))
                )
        except (TransientError, PermanentError, TimeoutError) as error:
            # Permanent too: a ledger that refuses this very mail is a fault of ours, and the sender keeps the mail.
            return self._ledger_away(error)
        self.is_ledger_away = False
        self._seconds.observe(self._clock.monotonic_s() - began_s)
        return f"250 2.6.0 {answer.mail_id} accepted"

    async def settle(self) -> None:
        """Wait until every commit in flight is decided."""
        await self._in_flight.settle()

    async def _commit(self, envelope: Envelope, raw: bytes, client: str, lease: Lease) -> Answer:
        try:
            answer = await self._ledger.accept(envelope, raw, client)
        finally:
            lease.release()
        if answer.is_duplicate:
            self._metrics.duplicates.inc()
            log.info("ingest.duplicate_recognised", mail_id=answer.mail_id, size_bytes=len(raw))
        else:
            self._accepted.inc()
            log.info("ingest.mail_accepted", mail_id=answer.mail_id, size_bytes=len(raw))
            self._offer(Arrival(answer.mail_id, self._clock.now(), envelope, raw))
        return answer

    def _ledger_away(self, error: Exception) -> str:
        self.is_ledger_away = True
        log.warning("ingest.ledger_failed", problem=type(error).__name__)
        return LEDGER_AWAY


def is_looping(raw: bytes, max_hops: int) -> bool:
    """Say whether the header holds more than ``max_hops`` Received fields; a short header is not looked through."""
    blank = _END_OF_HEADERS.search(raw)
    end = blank.start() if blank else len(raw)
    return raw.count(b"\n", 0, end) >= max_hops and len(_RECEIVED.findall(raw, 0, end)) > max_hops
