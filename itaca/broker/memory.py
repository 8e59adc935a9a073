"""The broker in one process: bounded, without a disk, and free to forget everything at any moment."""

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from itaca.broker.memory_queue import MemoryDelivery, MemoryQueue
from itaca.broker.port import DeadLetter, Delivery, Depth
from itaca.broker.sizes import check_sizes
from itaca.broker.topology import HANDOFFS, TOPOLOGY, Binding, Queue, QueueName
from itaca.clock import Clock
from itaca.errors import TransientError

OUTCOMES_KEPT = 1_000
"""Handed events beyond this number push out the oldest ones: nobody but a test or the demo reads them."""


@dataclass(frozen=True)
class HandedEvent:
    """What was handed to other systems by ``publish_outcome``."""

    routing_key: str
    body: bytes
    message_id: str


class MemoryConsumer:
    """One reader of one queue in memory."""

    def __init__(self, queue: MemoryQueue, prefetch: int) -> None:
        self._queue = queue
        self._prefetch = prefetch
        self._in_hand: list[MemoryDelivery] = []
        self._is_closed = False

    async def receive(self, limit: int) -> Sequence[MemoryDelivery]:
        """Wait for at least one message.

        Raises:
            TransientError: the consumer is closed.
        """
        while True:
            if self._is_closed:
                raise TransientError("the consumer is closed")
            self._in_hand = [delivery for delivery in self._in_hand if not delivery.is_settled]
            room = min(limit, self._prefetch - len(self._in_hand))
            taken = self._queue.take(room)
            if taken:
                self._in_hand.extend(taken)
                return taken
            await self._queue.changed.wait()

    async def ack_all(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge each."""
        for delivery in deliveries:
            await delivery.ack()

    async def close(self) -> None:
        """Return what is unsettled to the head of the queue, in its old order, one delivery older."""
        self._is_closed = True
        self._queue.put_back(self._in_hand)
        self._in_hand.clear()


class MemoryBroker:
    """Keeps the port's promises as long as the process lives, unless told to forget.

    Args:
        clock: gives the retry delays and the ages.
        rng: chance for ``duplicate_share``.
        topology: the queues.
        handoffs: the routing keys that ``publish_outcome`` can route.
        max_messages: per queue, with its retries and dead letters; beyond it ``publish`` raises.
        max_bytes: of bodies per queue, likewise.
        duplicate_share: share of published messages, 0 to 1, that come twice, as RabbitMQ's may.
    """

    def __init__(
        self,
        clock: Clock,
        rng: random.Random,
        *,
        topology: Sequence[Queue] = TOPOLOGY,
        handoffs: Sequence[Binding] = HANDOFFS,
        max_messages: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        duplicate_share: float = 0.0,
    ) -> None:
        self._rng = rng
        self._duplicate_share = duplicate_share
        self._routing_keys = {binding.routing_key for binding in handoffs}
        self._queues = {row.name: MemoryQueue(row, clock, max_messages, max_bytes) for row in topology}
        self._is_started = False
        self.outcomes: deque[HandedEvent] = deque(maxlen=OUTCOMES_KEPT)

    async def start(self) -> None:
        """Be ready at once."""
        self._is_started = True

    async def close(self) -> None:
        """Stop taking messages and cancel what waits for a retry."""
        self._is_started = False
        self.forget_everything()

    def is_connected(self) -> bool:
        return self._is_started

    def problems(self) -> Sequence[str]:
        return () if self._is_started else ("the memory broker is not started",)

    def forget_everything(self) -> None:
        """Lose all messages, those in consumers' hands too: settling them later does nothing."""
        for queue in self._queues.values():
            queue.forget()

    async def publish(self, queue: QueueName, bodies: Sequence[bytes]) -> None:
        """Take all bodies or none.

        Raises:
            TransientError: not started, or the queue is full.
            PermanentError: a body is larger than MAX_EVENT_BYTES.
        """
        self._require_started()
        check_sizes(bodies)
        doubled = [body for body in bodies for _ in range(1 + (self._rng.random() < self._duplicate_share))]
        await self._queues[queue].publish(doubled)

    async def publish_outcome(self, routing_key: str, body: bytes, message_id: str) -> None:
        """Keep the event in ``outcomes``.

        Raises:
            TransientError: not started, or no queue is bound for the key.
            PermanentError: the body is larger than MAX_EVENT_BYTES.
        """
        self._require_started()
        check_sizes([body])
        if routing_key not in self._routing_keys:
            raise TransientError(f"no queue is bound for {routing_key}")
        self.outcomes.append(HandedEvent(routing_key, body, message_id))
        await asyncio.sleep(0)

    async def consume(self, queue: QueueName, prefetch: int) -> MemoryConsumer:
        return MemoryConsumer(self._queues[queue], prefetch)

    async def depth(self, queue: QueueName) -> Depth:
        """Count messages; the oldest age is that of the message at the head.

        Raises:
            TransientError: not started.
        """
        self._require_started()
        return self._queues[queue].depth()

    async def dead_letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        self._require_started()
        return self._queues[queue].show_dead(limit)

    async def take_dead_letters(self, queue: QueueName, limit: int) -> Sequence[MemoryDelivery]:
        self._require_started()
        return self._queues[queue].take_dead(limit)

    def _require_started(self) -> None:
        if not self._is_started:
            raise TransientError("the memory broker is not started")
