"""Dead letters are taken over: the mail they speak of becomes a review case, and the letter is done with."""

from collections.abc import Awaitable, Callable

import structlog

from itaca.broker.port import Broker, Delivery
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, TOPOLOGY, QueueName
from itaca.contracts.codec import decode
from itaca.contracts.events import MailClassified, MailReceived
from itaca.contracts.ids import MailId
from itaca.errors import PermanentError, TransientError
from itaca.storage.database import Database
from itaca.storage.mails import load_mails

log = structlog.get_logger()
Review = Callable[[dict[MailId, str]], Awaitable[None]]
_SAYS = {
    CLASSIFIER_MAIL_RECEIVED: "the classifier failed on this mail and gave it up",
}


class Letters:
    """One round over the dead letters of every queue."""

    def __init__(self, broker: Broker, database: Database, review: Review, limit: int = 50) -> None:
        self._broker, self._database, self._review, self._limit = broker, database, review, limit

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
            for letter in letters:
                await self._bury(queue.name, letter)

    async def _bury(self, queue: QueueName, letter: Delivery) -> None:
        mail_id = _mail_of(queue, letter.body)
        known = mail_id and await self._database.read(lambda conn: load_mails(conn, [mail_id]))
        if not mail_id or not known:
            log.warning("watch.dead_letter_unknown", queue=queue, size_bytes=len(letter.body))
            await letter.ack()
            return
        try:
            await self._review({mail_id: _SAYS.get(queue, "the router failed on this mail and gave it up")})
        except TransientError:
            await letter.dead_letter("the ledger was away when the watch took it over")
            raise
        await letter.ack()
        log.warning("watch.dead_letter_taken_over", queue=queue, mail_id=mail_id)


def _mail_of(queue: QueueName, body: bytes) -> MailId | None:
    try:
        if queue == CLASSIFIER_MAIL_RECEIVED:
            return decode(MailReceived, body).mail_id
        return decode(MailClassified, body).mail_id
    except PermanentError:
        return None
