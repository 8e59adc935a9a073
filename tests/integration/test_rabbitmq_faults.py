"""RabbitMQ dies, freezes, runs out of memory or loses its queues, and the work goes on."""

import aio_pika
import pytest

from itaca.broker.amqp import AmqpBroker
from itaca.broker.sizes import MAX_EVENT_BYTES
from itaca.errors import PermanentError, TransientError
from tests.contract.broker_contract import bodies, received
from tests.integration.rabbit_cases import LETTERS, opened
from tests.support.rabbitmq import RabbitServer
from tests.support.waiting import until

pytestmark = pytest.mark.rabbitmq


async def test_lm3_a_killed_broker_loses_nothing_confirmed(rabbit_server: RabbitServer, rabbit_url: str) -> None:
    """After kill -9 and a restart the same consumer gets every confirmed message, also those it had in hand."""
    letters = [b"%d" % number for number in range(40)]
    async with opened(rabbit_url) as broker:
        await broker.publish(LETTERS.name, letters)
        consumer = await broker.consume(LETTERS.name, 10)
        in_hand = await received(consumer, 10)

        rabbit_server.kill9()
        await until(lambda: not broker.is_connected(), "the loss is noticed")
        with pytest.raises(TransientError):
            await broker.publish(LETTERS.name, [b"lost"])
        assert any("consuming" in problem for problem in broker.problems())
        rabbit_server.start()
        await until(broker.is_connected, "everything is restored", 60)
        for message in in_hand:
            await message.ack()

        again = []
        while len(again) < 40:
            batch = await received(consumer, 10)
            await consumer.ack_all(batch)
            again += bodies(batch)
        assert sorted(again) == sorted(letters)
        assert list(broker.problems()) == []


async def test_a_queue_deleted_under_its_reader_is_declared_again(
    rabbit_server: RabbitServer, rabbit_vhost: str, rabbit_url: str
) -> None:
    """The reader of a deleted queue reads from the new one, and the deletion is counted."""
    async with opened(rabbit_url) as broker:
        consumer = await broker.consume(LETTERS.name, 10)
        await until(broker.is_connected, "the consumer is attached")

        rabbit_server.rabbitmqctl("delete_queue", "-p", rabbit_vhost, LETTERS.name)
        await until(lambda: broker.recreated_queues == 1, "the deletion is noticed")
        await until(broker.is_connected, "the consumer is restored")
        await broker.publish(LETTERS.name, [b"after"])

        assert bodies(await received(consumer, 1)) == [b"after"]


async def test_lm4_a_publish_to_a_deleted_queue_is_an_error_once(
    rabbit_server: RabbitServer, rabbit_vhost: str, rabbit_url: str
) -> None:
    """Publishing to a queue that is gone raises, and the queue is declared again for the next attempt."""
    async with opened(rabbit_url) as broker:
        rabbit_server.rabbitmqctl("delete_queue", "-p", rabbit_vhost, LETTERS.name)

        with pytest.raises(TransientError, match="no queue is bound"):
            await broker.publish(LETTERS.name, [b"one", b"two"])
        await until(lambda: broker.recreated_queues == 1, "the queue is declared again")
        await until(lambda: _publishes(broker), "the queue takes messages again")


@pytest.mark.slow
async def test_a_frozen_broker_is_given_up_and_found_again(rabbit_server: RabbitServer, rabbit_url: str) -> None:
    """Frozen past the heartbeat, RabbitMQ costs a TransientError in time; thawed, it is read and written again."""
    async with opened(rabbit_url, heartbeat_s=1) as broker:
        consumer = await broker.consume(LETTERS.name, 10)
        await until(broker.is_connected, "the consumer is attached")
        rabbit_server.stop_s()
        try:
            with pytest.raises(TransientError):
                await broker.publish(LETTERS.name, [b"maybe"])
            await until(
                lambda: any("consuming" in problem for problem in broker.problems()), "the silence is noticed"
            )
        finally:
            rabbit_server.cont()

        await until(broker.is_connected, "everything is restored", 60)
        await broker.publish(LETTERS.name, [b"certainly"])
        found: list[bytes] = []
        while b"certainly" not in found:
            found += bodies(await received(consumer, 1))


