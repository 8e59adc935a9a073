"""A queue of one row on a broker in memory, a runner on it, and what it reports."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from itaca.broker.port import Broker
from itaca.broker.runner import Runner
from itaca.broker.settlement import Ack, Handler, Settlement
from itaca.broker.topology import Queue, QueueName
from itaca.clock import SystemClock

QUEUE = QueueName("test.letters")
ROW = Queue(QUEUE, "Letter", retry_delays_s=(0.01, 0.01))


class RecordingObserver:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, str]] = []
        self.seconds: list[float] = []

    def on_settled(self, queue: QueueName, how: str, seconds: float) -> None:
        self.settled.append((queue, how))
        self.seconds.append(seconds)


class FastClock(SystemClock):
    """The system's clock, except that sleeping takes a thousandth of the time."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 1000)


@asynccontextmanager
async def running(broker: Broker, handler: Handler, **options: float) -> AsyncIterator[RecordingObserver]:
    """Run the handler and stop it at the end."""
    observer = RecordingObserver()
    runner = Runner(
        broker,
        QUEUE,
        handler,
        batch_size=int(options.pop("batch_size", 10)),
        clock=FastClock(),
        observer=observer,
        **options,
    )
    loop = asyncio.create_task(runner.run())
    try:
        yield observer
    finally:
        await runner.stop(grace_s=5)
        await loop


async def is_over(broker: Broker, dead: int = 0) -> bool:
    depth = await broker.depth(QUEUE)
    return (depth.ready, depth.retrying, depth.dead) == (0, 0, dead)


class HeldHandler:
    """Works until it is let go; remembers whether it was cancelled."""

    def __init__(self) -> None:
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()
        self.finished: list[bytes] = []

    async def __call__(self, letters: Sequence[bytes]) -> list[Settlement]:
        self.begun.set()
        await self.may_end.wait()
        self.finished.extend(letters)
        return [Ack() for _ in letters]
