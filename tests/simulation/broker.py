"""The broker of the simulation: the product's in-memory broker behind a line that loses, doubles and delays."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from itaca.broker.memory import MemoryBroker, MemoryConsumer
from itaca.broker.memory_queue import MemoryDelivery
from itaca.broker.port import DeadLetter, Depth
from itaca.broker.topology import ROUTER_MAIL_CLASSIFIED, QueueName
from itaca.errors import TransientError
from tests.simulation.chances import Chances
from tests.simulation.log import Log
from tests.simulation.loop import Life, SimLoop, outside

NOTICED_DEAD_S = 30.0


class Station:
    """The broker itself, which outlives every process unless it is restarted."""

    def __init__(self, memory: MemoryBroker, loop: SimLoop, chances: Chances, log: Log) -> None:
        self.memory, self.loop, self.chances, self.log = memory, loop, chances, log
        self._back: asyncio.Event | None = None
        self.is_acked_rightly: Callable[[QueueName, bytes], bool] = lambda queue, body: True
        """Says whether the work that a message asks for is done, so that it may be forgotten."""
        self.answered: set[str] = set()
        """Mails that the classifier has published an answer for."""
        self.problems: list[str] = []

    def watch_ack(self, queue: QueueName, body: bytes) -> None:
        if not self.is_acked_rightly(queue, body):
            self.problems.append(f"ACKED: a message of {queue} before its work was done")

    @property
    def is_away(self) -> bool:
        return self._back is not None

    def go_away(self, seconds: float) -> None:
        """Be unreachable for some time, and remember nothing of before."""
        if self._back is None:
            self.log.note("broker", "goes away", seconds)
            self.memory.forget_everything()
            self._back = asyncio.Event()
            self.loop.call_later(seconds, self.come_back, context=outside())

    def come_back(self) -> None:
        back, self._back = self._back, None
        if back is not None:
            back.set()

    def forget(self) -> None:
        self.log.note("broker", "forgets everything")
        self.memory.forget_everything()

    async def until_back(self) -> None:
        while self._back is not None:
            await self._back.wait()

    async def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something on the broker's own account: it goes on when whoever asked for it is killed."""
        return await self.loop.create_task(work, context=outside())

    def later(self, seconds: float, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self.loop.call_later(seconds, lambda: self.loop.create_task(work()), context=outside())


class Hand:
    """One message in a consumer's hand."""

    def __init__(self, inner: MemoryDelivery, queue: QueueName, station: Station) -> None:
        self.inner, self._queue, self._station = inner, queue, station

    @property
    def body(self) -> bytes:
        return self.inner.body

    @property
    def attempt(self) -> int:
        return self.inner.attempt

    async def ack(self) -> None:
        self._station.watch_ack(self._queue, self.body)
        await self.inner.ack()

    async def retry(self, reason: str) -> None:
        await self._station.do(self.inner.retry(reason))

    async def dead_letter(self, reason: str) -> None:
        await self._station.do(self.inner.dead_letter(reason))


class Reader:
    """One process's reader of one queue; its connection is cut now and then."""

    def __init__(self, inner: MemoryConsumer, queue: QueueName, prefetch: int, station: Station) -> None:
        self._inner, self._queue, self._prefetch, self._station = inner, queue, prefetch, station

    async def receive(self, limit: int) -> Sequence[Hand]:
        await self._station.until_back()
        if self._station.chances.happens("consumer_cut"):
            await self._cut()
            raise TransientError("the connection was cut")
        return [Hand(one, self._queue, self._station) for one in await self._inner.receive(limit)]

    async def ack_all(self, deliveries: Sequence[Hand]) -> None:
        if self._station.chances.happens("ack_lost"):
            await self._cut()
            return
        for delivery in deliveries:
            await delivery.ack()

    async def close(self) -> None:
        await self._inner.close()

    def abandon(self) -> None:
        """The process is dead: the broker notices some time later."""
        inner = self._inner
        self._station.later(self._station.chances.rng.uniform(0, NOTICED_DEAD_S), inner.close)

    async def _cut(self) -> None:
        memory = self._station.memory
        inner, self._inner = self._inner, await memory.consume(self._queue, self._prefetch)
        await inner.close()


class Wire:
    """One process's connection to the broker."""

    def __init__(self, name: str, life: Life, station: Station) -> None:
        self._name, self._life, self._station = name, life, station
        self._chances = station.chances

    async def start(self) -> None:
        """Be ready at once."""

    async def close(self) -> None:
        """Nothing is held."""

    def is_connected(self) -> bool:
        return not self._station.is_away

    def problems(self) -> Sequence[str]:
        return ()

    async def publish(self, queue: QueueName, bodies: Sequence[bytes]) -> None:
        await self._travel("publish_refused")
        for body in bodies:
            if queue == ROUTER_MAIL_CLASSIFIED:
                self._station.answered.add(json.loads(body)["mail_id"])
            await self._carry(queue, body)
        if self._chances.happens("publish_answer_lost"):
            self._station.log.note(self._name, "never hears of its publish", queue)
            raise TransientError("the confirm was lost")
        await asyncio.sleep(0)

    async def publish_outcome(self, routing_key: str, body: bytes, message_id: str) -> None:
        await self._travel("publish_refused")
        await self._station.do(self._station.memory.publish_outcome(routing_key, body, message_id))
        if self._chances.happens("publish_answer_lost"):
            raise TransientError("the confirm was lost")

    async def consume(self, queue: QueueName, prefetch: int) -> Reader:
        memory = self._station.memory
        reader = Reader(await memory.consume(queue, prefetch), queue, prefetch, self._station)
        self._life.on_death.append(reader.abandon)
        return reader

    async def depth(self, queue: QueueName) -> Depth:
        await self._travel("publish_refused")
        return await self._station.memory.depth(queue)

    async def dead_letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        await self._travel("publish_refused")
        return await self._station.memory.dead_letters(queue, limit)

    async def take_dead_letters(self, queue: QueueName, limit: int) -> Sequence[Hand]:
        await self._travel("publish_refused")
        return [Hand(one, queue, self._station) for one in await self._station.memory.take_dead_letters(queue, limit)]

    async def _travel(self, refusal: str) -> None:
        await asyncio.sleep(0)
        if self._station.is_away or self._chances.happens(refusal):
            raise TransientError("the broker is away")

    async def _carry(self, queue: QueueName, body: bytes) -> None:
        station, chances = self._station, self._chances
        if chances.happens("message_lost"):
            station.log.note(self._name, "loses a message", queue)
            return
        for _ in range(1 + chances.happens("message_doubled")):
            if chances.happens("message_late"):
                station.later(chances.rng.expovariate(1 / 40), lambda: station.memory.publish(queue, [body]))
            else:
                await station.do(station.memory.publish(queue, [body]))