async def test_a_memory_alarm_stops_publishing_and_nothing_else(rabbit_server: RabbitServer, rabbit_url: str) -> None:
    """Under an alarm publishing is a TransientError with a problem in words; reading and counting go on."""
    async with opened(rabbit_url) as broker:
        consumer = await broker.consume(LETTERS.name, 1)
        await broker.publish(LETTERS.name, [b"one", b"two"])
        messages = await received(consumer, 1)
        rabbit_server.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            with pytest.raises(TransientError):
                await broker.publish(LETTERS.name, [b"three"])
            assert any("alarm" in problem for problem in broker.problems())
            await messages[0].ack()
            assert bodies(await received(consumer, 1)) == [b"two"]
            assert (await broker.depth(LETTERS.name)).dead == 0
        finally:
            rabbit_server.rabbitmqctl("set_vm_memory_high_watermark", "0.4")

        await until(lambda: _publishes(broker), "publishing works again")
        assert list(broker.problems()) == []


async def test_queues_that_refused_for_a_while_are_published_to_again(
    rabbit_server: RabbitServer, rabbit_vhost: str, rabbit_url: str
) -> None:
    """RabbitMQ refuses for ever on a channel that met a full queue, also when it is full no more: it is replaced."""
    policy = ("--apply-to", "queues", "narrow", ".*", '{"max-length": 1, "overflow": "reject-publish"}')
    async with opened(rabbit_url) as broker:
        rabbit_server.rabbitmqctl("set_policy", "-p", rabbit_vhost, *policy)
        await until(lambda: _refuses(broker), "the queue refuses")
        rabbit_server.rabbitmqctl("clear_policy", "-p", rabbit_vhost, "narrow")

        await until(lambda: _publishes(broker), "the queue takes messages again")


async def test_purging_every_queue_in_mid_flight_leaves_the_broker_usable(
    rabbit_server: RabbitServer, rabbit_vhost: str, rabbit_url: str
) -> None:
    """After a purge what was in hand can be settled, and the next message passes."""
    async with opened(rabbit_url) as broker:
        await broker.publish(LETTERS.name, [b"%d" % number for number in range(50)])
        consumer = await broker.consume(LETTERS.name, 10)
        messages = await received(consumer, 10)

        for queue in (LETTERS.name, LETTERS.retry(1), LETTERS.dead):
            rabbit_server.rabbitmqctl("purge_queue", "-p", rabbit_vhost, queue)
        await messages[0].retry("later")
        await messages[1].dead_letter("never")
        await consumer.ack_all(messages[2:])
        await broker.publish(LETTERS.name, [b"after"])

        assert set(bodies(await received(consumer, 2))) == {b"after", b"0"}
        await until(lambda: _counts(broker, ready=0, dead=1), "only the dead letter is left")


async def test_lm28_a_message_larger_than_any_event_goes_to_the_dead_letters(rabbit_url: str) -> None:
    """Somebody else put it into our queue: it is set aside whole and does not stay at the head of the queue."""
    large = b"x" * (MAX_EVENT_BYTES + 1)
    async with opened(rabbit_url) as broker:
        connection = await aio_pika.connect(rabbit_url)
        async with connection:
            exchange = (await connection.channel()).default_exchange
            await exchange.publish(aio_pika.Message(large), routing_key=LETTERS.name)
        consumer = await broker.consume(LETTERS.name, 10)
        [message] = await received(consumer, 1)
        await message.dead_letter("it is none of ours")
        await until(lambda: _counts(broker, ready=0, dead=1), "it lies among the dead")
        with pytest.raises(PermanentError):
            await broker.publish(LETTERS.name, [large])


async def _refuses(broker: AmqpBroker) -> bool:
    return not await _publishes(broker)


async def _publishes(broker: AmqpBroker) -> bool:
    try:
        await broker.publish(LETTERS.name, [b"probe"])
    except TransientError:
        return False
    return True


async def _counts(broker: AmqpBroker, *, ready: int, dead: int) -> bool:
    depth = await broker.depth(LETTERS.name)
    return (depth.ready, depth.dead) == (ready, dead)
