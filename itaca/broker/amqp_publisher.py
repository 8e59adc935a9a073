"""The only place that publishes: persistent, mandatory, confirmed, many at once."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC
from functools import partial

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, DeliveryMode
from aio_pika.exceptions import DeliveryError, PublishError
from aiormq.channel import Channel as DriverChannel
from pamqp.commands import Basic

from itaca.broker.amqp_calls import call, describe, driver_channel, end
from itaca.broker.amqp_connection import AmqpConnection, AmqpLimits
from itaca.broker.amqp_session import Headers
from itaca.broker.amqp_topology import AmqpTopology
from itaca.broker.sizes import check_sizes
from itaca.broker.topology import OUTCOMES_EXCHANGE, QueueName
from itaca.clock import Clock
from itaca.errors import PermanentError, TransientError

WINDOW = 100
"""Unconfirmed messages under way per call: one by one is six times slower, more gains nothing (speed.md)."""
MAX_SILENT_CALLS = 2
"""After so many calls without a confirm in time the connection is opened again."""
SILENCE_REPORTED_S = 60.0
"""A call without a confirm is a problem for so long, unless a confirm or a new connection ends it before."""
MAX_ROUTING_KEY_BYTES = 255


class AmqpPublisher:
    """Publishes on a connection of its own: an alarm of the broker blocks a publishing connection as a whole."""

    def __init__(
        self, url: str, clock: Clock, rng: random.Random, limits: AmqpLimits, topology: AmqpTopology
    ) -> None:
        self._clock, self._rng, self._limits, self._topology = clock, rng, limits, topology
        self._connection = AmqpConnection(url, "publishing", clock, rng, limits, self._attach, self._detach)
        self._open_connection: AbstractConnection | None = None
        self._channels: tuple[AbstractChannel, ...] = ()
        self._events: DriverChannel | None = None
        self._outcomes: DriverChannel | None = None
        self._one_outcome_at_a_time = asyncio.Lock()
        self._redeclaring: asyncio.Task[None] | None = None
        self._silent_calls = 0
        self._silent_at_s = self._opened_at_s = 0.0
        self._log = structlog.get_logger()

    def start(self) -> None:
        self._connection.start()

    async def close(self) -> None:
        await end(self._redeclaring)
        await self._connection.close()

    @property
    def is_up(self) -> bool:
        return self._connection.is_up and not self._is_silent()

    def problems(self) -> list[str]:
        """Return what is wrong in words."""
        found = [self._connection.problem] if self._connection.problem else []
        if self._is_silent():
            found.append("publishing: no confirm in time: the broker has a memory or disk alarm, or is stalled")
        return found

    async def publish(self, queue: QueueName, bodies: Sequence[bytes], headers: Headers | None = None) -> None:
        """Return when the broker has confirmed all bodies, of whatever size.

        What somebody else put into a queue of ours may be larger than any event; it must be able to go on to the
        dead letters, or it would stay at the head of its queue for ever.

        Raises:
            TransientError: it may have taken some or none of them.
        """
        for start in range(0, len(bodies), WINDOW):
            await self._connection.wait_up()
            messages = [(body, self._properties(headers, "")) for body in bodies[start : start + WINDOW]]
            await self._send(self._events, "", queue, messages)

    async def publish_outcome(self, routing_key: str, body: bytes, message_id: str) -> None:
        """Hand an event to the exchange ``outcomes``.

        The receiver knows a repeated event by ``message_id``, so this id is not fresh per attempt. The driver
        matches returned messages by that id and would mix up two of the same under way: one goes at a time.

        Raises:
            TransientError: not confirmed, or no queue is bound for the key.
            PermanentError: the body is larger than MAX_EVENT_BYTES, or the key is longer than AMQP allows.
        """
        check_sizes([body])
        if len(routing_key.encode()) > MAX_ROUTING_KEY_BYTES:
            raise PermanentError(f"a routing key is over the limit of {MAX_ROUTING_KEY_BYTES} bytes")
        await self._connection.wait_up()
        async with self._one_outcome_at_a_time:
            message = (body, self._properties(None, message_id))
            await self._send(self._outcomes, OUTCOMES_EXCHANGE, routing_key, [message])

    async def _send(
        self,
        channel: DriverChannel | None,
        exchange: str,
        routing_key: str,
        messages: Sequence[tuple[bytes, Basic.Properties]],
    ) -> None:
        """Publish one window and wait for its confirms."""
        if fault := self._topology.faults.by_queue.get(QueueName(routing_key)):
            raise TransientError(fault)
        if channel is None:
            raise TransientError(self._connection.problem or "publishing: the connection is being opened again")
        what = f"publishing to {routing_key}"
        publish = partial(
            channel.basic_publish, exchange=exchange, routing_key=routing_key, mandatory=True, wait=False
        )
        window = (publish(body, properties=properties) for body, properties in messages)
        try:
            answers = await call(asyncio.gather(*window, return_exceptions=True), self._limits.call_s, what)
        except TransientError:
            self._note_silence()
            raise
        failed = [answer for answer in answers if not isinstance(answer, Basic.Ack)]
        if len(failed) < len(answers):
            self._silent_calls = 0
        if failed:
            self._after_failure(failed)
            raise TransientError(f"{what}: {len(failed)} of {len(answers)} not taken: {_first_words(failed)}")

    def _properties(self, headers: Headers | None, message_id: str) -> Basic.Properties:
        return Basic.Properties(
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT.value,
            # Fresh for each attempt: the driver finds the publisher of a returned message by this id.
            message_id=message_id or f"{self._rng.getrandbits(128):032x}",
            timestamp=self._clock.now().astimezone(UTC),
            app_id="itaca",
            headers=dict(headers or {}),
        )

    def _note_silence(self) -> None:
        self._silent_calls += 1
        self._silent_at_s = self._clock.monotonic_s()
        if self._silent_calls % MAX_SILENT_CALLS == 0:
            self._connection.restart("publishes were not confirmed in time")

    def _is_silent(self) -> bool:
        return bool(self._silent_calls) and self._clock.monotonic_s() - self._silent_at_s < SILENCE_REPORTED_S

    def _after_failure(self, failed: Sequence[object]) -> None:
        """Mend what the answers show.

        An unroutable message means that a queue is gone: declare the table again, once at a time. A refused one means
        that its queue is full. RabbitMQ tells the publishers of a quorum queue once that it is, and never that its
        limit was lifted: a channel that heard it refuses for ever (seen with 3.10). Only a young one is believed.
        """
        if any(isinstance(answer, PublishError) for answer in failed):
            self._redeclare_after(0)
        elif any(isinstance(answer, DeliveryError) for answer in failed) and self._is_old():
            self._connection.restart("a queue refused what was published")

    def _is_old(self) -> bool:
        return self._clock.monotonic_s() - self._opened_at_s >= self._limits.recheck_s

    def _redeclare_after(self, delay_s: float) -> None:
        if self._redeclaring is None or self._redeclaring.done():
            self._redeclaring = asyncio.get_running_loop().create_task(self._redeclare(delay_s))

    async def _redeclare(self, delay_s: float) -> None:
        """Declare the table on the living connection, and again while something differs."""
        while True:
            if delay_s:
                await self._clock.sleep(delay_s)
            connection, delay_s = self._open_connection, self._limits.recheck_s
            if connection is not None:
                try:
                    await self._topology.declare(connection)
                except TransientError as error:
                    self._log.warning("broker.topology_unchecked", problem=str(error))
            if not self._topology.faults.by_queue:
                return

    async def _attach(self, connection: AbstractConnection) -> None:
        await self._topology.declare(connection)
        events = await self._connection.open_channel(connection, confirms=True)
        outcomes = await self._connection.open_channel(connection, confirms=True)
        self._channels = (events, outcomes)
        self._events = await driver_channel(events)
        self._outcomes = await driver_channel(outcomes)
        self._open_connection = connection
        self._opened_at_s = self._clock.monotonic_s()
        self._silent_calls = 0
        if self._topology.faults.by_queue:
            self._redeclare_after(self._limits.recheck_s)

    def _detach(self) -> None:
        self._open_connection = None
        self._events = self._outcomes = None
        self._channels = ()


def _first_words(failed: Sequence[object]) -> str:
    first = failed[0]
    if isinstance(first, asyncio.CancelledError):
        return "the connection was declared stuck"
    if isinstance(first, PublishError):
        return "no queue is bound for it"
    return describe(first) if isinstance(first, BaseException) else "refused by the broker"
