"""The broker in memory: bounded, forgetful on command, and on any clock."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from itaca.broker.memory import HandedEvent, MemoryBroker
from itaca.broker.topology import Queue, QueueName
from itaca.clock import ManualClock
from itaca.errors import TransientError
from tests.contract.broker_contract import bodies, received

QUEUE = QueueName("test.letters")
ROW = Queue(QUEUE, "Letter", retry_delays_s=(2, 15))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


async def started(clock: ManualClock, **options: float) -> MemoryBroker:
    broker = MemoryBroker(clock, random.Random(5), topology=[ROW], **options)  # type: ignore[arg-type]
    await broker.start()
    return broker


async def test_a_retry_waits_on_the_given_clock(clock: ManualClock) -> None:
    """A message handed back is not there before its delay has passed on the clock, and is there after it."""
    broker = await started(clock)
    await broker.publish(QUEUE, [b"one"])
    consumer = await broker.consume(QUEUE, 5)
    (message,) = await received(consumer, 1)
    await message.retry("later")
    await asyncio.sleep(0)

    await clock.advance(timedelta(seconds=1.9))
    before = await broker.depth(QUEUE)
    await clock.advance(timedelta(seconds=0.2))

    (again,) = await received(consumer, 1)
    assert (before.ready, before.retrying) == (0, 1)
    assert (again.body, again.attempt) == (b"one", 2)


async def test_everything_can_be_forgotten(clock: ManualClock) -> None:
    """After forgetting nothing is ready, waiting or dead, what is in hand settles into nothing, and work goes on."""
    broker = await started(clock)
    consumer = await broker.consume(QUEUE, 10)
    await broker.publish(QUEUE, [b"hand", b"hand", b"hand", b"wait", b"dead"])
    *in_hand, wait, dead = await received(consumer, 5)
    await wait.retry("later")
    await dead.dead_letter("never")
    await broker.publish(QUEUE, [b"ready"])

    broker.forget_everything()
    await in_hand[0].ack()
    await in_hand[1].retry("too late")
    await in_hand[2].dead_letter("too late")
    await clock.advance(timedelta(hours=1))
    after = await broker.depth(QUEUE)
    await broker.publish(QUEUE, [b"next"])

    assert (after.ready, after.retrying, after.dead) == (0, 0, 0)
    assert bodies(await received(consumer, 1)) == [b"next"]


async def test_forgetting_frees_the_room_and_closing_returns_nothing(clock: ManualClock) -> None:
    """What was forgotten takes no room, and a reader that held it puts nothing back."""
    broker = await started(clock, max_messages=2)
    consumer = await broker.consume(QUEUE, 10)
    await broker.publish(QUEUE, [b"one", b"two"])
    await received(consumer, 2)

    broker.forget_everything()
    await consumer.close()
    await broker.publish(QUEUE, [b"three", b"four"])

    assert (await broker.depth(QUEUE)).ready == 2


@pytest.mark.parametrize("bound", [{"max_messages": 3}, {"max_bytes": 30}])
async def test_lm29_a_full_queue_takes_all_or_nothing(clock: ManualClock, bound: dict[str, int]) -> None:
    """A batch that does not fit is refused whole; settling makes room; messages in hand and dead ones count."""
    broker = await started(clock, **bound)
    await broker.publish(QUEUE, [b"0123456789", b"0123456789"])

    with pytest.raises(TransientError, match="full"):
        await broker.publish(QUEUE, [b"0123456789", b"0123456789"])
    assert (await broker.depth(QUEUE)).ready == 2
    consumer = await broker.consume(QUEUE, 5)
    first, second = await received(consumer, 2)
    await second.dead_letter("never")
    with pytest.raises(TransientError, match="full"):
        await broker.publish(QUEUE, [b"0123456789", b"0123456789"])
    await first.ack()
    await broker.publish(QUEUE, [b"0123456789", b"0123456789"])

    assert (await broker.depth(QUEUE)).ready == 2


async def test_a_share_of_messages_comes_twice(clock: ManualClock) -> None:
    """With a share of one every message is doubled, as RabbitMQ may do it after a lost confirm."""
    broker = await started(clock, duplicate_share=1.0)
    await broker.publish(QUEUE, [b"one", b"two"])

    messages = await received(await broker.consume(QUEUE, 10), 4)

    assert bodies(messages) == [b"one", b"one", b"two", b"two"]


async def test_the_age_of_the_head_is_told(clock: ManualClock) -> None:
    """The oldest ready message's age grows with the clock; without a message there is none."""
    broker = await started(clock)
    empty = await broker.depth(QUEUE)
    await broker.publish(QUEUE, [b"one"])
    await clock.advance(timedelta(seconds=42))

    assert empty.oldest_age_s is None
    assert (await broker.depth(QUEUE)).oldest_age_s == 42.0


async def test_handed_events_can_be_read(clock: ManualClock) -> None:
    """What was handed to other systems stands in ``outcomes``, in order."""
    broker = await started(clock)

    await broker.publish_outcome("order.received", b"{}", "id-1")
    await broker.publish_outcome("cancellation.requested", b"[]", "id-2")

    assert list(broker.outcomes) == [
        HandedEvent("order.received", b"{}", "id-1"),
        HandedEvent("cancellation.requested", b"[]", "id-2"),
    ]
