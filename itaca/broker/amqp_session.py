"""What one consuming channel has handed out, and how it is settled."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as DriverChannel

from itaca.broker.amqp_calls import call
from itaca.broker.reasons import last_retry_reason
from itaca.broker.topology import Queue, QueueName
from itaca.clock import Clock
from itaca.errors import TransientError

ATTEMPT_HEADER = "x-itaca-attempt"
REASON_HEADER = "x-itaca-reason"
DIED_AT_HEADER = "x-itaca-died-at"
DELIVERY_COUNT_HEADER = "x-delivery-count"
"""Set by quorum queues: how often the message was handed out before and came back."""
MAX_REASON_CHARACTERS = 500

Headers = Mapping[str, str | int]


class Publishing(Protocol):
    """The part of the publisher that a settlement needs."""

    async def publish(self, queue: QueueName, bodies: Sequence[bytes], headers: Headers | None = None) -> None:
        """Publish and return when confirmed."""
        ...


class AmqpSession:
    """The deliveries of one channel. When the channel is lost they come again, so settling them does nothing."""

    def __init__(self, channel: DriverChannel, timeout_s: float) -> None:
        self._channel = channel
        self._timeout_s = timeout_s
        self._log = structlog.get_logger()
        self.outstanding: dict[int, None] = {}
        """Delivery tags without a settlement, in ascending order."""
        self.is_over = False

    async def ack(self, tags: Sequence[int]) -> None:
        """Acknowledge in few frames; a lost acknowledgement only means that the message comes again.

        One frame with ``multiple`` covers the settled head of what is outstanding. Beyond a message that is
        still in somebody's hands ``multiple`` would acknowledge that one too, so the rest goes one by one.
        """
        wanted = set(tags) & self.outstanding.keys()
        if self.is_over or not wanted:
            return
        head = 0
        for tag in self.outstanding:
            if tag not in wanted:
                break
            head = tag
        single = sorted(tag for tag in wanted if tag > head)
        for tag in wanted:
            del self.outstanding[tag]
        try:
            await call(self._send(head, single), self._timeout_s, "acknowledging")
        except TransientError as error:
            self._log.info("broker.acknowledgement_lost", messages=len(wanted), reason=str(error))

    async def _send(self, head: int, single: Sequence[int]) -> None:
        """Write the frames; the last one waits for the socket, so that a close does not outrun them."""
        if head:
            await self._channel.basic_ack(head, multiple=True, wait=not single)
        for tag in single:
            await self._channel.basic_ack(tag, wait=tag == single[-1])


class AmqpDelivery:
    """One message in hand.

    Args:
        row: its main queue.
        is_dead: it was taken from the dead letters; ``retry`` then returns it to the main queue, as new.
    """

    def __init__(
        self,
        session: AmqpSession,
        message: DeliveredMessage,
        row: Queue,
        publisher: Publishing,
        clock: Clock,
        *,
        is_dead: bool = False,
    ) -> None:
        headers = message.header.properties.headers or {}
        self._session, self._row, self._publisher, self._clock = session, row, publisher, clock
        self._is_dead = is_dead
        self._retries = max(0, _number(headers.get(ATTEMPT_HEADER), 1) - 1)
        self._returns = _number(headers.get(DELIVERY_COUNT_HEADER), 0)
        self.tag = message.delivery_tag or 0
        self.body = message.body

    @property
    def attempt(self) -> int:
        return 1 + self._retries + self._returns

    def belongs_to(self, session: AmqpSession) -> bool:
        """Tell whether the channel that handed it out is still the consumer's."""
        return self._session is session

    async def ack(self) -> None:
        await self._session.ack([self.tag])

    async def retry(self, reason: str) -> None:
        """Move it to the retry queue of its attempt, or to the dead letters after the last.

        Raises:
            TransientError: the move was not confirmed; the message is still in hand.
        """
        if self._is_dead:
            await self._move(self._row.name, {})
        elif self._retries >= len(self._row.retry_delays_s):
            await self.dead_letter(last_retry_reason(self._retries, reason))
        else:
            again = self._retries + 1
            headers: Headers = {ATTEMPT_HEADER: again + 1, REASON_HEADER: reason[:MAX_REASON_CHARACTERS]}
            await self._move(self._row.retry(again), headers)

    async def dead_letter(self, reason: str) -> None:
        """Move it to the dead letters.

        Raises:
            TransientError: the move was not confirmed; the message is still in hand.
        """
        headers: Headers = {
            ATTEMPT_HEADER: self._retries + 1,
            REASON_HEADER: reason[:MAX_REASON_CHARACTERS],
            DIED_AT_HEADER: self._clock.now().isoformat(),
        }
        await self._move(self._row.dead, headers)

    async def _move(self, queue: QueueName, headers: Headers) -> None:
        """Publish the copy, then acknowledge: a crash between the two doubles the message and never loses it."""
        if self._session.is_over or self.tag not in self._session.outstanding:
            return
        await self._publisher.publish(queue, [self.body], headers)
        await self.ack()


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
