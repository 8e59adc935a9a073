"""The runner at its end, and when the broker forgets: nothing in hand is cancelled or lost."""

import asyncio

from itaca.broker.memory import MemoryBroker
from itaca.broker.runner import Runner
from itaca.clock import SystemClock
from tests.support.running import QUEUE, HeldHandler, is_over, running
from tests.support.waiting import until


async def test_stopping_finishes_the_batch_in_hand_and_takes_no_other(broker: MemoryBroker) -> None:
    """A stop in the middle waits for the batch, settles it, and leaves the rest in the queue."""
    handler = HeldHandler()
    await broker.publish(QUEUE, [b"one", b"two"])
    runner = Runner(broker, QUEUE, handler, batch_size=1, clock=SystemClock())
    loop = asyncio.create_task(runner.run())
    await asyncio.wait_for(handler.begun.wait(), 30)

    stopping = asyncio.create_task(runner.stop(grace_s=5))
    await asyncio.sleep(0)
    handler.may_end.set()

    assert await stopping
    await loop
    assert handler.finished == [b"one"]
    assert (await broker.depth(QUEUE)).ready == 1


async def test_a_batch_that_outlives_the_grace_comes_again(broker: MemoryBroker) -> None:
    """A stop that cannot wait says so, and the message in hand goes back to the queue."""
    handler = HeldHandler()
    await broker.publish(QUEUE, [b"one"])
    runner = Runner(broker, QUEUE, handler, batch_size=1, clock=SystemClock())
    loop = asyncio.create_task(runner.run())
    await asyncio.wait_for(handler.begun.wait(), 30)

    assert not await runner.stop(grace_s=0.01)
    assert (await broker.depth(QUEUE)).ready == 1
    handler.may_end.set()
    await loop
    assert (await broker.depth(QUEUE)).ready == 1


async def test_cancelling_the_loop_never_cancels_the_work(broker: MemoryBroker) -> None:
    """Whoever cancels ``run`` in the middle of a batch, the batch is finished and settled by ``stop``."""
    handler = HeldHandler()
    await broker.publish(QUEUE, [b"one"])
    runner = Runner(broker, QUEUE, handler, batch_size=1, clock=SystemClock())
    loop = asyncio.create_task(runner.run())
    await asyncio.wait_for(handler.begun.wait(), 30)

    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    handler.may_end.set()

    assert await runner.stop(grace_s=5)
    assert handler.finished == [b"one"]
    assert await is_over(broker)


async def test_forgetting_everything_in_mid_flight_leaves_the_runner_working(broker: MemoryBroker) -> None:
    """The broker loses everything while a batch is in hand: settling it is harmless and the next message passes."""
    handler = HeldHandler()
    await broker.publish(QUEUE, [b"one", b"two"])
    async with running(broker, handler):
        await asyncio.wait_for(handler.begun.wait(), 30)
        broker.forget_everything()
        handler.may_end.set()
        await broker.publish(QUEUE, [b"three"])
        await until(lambda: b"three" in handler.finished, "the next message is handled")
        await until(lambda: is_over(broker), "everything is settled")
    assert handler.finished.count(b"three") == 1
