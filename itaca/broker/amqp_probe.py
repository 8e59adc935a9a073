"""Questions to RabbitMQ on a connection of their own: counts and dead letters."""

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from itaca.broker.amqp_calls import call, driver_channel
from itaca.broker.amqp_connection import AmqpConnection, AmqpLimits
from itaca.broker.amqp_session import (
    DELIVERY_COUNT_HEADER,
    DIED_AT_HEADER,
    REASON_HEADER,
    AmqpDelivery,
    AmqpSession,
    Publishing,
)
from itaca.broker.port import DeadLetter, Depth
from itaca.broker.reasons import broker_reason, delivery_limit_reason
from itaca.broker.topology import Queue, QueueName
from itaca.clock import Clock
from itaca.errors import TransientError


class AmqpProbe:
    """Asks; the connection opens with the first question and publishes nothing, so that alarms do not block it."""

    def __init__(self, url: str, clock: Clock, rng: random.Random, limits: AmqpLimits, publisher: Publishing) -> None:
        self._clock, self._limits, self._publisher = clock, limits, publisher
        self._connection = AmqpConnection(url, "probing", clock, rng, limits, self._attach, self._detach)
        self._opened: AbstractConnection | None = None
        self._counting: AbstractChannel | None = None
        self._taken: list[tuple[AbstractChannel, AmqpSession]] = []
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """Close; dead letters that were taken and not settled go back."""
        await self._connection.close()

    async def depth(self, row: Queue) -> Depth:
        """Count the messages of the main queue, its retry queues and its dead letters.

        Raises:
            TransientError: the broker is away.
        """
        ready = await self.count_ready(row.name)
        retrying = [await self.count_ready(row.retry(number + 1)) for number in range(len(row.retry_delays_s))]
        return Depth(ready, sum(retrying), await self.count_ready(row.dead))

    async def count_ready(self, queue: QueueName) -> int:
        """Return how many messages are ready; 0 for a queue that is not there.

        Raises:
            TransientError: the broker is away.
        """
        async with self._one_at_a_time:
            channel = await self._counting_channel()
            driver = await driver_channel(channel)
            try:
                question = driver.queue_declare(queue, passive=True)
                answer = await call(question, self._limits.call_s, f"counting {queue}")
            except TransientError as error:
                self._counting = None
                if isinstance(error.__cause__, ChannelNotFoundEntity):
                    return 0
                self._connection.restart(str(error))
                raise
        return answer.message_count or 0

    async def show_dead(self, row: Queue, limit: int) -> list[DeadLetter]:
        """Look at up to ``limit`` dead letters and return them to their place.

        Raises:
            TransientError: the broker is away.
        """
        channel = await self._new_channel()
        try:
            messages = await self._get(channel, row.dead, limit)
            if messages:
                driver = await driver_channel(channel)
                back = driver.basic_nack(messages[-1].delivery_tag or 0, multiple=True, requeue=True)
                await call(back, self._limits.call_s, "returning dead letters")
        finally:
            await self._close(channel)
        return [_shown(row.name, position, message) for position, message in enumerate(messages)]

    async def take_dead(self, row: Queue, limit: int) -> list[AmqpDelivery]:
        """Take up to ``limit`` dead letters in hand; they return when their channel closes.

        Raises:
            TransientError: the broker is away.
        """
        await self._close_settled()
        channel = await self._new_channel()
        try:
            messages = await self._get(channel, row.dead, limit)
        except TransientError:
            await self._close(channel)
            raise
        if not messages:
            await self._close(channel)
            return []
        session = AmqpSession(await driver_channel(channel), self._limits.call_s)
        session.outstanding.update((message.delivery_tag or 0, None) for message in messages)
        self._taken.append((channel, session))
        publisher, clock = self._publisher, self._clock
        return [AmqpDelivery(session, message, row, publisher, clock, is_dead=True) for message in messages]

    async def _get(self, channel: AbstractChannel, queue: QueueName, limit: int) -> list[DeliveredMessage]:
        driver = await driver_channel(channel)
        messages: list[DeliveredMessage] = []
        while len(messages) < limit:
            try:
                message = await call(driver.basic_get(queue), self._limits.call_s, f"reading {queue}")
            except TransientError as error:
                if isinstance(error.__cause__, ChannelNotFoundEntity):
                    break
                raise
            if isinstance(message.delivery, Basic.GetEmpty):
                break
            messages.append(message)
        return messages

    async def _counting_channel(self) -> AbstractChannel:
        if self._counting is None or self._counting.is_closed:
            self._counting = await self._new_channel()
        return self._counting

    async def _new_channel(self) -> AbstractChannel:
        self._connection.start()
        await self._connection.wait_up()
        if self._opened is None:
            raise TransientError(self._connection.problem)
        channel = self._opened.channel(publisher_confirms=False)
        await call(channel.initialize(), self._limits.call_s, "opening a channel")
        return channel

    async def _close_settled(self) -> None:
        done = [taken for taken in self._taken if not taken[1].outstanding]
        self._taken = [taken for taken in self._taken if taken[1].outstanding]
        for channel, _ in done:
            await self._close(channel)

    async def _close(self, channel: AbstractChannel) -> None:
        try:
            await call(channel.close(), self._limits.call_s, "closing a channel")
        except TransientError as error:
            self._connection.restart(str(error))

    async def _attach(self, connection: AbstractConnection) -> None:
        self._opened = connection

    def _detach(self) -> None:
        self._opened = self._counting = None
        for _, session in self._taken:
            session.is_over = True
        self._taken.clear()


def _shown(queue: QueueName, position: int, message: DeliveredMessage) -> DeadLetter:
    """Read reason and date from our own headers, or from RabbitMQ's where it gave the message up itself."""
    headers = message.header.properties.headers or {}
    if REASON_HEADER in headers and DIED_AT_HEADER in headers:
        return DeadLetter(queue, position, message.body, str(headers[REASON_HEADER]), str(headers[DIED_AT_HEADER]))
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    death: Mapping[str, object] = first if isinstance(first, dict) else {}
    died_at = death.get("time")
    moment = died_at.isoformat() if isinstance(died_at, datetime) else ""
    return DeadLetter(queue, position, message.body, _reason_of(death, headers), moment)


def _reason_of(death: Mapping[str, object], headers: Mapping[str, object]) -> str:
    code, returns = str(death.get("reason", "unknown")), headers.get(DELIVERY_COUNT_HEADER)
    if code == "delivery_limit" and isinstance(returns, int):
        return delivery_limit_reason(returns)
    return broker_reason(code)
