"""A bad line between Itaca and RabbitMQ, by a proxy that cuts, freezes and swallows."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import pytest

from itaca.broker.amqp import AmqpBroker
from itaca.broker.runner import Runner
from itaca.broker.settlement import Ack, Settlement
from itaca.broker.topology import QueueName
from itaca.clock import SystemClock
from itaca.errors import PermanentError, TransientError
from tests.contract.broker_contract import bodies, received
from tests.integration.rabbit_cases import LETTERS, opened
from tests.support.chaos_proxy import ChaosProxy
from tests.support.rabbitmq import RabbitServer
from tests.support.waiting import until

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
async def proxy(rabbit_server: RabbitServer) -> AsyncIterator[ChaosProxy]:
    async with ChaosProxy(rabbit_server.port) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(rabbit_server: RabbitServer, rabbit_vhost: str, proxy: ChaosProxy) -> str:
    return rabbit_server.url(rabbit_vhost, proxy.port)


async def test_a_confirm_cut_off_is_a_transient_error(proxy: ChaosProxy, proxied_url: str) -> None:
    """The message is out, the confirm is cut: the caller gets a TransientError and may find the message there."""
    async with opened(proxied_url) as broker:
        await proxy.set("cut_reply")
        with pytest.raises(TransientError):
            await broker.publish(LETTERS.name, [b"unknown"])
        await proxy.set("pass")
        await until(broker.is_connected, "the connection is restored")
        await broker.publish(LETTERS.name, [b"known"])

        assert bodies(await received(await broker.consume(LETTERS.name, 5), 2)) == [b"unknown", b"known"]


async def test_a_connection_cut_in_a_publish_never_loses_a_confirmed_message(
    proxy: ChaosProxy, proxied_url: str
) -> None:
    """Wherever the line is cut within a window, each message whose publish returned is there afterwards."""
    confirmed: list[bytes] = []
    async with opened(proxied_url) as broker:
        for cut_after in random.Random(11).sample(range(1, 20_000), 8):
            window = [b"%d-%d" % (cut_after, number) for number in range(60)]
            await proxy.set(f"cut_after:{cut_after}")
            with pytest.raises(TransientError):
                while True:
                    await broker.publish(LETTERS.name, window)
                    confirmed += window
            await proxy.set("pass")
            await until(broker.is_connected, "the connection is restored")
        await broker.publish(LETTERS.name, [b"last"])
        consumer = await broker.consume(LETTERS.name, 500)
        found: list[bytes] = []
        while b"last" not in found:
            batch = await consumer.receive(100)
            await consumer.ack_all(batch)
            found += bodies(batch)

    assert set(confirmed) <= set(found)


async def test_a_reader_on_a_dead_line_is_rebuilt(
    rabbit_server: RabbitServer, rabbit_vhost: str, proxy: ChaosProxy, proxied_url: str
) -> None:
    """A connection that is open and silent, long before the heartbeat tells, is given up by lack of progress."""
    async with opened(proxied_url, stall_s=0.8) as reader, opened(rabbit_server.url(rabbit_vhost)) as writer:
        consumer = await reader.consume(LETTERS.name, 5)
        await until(reader.is_connected, "the consumer is attached")
        proxy.freeze_open()

        await writer.publish(LETTERS.name, [b"one"])
        # The first goes to the dead line and stays there; what follows proves the new one.
        await writer.publish(LETTERS.name, [b"%d" % number for number in range(9)])
        message, *_ = await received(consumer, 1)

        assert message.body
        assert reader.rebuilt_consumers >= 1


async def test_a_reader_that_no_new_connection_cures_ends_its_process(rabbit_url: str) -> None:
    """Messages are ready, three connections in a row bring none: the runner ends with an error, so does the stage."""
    async with opened(rabbit_url, stall_s=0.2) as broker:

        async def count_ready(_: QueueName) -> int:
            return 5

        broker._probe.count_ready = count_ready  # type: ignore[method-assign]
        handled: list[bytes] = []

        async def handler(letters: Sequence[bytes]) -> list[Settlement]:
            handled.extend(letters)
            return [Ack() for _ in letters]

        runner = Runner(broker, LETTERS.name, handler, batch_size=4, clock=SystemClock())
        async with asyncio.timeout(60):
            with pytest.raises(PermanentError, match="started anew"):
                await runner.run()
        assert broker.rebuilt_consumers == 3
        assert handled == []


async def test_what_was_in_hand_on_a_lost_line_comes_again(proxy: ChaosProxy, proxied_url: str) -> None:
    """A delivery of a lost connection cannot be settled any more: no error, no copy; the message comes again."""
    async with opened(proxied_url) as broker:
        consumer = await broker.consume(LETTERS.name, 5)
        await broker.publish(LETTERS.name, [b"one", b"two"])
        one, two = await received(consumer, 2)
        proxy.reset_all()
        again = await received(consumer, 2)

        await one.retry("stale")
        await two.dead_letter("stale")
        await consumer.ack_all([one, two])

        assert sorted(bodies(again)) == [b"one", b"two"]
        assert {message.attempt for message in again} == {2}
        await consumer.ack_all(again)
        await until(broker.is_connected, "the publisher is restored")
        depth = await broker.depth(LETTERS.name)
        assert (depth.ready, depth.retrying, depth.dead) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["refuse", "blackhole"])
async def test_lm3_a_broker_away_at_the_start_is_waited_for(proxy: ChaosProxy, proxied_url: str, mode: str) -> None:
    """Start returns at once while RabbitMQ cannot be reached, says so, and connects when it can."""
    await proxy.set(mode)
    async with opened(proxied_url, wait=False, connect_s=2.0) as broker:
        consumer = await broker.consume(LETTERS.name, 5)
        await until(lambda: any("127.0.0.1" in problem for problem in broker.problems()), "it is a problem")
        with pytest.raises(TransientError):
            await broker.publish(LETTERS.name, [b"early"])
        with pytest.raises(TransientError):
            await broker.depth(LETTERS.name)

        await proxy.set("pass")
        await until(broker.is_connected, "it connects")
        await broker.publish(LETTERS.name, [b"late"])

        assert bodies(await received(consumer, 1)) == [b"late"]


async def test_a_lost_line_never_cancels_the_work(proxy: ChaosProxy, proxied_url: str) -> None:
    """A connection reset in the middle of a handler lets it finish; the redelivery comes after it."""
    begun, may_end = asyncio.Event(), asyncio.Event()
    side_by_side: list[int] = []
    finished: list[bytes] = []
    running = 0

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        nonlocal running
        running += 1
        side_by_side.append(running)
        begun.set()
        await may_end.wait()
        running -= 1
        finished.extend(letters)
        return [Ack() for _ in letters]

    async with opened(proxied_url) as broker:
        await broker.publish(LETTERS.name, [b"one"])
        runner = Runner(broker, LETTERS.name, handler, batch_size=4, clock=SystemClock())
        loop = asyncio.create_task(runner.run())
        await asyncio.wait_for(begun.wait(), 30)
        proxy.reset_all()
        await until(lambda: not broker.is_connected(), "the loss is noticed")
        await until(broker.is_connected, "the connection is restored")
        may_end.set()
        await until(lambda: len(finished) == 2, "the work and its redelivery are done")

        assert await runner.stop(grace_s=5)
        await loop
        assert side_by_side == [1, 1]
        await until(lambda: _is_empty(broker), "nothing is left")


async def _is_empty(broker: AmqpBroker) -> bool:
    depth = await broker.depth(LETTERS.name)
    return (depth.ready, depth.retrying, depth.dead) == (0, 0, 0)


async def test_closing_at_any_moment_ends_in_time(rabbit_url: str) -> None:
    """A broker that is closed in the middle of connecting or declaring is closed within seconds, each time."""
    rng = random.Random(17)
    for _ in range(30):
        async with asyncio.timeout(30), opened(rabbit_url, wait=False) as broker:
            await broker.consume(LETTERS.name, 5)
            await asyncio.sleep(rng.uniform(0, 0.06))
        assert not broker.is_connected()
