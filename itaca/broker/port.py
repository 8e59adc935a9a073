"""The port: what a stage may ask of a broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from itaca.broker.topology import QueueName


@dataclass(frozen=True)
class DeadLetter:
    """A message that nobody could handle, as shown to people: ``reason`` in words, ``died_at`` ISO 8601."""

    queue: QueueName
    position: int
    body: bytes
    reason: str
    died_at: str


@dataclass(frozen=True)
class Depth:
    """How full a queue is: messages ready, waiting for a retry, and dead; oldest age in seconds if known."""

    ready: int
    retrying: int
    dead: int
    oldest_age_s: float | None = None


class Delivery(Protocol):
    """One message in hand. Exactly one of ``ack``, ``retry`` and ``dead_letter`` is called, once.

    All three are durable when they return, except ``ack``, which may be lost: the message then comes again and
    the handler must be idempotent.
    """

    @property
    def body(self) -> bytes: ...

    @property
    def attempt(self) -> int:
        """1 for the first time, counting retries and redeliveries as far as the broker knows them."""
        ...

    async def ack(self) -> None: ...

    async def retry(self, reason: str) -> None:
        """Hand it back: it comes again after the delay of its attempt, or goes to the dead letters after the last."""
        ...

    async def dead_letter(self, reason: str) -> None: ...


class Consumer(Protocol):
    """One reader of one queue."""

    async def receive(self, limit: int) -> Sequence[Delivery]:
        """Wait for at least one message and return up to ``limit`` that are at hand, in order of arrival."""
        ...

    async def ack_all(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge many in few frames; the same as ``ack`` on each."""
        ...

    async def close(self) -> None:
        """Stop receiving; what was received and not settled goes back to the queue."""
        ...


class Broker(Protocol):
    """Moves events. It may lose everything at any time: the ledger, not the broker, is the truth."""

    async def start(self) -> None:
        """Connect in the background for ever, declaring the topology; returns at once, never raises."""
        ...

    async def close(self) -> None: ...

    def is_connected(self) -> bool: ...

    def problems(self) -> Sequence[str]:
        """Return what is wrong in words (not connected, a queue with other arguments), for readiness and logs."""
        ...

    async def publish(self, queue: QueueName, bodies: Sequence[bytes]) -> None:
        """Return when the broker has taken responsibility for all bodies (persistent, mandatory, confirmed).

        Raises:
            TransientError: it may have taken some or none of them.
        """
        ...

    async def publish_outcome(self, routing_key: str, body: bytes, message_id: str) -> None:
        """Hand an event to other systems by the exchange ``outcomes``; as ``publish``.

        Raises:
            TransientError: not confirmed, or no queue is bound for the key.
        """
        ...

    async def consume(self, queue: QueueName, prefetch: int) -> Consumer:
        """Open a reader that survives reconnects."""
        ...

    async def depth(self, queue: QueueName) -> Depth:
        """Count messages by a connection of its own (a robust channel answers from a cache).

        Raises:
            TransientError: the broker is away.
        """
        ...

    async def dead_letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        """Show up to ``limit`` dead letters and leave them where they are."""
        ...

    async def take_dead_letters(self, queue: QueueName, limit: int) -> Sequence[Delivery]:
        """Take up to ``limit`` dead letters in hand without waiting; ``ack`` removes one, ``retry`` returns it
        to its main queue, ``dead_letter`` puts it back among the dead letters."""
        ...
