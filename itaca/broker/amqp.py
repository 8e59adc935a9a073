"""RabbitMQ behind the port: separate connections for publishing, consuming and probing."""

import random
from collections.abc import Sequence

from itaca.broker.amqp_connection import AmqpLimits
from itaca.broker.amqp_consumer import AmqpConsumer
from itaca.broker.amqp_probe import AmqpProbe
from itaca.broker.amqp_publisher import AmqpPublisher
from itaca.broker.amqp_session import AmqpDelivery
from itaca.broker.amqp_topology import AmqpTopology
from itaca.broker.port import DeadLetter, Depth
from itaca.broker.sizes import check_sizes
from itaca.broker.topology import HANDOFFS, TOPOLOGY, Binding, Queue, QueueName
from itaca.clock import Clock


class AmqpBroker:
    """Moves events by RabbitMQ 3.10 or later.

    Nothing raises because RabbitMQ is away, except what the port says: connections are opened again for ever,
    consumers are restored, and ``problems`` tells what is wrong.

    Args:
        url: ``amqp://`` or ``amqps://`` with user, password and virtual host.
        clock: gives the delays between attempts and the dates.
        rng: chance for jitter and message ids; not a seeded one outside tests.
        limits: time limits in seconds.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        rng: random.Random,
        *,
        topology: Sequence[Queue] = TOPOLOGY,
        handoffs: Sequence[Binding] = HANDOFFS,
        limits: AmqpLimits | None = None,
    ) -> None:
        self._url, self._clock, self._rng = url, clock, rng
        self._limits = limits or AmqpLimits()
        self._topology = AmqpTopology(topology, handoffs, self._limits.call_s)
        self._publisher = AmqpPublisher(url, clock, rng, self._limits, self._topology)
        self._probe = AmqpProbe(url, clock, rng, self._limits, self._publisher)
        self._consumers: list[AmqpConsumer] = []

    @property
    def recreated_queues(self) -> int:
        """How many queues were deleted under this process and declared again: somebody's mistake."""
        return self._topology.faults.recreated

    @property
    def rebuilt_consumers(self) -> int:
        """How often a consumer that looked alive and received nothing was opened again."""
        return sum(consumer.rebuilds for consumer in self._consumers)

    async def start(self) -> None:
        self._publisher.start()

    async def close(self) -> None:
        """Close everything within the time limits; what is not settled comes again to the next reader."""
        for consumer in self._open_consumers():
            await consumer.close()
        await self._publisher.close()
        await self._probe.close()

    def is_connected(self) -> bool:
        has_readers = all(consumer.is_up for consumer in self._open_consumers())
        return self._publisher.is_up and has_readers and not self._topology.faults.by_queue

    def problems(self) -> Sequence[str]:
        """Return one sentence per problem, without user or password."""
        readers = [consumer.problem for consumer in self._open_consumers() if consumer.problem]
        found = [*self._publisher.problems(), *readers, *self._topology.faults.by_queue.values()]
        return tuple(dict.fromkeys(found))

    async def publish(self, queue: QueueName, bodies: Sequence[bytes]) -> None:
        """Publish in windows and wait for every confirm.

        Raises:
            TransientError: it may have taken some or none of them.
            PermanentError: a body is larger than MAX_EVENT_BYTES.
            KeyError: no such queue in the table.
        """
        check_sizes(bodies)
        await self._publisher.publish(self._topology.row(queue).name, bodies)

    async def publish_outcome(self, routing_key: str, body: bytes, message_id: str) -> None:
        """Hand an event to the exchange ``outcomes``; ``message_id`` is the AMQP message id.

        Raises:
            TransientError: not confirmed, or no queue is bound for the key.
            PermanentError: the body is larger than MAX_EVENT_BYTES, or the key is longer than AMQP allows.
        """
        await self._publisher.publish_outcome(routing_key, body, message_id)

    async def consume(self, queue: QueueName, prefetch: int) -> AmqpConsumer:
        """Open a reader; returns at once, also while RabbitMQ is away."""
        consumer = AmqpConsumer(
            self._url,
            self._topology.row(queue),
            prefetch,
            self._clock,
            self._rng,
            self._limits,
            self._topology,
            self._publisher,
            self._probe.count_ready,
        )
        consumer.start()
        self._consumers.append(consumer)
        return consumer

    async def depth(self, queue: QueueName) -> Depth:
        """Count messages; RabbitMQ does not tell their age.

        Raises:
            TransientError: the broker is away.
        """
        return await self._probe.depth(self._topology.row(queue))

    async def dead_letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        """Show up to ``limit`` dead letters and leave them where they are.

        Raises:
            TransientError: the broker is away.
        """
        return await self._probe.show_dead(self._topology.row(queue), limit)

    async def take_dead_letters(self, queue: QueueName, limit: int) -> Sequence[AmqpDelivery]:
        """Take up to ``limit`` dead letters in hand; what is not settled goes back when the broker is closed.

        Raises:
            TransientError: the broker is away.
        """
        return await self._probe.take_dead(self._topology.row(queue), limit)

    def _open_consumers(self) -> list[AmqpConsumer]:
        return [consumer for consumer in self._consumers if not consumer.is_closed]
