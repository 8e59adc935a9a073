"""The table of queues on a real RabbitMQ: declared, compared, and what is published on it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from itaca.broker.amqp import AmqpBroker
from itaca.broker.amqp_topology import queues_of
from itaca.broker.topology import HANDOFFS, TOPOLOGY
from itaca.clock import SystemClock
from itaca.errors import TransientError
from tests.contract.broker_contract import bodies, received
from tests.integration.rabbit_cases import LETTERS, ORDERS, PARCELS, opened
from tests.support.rabbitmq import PASSWORD, RabbitServer
from tests.support.waiting import until

pytestmark = pytest.mark.rabbitmq


@asynccontextmanager
async def bare_channel(url: str) -> AsyncIterator[AbstractChannel]:
    """Give another program's channel."""
    connection = await aio_pika.connect(url)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


async def taken(url: str, queue: str) -> AbstractIncomingMessage:
    """Take one message as another system would."""
    async with bare_channel(url) as channel:
        found = await (await channel.get_queue(queue)).get()
        await found.ack()
        return found


async def test_the_table_is_declared_twice_without_a_difference(rabbit_url: str) -> None:
    """Two processes declare the product's own table one after the other and neither complains."""
    for _ in range(2):
        broker = AmqpBroker(rabbit_url, SystemClock(), random.Random(3))
        await broker.start()
        await until(broker.is_connected, "the table is declared")
        assert list(broker.problems()) == []
        await broker.close()
    async with bare_channel(rabbit_url) as channel:
        for row in TOPOLOGY:
            for name in (row.name, row.retry(1), row.retry(len(row.retry_delays_s)), row.dead):
                await channel.get_queue(name)
        for handoff in HANDOFFS:
            await channel.get_queue(handoff.queue)


async def test_a_queue_with_other_arguments_is_named_and_the_rest_works(
    rabbit_server: RabbitServer, rabbit_vhost: str, rabbit_url: str
) -> None:
    """A queue with another delivery limit is a problem by name and argument, stops only its own use, and heals."""
    ours = next(queues_of(LETTERS)).arguments
    async with bare_channel(rabbit_url) as channel:
        await channel.declare_queue(LETTERS.name, durable=True, arguments={**ours, "x-delivery-limit": 77})
    async with opened(rabbit_url, wait=False) as broker:
        await until(lambda: any("x-delivery-limit" in problem for problem in broker.problems()), "it is named")
        assert any(LETTERS.name in problem for problem in broker.problems())
        consumer = await broker.consume(LETTERS.name, 1)
        with pytest.raises(TransientError, match="x-delivery-limit"):
            await broker.publish(LETTERS.name, [b"one"])
        await broker.publish(PARCELS.name, [b"two"])
        assert not broker.is_connected()

        rabbit_server.rabbitmqctl("delete_queue", "-p", rabbit_vhost, LETTERS.name)
        await until(broker.is_connected, "the right queue is declared")
        await broker.publish(LETTERS.name, [b"three"])

        assert bodies(await received(consumer, 1)) == [b"three"]
        assert list(broker.problems()) == []


async def test_another_delay_of_a_retry_queue_is_a_difference(rabbit_url: str) -> None:
    """A retry queue with another time to live is noticed, although its name is right."""
    async with bare_channel(rabbit_url) as channel:
        await channel.declare_queue(
            LETTERS.retry(1), durable=True, arguments={"x-queue-type": "quorum", "x-message-ttl": 5}
        )
    async with opened(rabbit_url, wait=False) as broker:
        await until(lambda: any(LETTERS.retry(1) in problem for problem in broker.problems()), "it is named")

        assert not broker.is_connected()


async def test_messages_are_persistent_and_named_anew(rabbit_url: str) -> None:
    """Each message is persistent JSON with an id of its own, also when the same body is published twice."""
    async with opened(rabbit_url) as broker:
        await broker.publish(LETTERS.name, [b"{}", b"{}"])

    first, second = await taken(rabbit_url, LETTERS.name), await taken(rabbit_url, LETTERS.name)
    assert first.delivery_mode == second.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert first.content_type == "application/json"
    assert first.message_id
    assert first.message_id != second.message_id


async def test_an_outcome_keeps_its_id_for_the_receiver(rabbit_url: str) -> None:
    """The order system sees the routing key and the id that let it recognise a repetition."""
    async with opened(rabbit_url) as broker:
        await asyncio.gather(*(broker.publish_outcome(ORDERS.routing_key, b"{}", "order-1") for _ in range(3)))

    found = [await taken(rabbit_url, ORDERS.queue) for _ in range(3)]
    assert {message.message_id for message in found} == {"order-1"}
    assert {message.routing_key for message in found} == {"order.received"}


async def test_many_windows_at_once_arrive_whole(rabbit_url: str) -> None:
    """Twelve callers publish 150 messages each at the same time: 1,800 arrive, none twice."""
    async with opened(rabbit_url, call_s=10.0) as broker:
        letters = [[b"%d-%d" % (caller, number) for number in range(150)] for caller in range(12)]
        await asyncio.gather(*(broker.publish(LETTERS.name, batch) for batch in letters))
        consumer = await broker.consume(LETTERS.name, 500)

        found = []
        while len(found) < 1_800:
            batch = await received(consumer, 100)
            await consumer.ack_all(batch)
            found += bodies(batch)

        assert sorted(found) == sorted(letter for batch in letters for letter in batch)
        assert (await broker.depth(LETTERS.name)).ready == 0


async def test_a_wrong_password_is_a_problem_that_does_not_show_it(rabbit_url: str) -> None:
    """Refused credentials never raise from start, and no problem shows the password."""
    async with opened(rabbit_url.replace(PASSWORD, "se%20creto"), wait=False) as broker:
        await until(lambda: any("refused" in problem.lower() for problem in broker.problems()), "it is refused")

        shown = " ".join(broker.problems())
        assert "creto" not in shown
        assert "127.0.0.1" in shown


async def test_an_orderly_close_loses_no_acknowledgement(rabbit_url: str) -> None:
    """What was acknowledged in haste just before a close does not come again, round after round."""
    async with opened(rabbit_url, call_s=10.0) as broker:
        for _ in range(4):
            await broker.publish(LETTERS.name, [b"x" * 2_000] * 1_500)
            consumer = await broker.consume(LETTERS.name, 500)
            left = 1_500
            while left > 0:
                batch = await consumer.receive(100)
                await consumer.ack_all(batch)
                left -= len(batch)
            await consumer.close()

            assert left == 0
            assert (await broker.depth(LETTERS.name)).ready == 0
