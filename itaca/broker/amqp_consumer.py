"""One reader of one queue, restored after every loss."""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage

from itaca.broker.amqp_calls import call, driver_channel, end
from itaca.broker.amqp_connection import AmqpConnection, AmqpLimits
from itaca.broker.amqp_session import AmqpDelivery, AmqpSession, Publishing
from itaca.broker.amqp_topology import AmqpTopology
from itaca.broker.port import Delivery
from itaca.broker.topology import Queue, QueueName
from itaca.clock import Clock
from itaca.errors import PermanentError, TransientError

LOOKS_PER_STALL = 4
MOST_FRUITLESS_REBUILDS = 3
"""So many new connections without one delivery, while messages are ready: the fault is in this process."""


class AmqpConsumer:
    """Receives on a connection of its own, so that nothing that stops publishing stops consuming.

    A connection that looks alive proves nothing. While the queue has ready messages and room is left in the
    prefetch, deliveries must come; when none comes for ``stall_s`` the connection is opened again. When that has
    not helped three times in a row, ``receive`` says so for good, and the process ends: its supervisor starts it
    anew, which is the only cure left.

    Attributes:
        rebuilds: how often the watchdog opened the connection again.
    """

    def __init__(
        self,
        url: str,
        row: Queue,
        prefetch: int,
        clock: Clock,
        rng: random.Random,
        limits: AmqpLimits,
        topology: AmqpTopology,
        publisher: Publishing,
        count_ready: Callable[[QueueName], Awaitable[int]],
    ) -> None:
        self._row, self._prefetch, self._clock, self._limits = row, prefetch, clock, limits
        self._topology, self._publisher, self._count_ready = topology, publisher, count_ready
        role = f"consuming {row.name}"
        self._connection = AmqpConnection(url, role, clock, rng, limits, self._attach, self._detach)
        self._channel: AbstractChannel | None = None
        self._session: AmqpSession | None = None
        self._arrived: deque[AmqpDelivery] = deque()
        self._news = asyncio.Event()
        self._deliveries = 0
        self._is_closed = False
        self._tag = ""
        self._watchdog: asyncio.Task[None] | None = None
        self._log = structlog.get_logger().bind(queue=row.name)
        self._fruitless = 0
        self.rebuilds = 0

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._connection.start()
        self._watchdog = asyncio.get_running_loop().create_task(self._watch())

    @property
    def is_up(self) -> bool:
        return self._connection.is_up

    @property
    def problem(self) -> str:
        return self._connection.problem

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    async def receive(self, limit: int) -> Sequence[AmqpDelivery]:
        """Wait for at least one message.

        Raises:
            TransientError: the consumer is closed.
            PermanentError: it was opened again three times and still receives nothing of what is ready.
        """
        while not self._arrived:
            if self._is_closed:
                raise TransientError("the consumer is closed")
            if self._fruitless >= MOST_FRUITLESS_REBUILDS:
                raise PermanentError(f"{self._row.name} cannot be read by this process; it must be started anew")
            self._news.clear()
            await self._news.wait()
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    async def ack_all(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge many in few frames; those of a lost channel are passed over, for they come again."""
        if self._session is not None:
            session = self._session
            ours = (delivery for delivery in deliveries if isinstance(delivery, AmqpDelivery))
            await session.ack([delivery.tag for delivery in ours if delivery.belongs_to(session)])

    async def close(self) -> None:
        """Stop receiving; RabbitMQ returns to the queue what is not settled."""
        self._is_closed = True
        await end(self._watchdog)
        await self._end_in_order()
        await self._connection.close()
        self._news.set()

    async def _attach(self, connection: AbstractConnection) -> None:
        await self._topology.declare_row(connection, self._row)
        if fault := self._topology.faults.by_queue.get(self._row.name):
            raise TransientError(fault)
        self._channel = await self._connection.open_channel(connection, confirms=False)
        channel = await driver_channel(self._channel)
        channel.on_consumer_cancel_callbacks.add(self._on_cancelled)
        session = self._session = AmqpSession(channel, self._limits.call_s)

        async def on_message(message: DeliveredMessage) -> None:
            # Only a hand-over: the driver cancels this task when the connection is lost.
            self._take(session, message)

        await call(channel.basic_qos(prefetch_count=self._prefetch), self._limits.call_s, "setting the prefetch")
        consuming = channel.basic_consume(self._row.name, on_message)
        self._tag = (await call(consuming, self._limits.call_s, "consuming")).consumer_tag or ""

    async def _end_in_order(self) -> None:
        """Stop the deliveries and wait for RabbitMQ, which else drops acknowledgements that it has not worked off.

        They would only cost a second delivery, so a failure here is of no account.
        """
        if self._channel is not None and self._session is not None:
            try:
                channel = await driver_channel(self._channel)
                await call(channel.basic_cancel(self._tag), self._limits.close_s, "cancelling the consumer")
            except TransientError as error:
                self._log.info("broker.consumer_abandoned", reason=str(error))

    def _take(self, session: AmqpSession, message: DeliveredMessage) -> None:
        if session.is_over:
            return
        delivery = AmqpDelivery(session, message, self._row, self._publisher, self._clock)
        session.outstanding[delivery.tag] = None
        self._deliveries += 1
        self._fruitless = 0
        self._arrived.append(delivery)
        self._news.set()

    def _detach(self) -> None:
        """Forget what nobody has received yet: it comes again, and settling the old delivery would fail."""
        if self._session is not None:
            self._session.is_over = True
        self._session = None
        self._channel = None
        self._arrived.clear()

    def _on_cancelled(self, _: object) -> None:
        self._connection.restart("RabbitMQ cancelled the consumer: its queue was deleted or lost its leader")

    async def _watch(self) -> None:
        """Compare deliveries with the queue's own count, four times per ``stall_s``."""
        stalled_since_s: float | None = None
        seen = 0
        while True:
            await self._clock.sleep(self._limits.stall_s / LOOKS_PER_STALL)
            has_progress, seen = self._deliveries != seen, self._deliveries
            if has_progress or not self._has_room() or not await self._has_ready():
                stalled_since_s = None
                continue
            now_s = self._clock.monotonic_s()
            stalled_since_s = now_s if stalled_since_s is None else stalled_since_s
            if now_s - stalled_since_s >= self._limits.stall_s:
                self.rebuilds += 1
                self._fruitless += 1
                self._news.set()
                stalled_since_s = None
                self._log.error("broker.consumer_rebuilt", rebuilds=self.rebuilds)
                self._connection.restart(f"messages are ready and none came for {self._limits.stall_s:g} s")

    def _has_room(self) -> bool:
        return self._session is not None and len(self._session.outstanding) < self._prefetch

    async def _has_ready(self) -> bool:
        try:
            return await self._count_ready(self._row.name) > 0
        except TransientError:
            return False
