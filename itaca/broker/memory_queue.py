"""One queue in memory, with its retries and its dead letters."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from itaca.broker.port import DeadLetter, Depth
from itaca.broker.reasons import delivery_limit_reason, last_retry_reason
from itaca.broker.topology import Queue
from itaca.clock import Clock
from itaca.errors import TransientError


@dataclass(frozen=True)
class Message:
    """A body and its history: retries asked for, returns without a settlement, and its end if it died."""

    body: bytes
    queued_at: datetime
    retries: int = 0
    returns: int = 0
    reason: str = ""
    died_at: str = ""


class Bell:
    """Wakes everyone who waits, once per ring, in the order of their coming."""

    def __init__(self) -> None:
        self._waiters: dict[asyncio.Future[None], None] = {}

    def ring(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = None
        try:
            await waiter
        finally:
            self._waiters.pop(waiter, None)


class MemoryDelivery:
    """One message in hand."""

    def __init__(self, queue: "MemoryQueue", message: Message, epoch: int, *, is_dead: bool) -> None:
        self.message = message
        self.is_settled = False
        self._queue = queue
        self._epoch = epoch
        self._is_dead = is_dead

    @property
    def body(self) -> bytes:
        return self.message.body

    @property
    def attempt(self) -> int:
        return 1 + self.message.retries + self.message.returns

    async def ack(self) -> None:
        if self.claim():
            self._queue.drop(self.message)

    async def retry(self, reason: str) -> None:
        if not self.claim():
            return
        if self._is_dead:
            self._queue.revive(self.message)
        else:
            self._queue.retry_later(self.message, reason)

    async def dead_letter(self, reason: str) -> None:
        if self.claim():
            self._queue.bury(self.message, reason)

    def claim(self) -> bool:
        """Claim the settlement; false when it is settled, or the broker has forgotten the message."""
        if self.is_settled or self._epoch != self._queue.epoch:
            self.is_settled = True
            return False
        self.is_settled = True
        self._queue.changed.ring()
        return True


class MemoryQueue:
    """Ready, in hand, waiting for a retry, dead: bounded together, so that memory is bounded.

    Attributes:
        changed: rings when a message or room for one may be there.
        epoch: how many times everything was forgotten.
    """

    def __init__(self, row: Queue, clock: Clock, max_messages: int, max_bytes: int) -> None:
        self.changed = Bell()
        self.epoch = 0
        self._row = row
        self._clock = clock
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._ready: deque[Message] = deque()
        self._dead: deque[Message] = deque()
        self._waiting: set[asyncio.Task[None]] = set()
        self._messages = self._bytes = 0

    async def publish(self, bodies: Sequence[bytes]) -> None:
        """Append all or none.

        Raises:
            TransientError: there is no room.
        """
        size_bytes = sum(map(len, bodies))
        if self._messages + len(bodies) > self._max_messages or self._bytes + size_bytes > self._max_bytes:
            raise TransientError(f"the queue {self._row.name} in memory is full")
        self._messages += len(bodies)
        self._bytes += size_bytes
        now = self._clock.now()
        self._ready.extend(Message(body, now) for body in bodies)
        self.changed.ring()
        await asyncio.sleep(0)

    def take(self, limit: int) -> list[MemoryDelivery]:
        """Take up to ``limit`` ready messages in hand, in order of arrival."""
        count = max(0, min(limit, len(self._ready)))
        return [MemoryDelivery(self, self._ready.popleft(), self.epoch, is_dead=False) for _ in range(count)]

    def put_back(self, deliveries: Sequence[MemoryDelivery]) -> None:
        """Return messages that nobody settled to the head, or to the dead letters past the delivery limit.

        ``deliveries`` come in the order in which they were received.
        """
        for delivery in reversed(deliveries):
            if not delivery.claim():
                continue
            message = replace(delivery.message, returns=delivery.message.returns + 1)
            if message.returns > self._row.delivery_limit:
                self.bury(message, delivery_limit_reason(message.returns))
            else:
                self._ready.appendleft(message)
        self.changed.ring()

    def drop(self, message: Message) -> None:
        """Let a settled message go."""
        self._messages -= 1
        self._bytes -= len(message.body)

    def retry_later(self, message: Message, reason: str) -> None:
        """Bring the message back after the delay of its attempt; after the last delay it is dead."""
        if message.retries >= len(self._row.retry_delays_s):
            self.bury(message, last_retry_reason(message.retries, reason))
            return
        delay_s = self._row.retry_delays_s[message.retries]
        again = replace(message, retries=message.retries + 1, returns=0)
        task = asyncio.get_running_loop().create_task(self._come_back(again, delay_s))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def revive(self, message: Message) -> None:
        """Put a dead letter back into the queue, as new."""
        self._ready.append(Message(message.body, self._clock.now()))
        self.changed.ring()

    def bury(self, message: Message, reason: str) -> None:
        """Add to the dead letters."""
        self._dead.append(replace(message, reason=reason, died_at=self._clock.now().isoformat()))

    def show_dead(self, limit: int) -> list[DeadLetter]:
        """Show up to ``limit`` dead letters, oldest first."""
        return [
            DeadLetter(self._row.name, position, message.body, message.reason, message.died_at)
            for position, message in enumerate(islice(self._dead, limit))
        ]

    def take_dead(self, limit: int) -> list[MemoryDelivery]:
        """Take up to ``limit`` dead letters in hand."""
        count = min(limit, len(self._dead))
        return [MemoryDelivery(self, self._dead.popleft(), self.epoch, is_dead=True) for _ in range(count)]

    def depth(self) -> Depth:
        """Count the messages; the age is of the head of the queue, in seconds."""
        age_s = (self._clock.now() - self._ready[0].queued_at).total_seconds() if self._ready else None
        return Depth(len(self._ready), len(self._waiting), len(self._dead), age_s)

    def forget(self) -> None:
        """Lose everything, also what is in hand."""
        self.epoch += 1
        self._ready.clear()
        self._dead.clear()
        for task in self._waiting:
            task.cancel()
        self._waiting.clear()
        self._messages = self._bytes = 0
        self.changed.ring()

    async def _come_back(self, message: Message, delay_s: float) -> None:
        await self._clock.sleep(delay_s)
        self._ready.append(message)
        self.changed.ring()
