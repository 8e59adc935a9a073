"""Dead letters are taken over: the mail they speak of becomes a review case, and the letter is done with."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from itaca.broker.port import Broker, Delivery
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, TOPOLOGY, QueueName
from itaca.contracts.codec import decode
from itaca.contracts.events import MailClassified, MailReceived
from itaca.contracts.ids import MailId
from itaca.errors import PermanentError, TransientError
from itaca.observability.metrics import Metrics
from itaca.storage.database import Database
from itaca.storage.mails import load_mails

log = structlog.get_logger()
Review = Callable[[dict[MailId, str]], Awaitable[None]]
_SAYS = {
    CLASSIFIER_MAIL_RECEIVED: "the classifier failed on this mail and gave it up",
}


class Letters:
    """One round over the dead letters of every queue."""

    def __init__(self, broker: Broker, database: Database, review: Review, metrics: Metrics, limit: int = 50) -> None:
        self._broker, self._database, self._review = broker, database, review
        self._metrics, self._limit = metrics, limit

    async def run(self) -> None:
        """Take over what is dead; a broker that is away has the ledger's own round instead.

        Raises:
            TransientError: the ledger is away; the letters in hand go back.
        """
        if not self._broker.is_connected():
            return
        for queue in TOPOLOGY:
            try:
                letters = await self._broker.take_dead_letters(queue.name, self._limit)
            except TransientError as error:
                log.warning("watch.dead_letters_unreachable", queue=queue.name, problem=str(error))
                return
            for position, letter in enumerate(letters):
                try:
                    await self._bury(queue.name, letter)
                except TransientError:
                    await _put_back(letters[position:])
                    raise

    async def _bury(self, queue: QueueName, letter: Delivery) -> None:
        mail_id = _mail_of(queue, letter.body)
        if mail_id is None or not await self._is_known(mail_id):
            self._metrics.letters_unknown.labels(queue).inc()
            log.warning("watch.dead_letter_unknown", queue=queue, size_bytes=len(letter.body))
        else:
            await self._review({mail_id: _SAYS.get(queue, "the router failed on this mail and gave it up")})
            log.warning("watch.dead_letter_taken_over", queue=queue, mail_id=mail_id)
        await letter.ack()

    async def _is_known(self, mail_id: MailId) -> bool:
        return bool(await self._database.read(lambda conn: load_mails(conn, [mail_id])))


async def _put_back(letters: Sequence[Delivery]) -> None:
    """Return what is still in hand; where the broker went away too, it does so by itself."""
    for letter in letters:
        with contextlib.suppress(TransientError):
            await letter.dead_letter("the ledger was away when the watch took it over")


def _mail_of(queue: QueueName, body: bytes) -> MailId | None:
    try:
        if queue == CLASSIFIER_MAIL_RECEIVED:
            return decode(MailReceived, body).mail_id
        return decode(MailClassified, body).mail_id
    except PermanentError:
        return None
