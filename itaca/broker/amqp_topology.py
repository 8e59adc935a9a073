"""The table of queues, declared on RabbitMQ and compared with what is there."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from itaca.broker.amqp_calls import call
from itaca.broker.topology import Binding, Queue, QueueName
from itaca.errors import TransientError

NEVER_BY_COUNT = 1_000_000
"""Delivery limit of queues whose messages must not be dropped for being looked at: RabbitMQ 4 defaults to 20."""

_INEQUIVALENT = re.compile(r"inequivalent arg '(?P<argument>[^']+)'")

Arguments = dict[str, str | int]


@dataclass(frozen=True)
class Declared:
    """One queue as it must be."""

    name: QueueName
    arguments: Arguments


@dataclass
class Faults:
    """What differs, by the main queue it makes unusable; and how many queues had to be declared again.

    Attributes:
        by_queue: main queue, or the hand-off's own queue, to a sentence.
        recreated: queues that were there once and were deleted under us.
        known: queues that this process has seen on the broker.
    """

    by_queue: dict[QueueName, str] = field(default_factory=dict)
    recreated: int = 0
    known: set[QueueName] = field(default_factory=set)


def queues_of(row: Queue) -> Iterator[Declared]:
    """Return the main queue, its retry queues and its dead-letter queue with their arguments.

    All are quorum queues: they alone confirm after a sync to disk. Dead-lettering is ``at-least-once``, which
    needs ``reject-publish``; the default may lose a message between two queues.
    """
    yield Declared(row.name, {**_dead_lettered_to(row.dead), "x-delivery-limit": row.delivery_limit})
    for number, delay_s in enumerate(row.retry_delays_s, start=1):
        yield Declared(row.retry(number), {**_dead_lettered_to(row.name), "x-message-ttl": round(delay_s * 1000)})
    yield Declared(row.dead, _kept())


def _dead_lettered_to(target: QueueName) -> Arguments:
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": target,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _kept() -> Arguments:
    return {"x-queue-type": "quorum", "x-delivery-limit": NEVER_BY_COUNT}


class AmqpTopology:
    """Declares rows of the table; a difference is noted and never raised."""

    def __init__(self, rows: Sequence[Queue], handoffs: Sequence[Binding], timeout_s: float) -> None:
        self._rows, self._handoffs, self._timeout_s = rows, handoffs, timeout_s
        self._log = structlog.get_logger()
        self.faults = Faults()

    def row(self, name: QueueName) -> Queue:
        """Return the row of the main queue.

        Raises:
            KeyError: no such queue.
        """
        return {row.name: row for row in self._rows}[name]

    async def declare(self, connection: AbstractConnection) -> None:
        """Declare the whole table and the exchange for other systems.

        Raises:
            TransientError: the broker is away.
        """
        for row in self._rows:
            await self.declare_row(connection, row)
        for handoff in self._handoffs:
            await self._declare_handoff(connection, handoff)

    async def declare_row(self, connection: AbstractConnection, row: Queue) -> None:
        """Declare one main queue and what belongs to it; ``faults`` says what differs.

        Raises:
            TransientError: the broker is away.
        """
        found = [await self._declare_queue(connection, declared) for declared in queues_of(row)]
        self._note(row.name, found)

    async def _declare_handoff(self, connection: AbstractConnection, handoff: Binding) -> None:
        fault = await self._declare_queue(connection, Declared(handoff.queue, _kept()))
        if not fault:
            fault = await self._bind(connection, handoff)
        self._note(handoff.queue, [fault])

    async def _bind(self, connection: AbstractConnection, handoff: Binding) -> str:
        channel = connection.channel()
        try:
            await call(channel.initialize(), self._timeout_s, "opening a channel")
            exchange = channel.declare_exchange(handoff.exchange, "topic", durable=True)
            await call(exchange, self._timeout_s, f"declaring the exchange {handoff.exchange}")
            queue = await channel.get_queue(handoff.queue, ensure=False)
            await call(queue.bind(handoff.exchange, handoff.routing_key), self._timeout_s, f"binding {handoff.queue}")
        except TransientError as error:
            return _difference(f"the exchange {handoff.exchange}", error)
        await call(channel.close(), self._timeout_s, "closing a channel")
        return ""

    async def _declare_queue(self, connection: AbstractConnection, declared: Declared) -> str:
        """Declare and return what differs, or nothing. A refusal closes the channel, so each has its own."""
        if declared.name in self.faults.known:
            await self._note_deleted(connection, declared.name)
        channel = connection.channel()
        try:
            await call(channel.initialize(), self._timeout_s, "opening a channel")
            queue = channel.declare_queue(declared.name, durable=True, arguments=dict(declared.arguments))
            await call(queue, self._timeout_s, f"declaring {declared.name}")
        except TransientError as error:
            return _difference(f"the queue {declared.name}", error)
        self.faults.known.add(declared.name)
        await call(channel.close(), self._timeout_s, "closing a channel")
        return ""

    async def _note_deleted(self, connection: AbstractConnection, name: QueueName) -> None:
        """Count a queue that was there and is gone: re-declaring it in silence would hide somebody's mistake."""
        channel = connection.channel()
        try:
            await call(channel.initialize(), self._timeout_s, "opening a channel")
            await call(channel.declare_queue(name, passive=True), self._timeout_s, f"looking for {name}")
            await call(channel.close(), self._timeout_s, "closing a channel")
        except TransientError as error:
            if not isinstance(error.__cause__, ChannelNotFoundEntity):
                raise
            self.faults.recreated += 1
            self._log.error("broker.queue_recreated", queue=name)

    def _note(self, queue: QueueName, found: Sequence[str]) -> None:
        differences = "; ".join(filter(None, found))
        if differences and self.faults.by_queue.get(queue) != differences:
            self._log.error("broker.topology_refused", queue=queue, problem=differences)
        if differences:
            self.faults.by_queue[queue] = differences
        else:
            self.faults.by_queue.pop(queue, None)


def _difference(what: str, error: TransientError) -> str:
    """Say which argument differs (406), or let the error pass."""
    if not isinstance(error.__cause__, ChannelPreconditionFailed):
        raise error
    match = _INEQUIVALENT.search(str(error.__cause__))
    argument = match["argument"] if match else "its arguments"
    return f"{what} exists with another {argument} than Itaca declares; empty it, delete it, and it is declared again"
