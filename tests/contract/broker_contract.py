"""What every broker promises, whatever it is made of."""

import asyncio
from collections.abc import Sequence

import pytest

from itaca.broker.port import Broker, Consumer, Delivery
from itaca.broker.topology import Binding, Queue, QueueName
from itaca.contracts.events import MAX_EVENT_BYTES
from itaca.errors import PermanentError, TransientError
from tests.support.waiting import until

QUEUE = QueueName("test.letters")
ROW = Queue(QUEUE, "Letter", retry_delays_s=(0.3, 0.9), delivery_limit=3)
HANDOFF = Binding("outcomes", "order.received", QueueName("outcomes.orders"))
DEADLINE_S = 30.0


async def received(consumer: Consumer, count: int) -> list[Delivery]:
    """Receive exactly ``count`` messages within the deadline."""
    found: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found.extend(await consumer.receive(count - len(found)))
    return found


def bodies(messages: Sequence[Delivery]) -> list[bytes]:
    return [message.body for message in messages]


class BrokerContract:
    """Inherited by one class per broker; its fixture ``broker`` is started, empty, and knows ROW and HANDOFF."""

    async def test_messages_arrive_in_order_and_for_the_first_time(self, broker: Broker) -> None:
        """What is published arrives in its order, each message with attempt 1."""
        await broker.publish(QUEUE, [b"one", b"two", b"three"])

        messages = await received(await broker.consume(QUEUE, 10), 3)

        assert bodies(messages) == [b"one", b"two", b"three"]
        assert [message.attempt for message in messages] == [1, 1, 1]

    async def test_more_than_a_window_arrives_whole(self, broker: Broker) -> None:
        """One call publishes more messages than are ever unconfirmed at once, and loses and doubles none."""
        letters = [b"%d" % number for number in range(257)]
        await broker.publish(QUEUE, letters)

        messages = await received(await broker.consume(QUEUE, 300), 257)

        assert bodies(messages) == letters

    async def test_nothing_to_publish_is_no_error(self, broker: Broker) -> None:
        """An empty batch changes nothing."""
        await broker.publish(QUEUE, [])

        assert (await broker.depth(QUEUE)).ready == 0

    async def test_receive_gives_at_most_the_limit(self, broker: Broker) -> None:
        """Receiving two of three leaves one for the next call."""
        await broker.publish(QUEUE, [b"one", b"two", b"three"])
        consumer = await broker.consume(QUEUE, 10)

        first = await received(consumer, 2)
        rest = await received(consumer, 1)

        assert bodies(first) + bodies(rest) == [b"one", b"two", b"three"]

    async def test_prefetch_bounds_what_is_in_hand(self, broker: Broker) -> None:
        """A reader that settles nothing gets no more than its prefetch, and the next one after a settlement."""
        await broker.publish(QUEUE, [b"one", b"two", b"three"])
        consumer = await broker.consume(QUEUE, 2)
        messages = await received(consumer, 2)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(consumer.receive(5), 0.3)
        await messages[0].ack()

        assert bodies(await received(consumer, 1)) == [b"three"]

    async def test_a_cancelled_receive_loses_nothing(self, broker: Broker) -> None:
        """A message that comes after a receive was cancelled goes to the next receive."""
        consumer = await broker.consume(QUEUE, 5)
        waiting = asyncio.create_task(consumer.receive(5))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        await broker.publish(QUEUE, [b"late"])

        assert bodies(await received(consumer, 1)) == [b"late"]

    async def test_two_readers_share_the_work(self, broker: Broker) -> None:
        """Two readers of one queue get each message once between them."""
        left, right = await broker.consume(QUEUE, 2), await broker.consume(QUEUE, 2)
        await until(broker.is_connected, "both readers are attached")
        await broker.publish(QUEUE, [b"one", b"two", b"three", b"four"])

        messages = await received(left, 2) + await received(right, 2)

        assert sorted(bodies(messages)) == [b"four", b"one", b"three", b"two"]

    async def test_lm6_unsettled_messages_go_to_the_next_reader(self, broker: Broker) -> None:
        """What a reader received and did not settle comes again, in order and marked as a second attempt."""
        await broker.publish(QUEUE, [b"one", b"two", b"three"])
        careless = await broker.consume(QUEUE, 10)
        messages = await received(careless, 3)
        await messages[1].ack()
        await careless.close()

        again = await received(await broker.consume(QUEUE, 10), 2)

        assert bodies(again) == [b"one", b"three"]
        assert [message.attempt for message in again] == [2, 2]

    async def test_acknowledging_many_spares_the_one_still_in_hand(self, broker: Broker) -> None:
        """``ack_all`` around a message in hand acknowledges its neighbours on both sides and not that one."""
        await broker.publish(QUEUE, [b"%d" % number for number in range(6)])
        consumer = await broker.consume(QUEUE, 10)
        messages = await received(consumer, 6)

        await consumer.ack_all([messages[number] for number in (5, 1, 0, 3)])
        await consumer.close()

        assert bodies(await received(await broker.consume(QUEUE, 10), 2)) == [b"2", b"4"]
        assert (await broker.depth(QUEUE)).ready == 0

    async def test_settling_after_the_end_does_nothing(self, broker: Broker) -> None:
        """A message whose reader is closed can be settled in any way: it neither fails nor counts."""
        await broker.publish(QUEUE, [b"one", b"two", b"three"])
        closed = await broker.consume(QUEUE, 10)
        messages = await received(closed, 3)
        await closed.close()

        await messages[0].ack()
        await messages[1].retry("too late")
        await messages[2].dead_letter("too late")

        assert len(await received(await broker.consume(QUEUE, 10), 3)) == 3
        assert (await broker.depth(QUEUE)).dead == 0

    async def test_settling_twice_counts_once(self, broker: Broker) -> None:
        """A second settlement of one message is ignored."""
        await broker.publish(QUEUE, [b"one"])
        consumer = await broker.consume(QUEUE, 10)
        (message,) = await received(consumer, 1)

        await message.dead_letter("broken")
        await message.ack()
        await message.dead_letter("broken")

        assert (await broker.depth(QUEUE)).dead == 1

    async def test_retries_wait_longer_each_time_and_end_as_a_dead_letter(self, broker: Broker) -> None:
        """A message handed back comes after 0.3 s, then after 0.9 s, and is dead after the last, with its reason."""
        await broker.publish(QUEUE, [b"stubborn"])
        consumer = await broker.consume(QUEUE, 10)
        loop = asyncio.get_running_loop()
        attempts, waits_s = [], []
        began = loop.time()
        for _ in range(3):
            (message,) = await received(consumer, 1)
            waits_s.append(loop.time() - began)
            attempts.append(message.attempt)
            began = loop.time()
            await message.retry("the ledger is away")

        await until(lambda: self._dead(broker, 1), "the message is dead")
        (dead,) = await broker.dead_letters(QUEUE, 10)

        assert attempts == [1, 2, 3]
        # How much later it comes is up to the machine.
        assert waits_s[1] > 0.25
        assert waits_s[2] > 0.85
        assert (dead.body, dead.queue, dead.position) == (b"stubborn", QUEUE, 0)
        assert "after 2 retries" in dead.reason
        assert "the ledger is away" in dead.reason
        assert dead.died_at.startswith("20")

    async def test_depth_tells_ready_waiting_and_dead(self, broker: Broker) -> None:
        """One message in each place is counted in its place."""
        await broker.publish(QUEUE, [b"retried", b"dead"])
        consumer = await broker.consume(QUEUE, 2)
        first, second = await received(consumer, 2)
        await first.retry("later")
        await second.dead_letter("never")
        await consumer.close()
        await broker.publish(QUEUE, [b"ready"])

        async def is_counted() -> bool:
            """The retried one may move from its place to the other between two looks."""
            depth = await broker.depth(QUEUE)
            return (depth.ready + depth.retrying, depth.dead) == (2, 1)

        await until(is_counted, "each is counted once")
        assert [letter.body for letter in await broker.dead_letters(QUEUE, 10)] == [b"dead"]

    async def test_lm5_a_message_that_kills_its_readers_ends_among_the_dead(self, broker: Broker) -> None:
        """A message that was delivered to the limit without a settlement is dead, with a reason, not dropped."""
        await broker.publish(QUEUE, [b"poison"])
        for _ in range(ROW.delivery_limit + 1):
            consumer = await broker.consume(QUEUE, 1)
            await received(consumer, 1)
            await consumer.close()

        await until(lambda: self._dead(broker, 1), "the message is dead")
        (dead,) = await broker.dead_letters(QUEUE, 10)

        assert dead.body == b"poison"
        assert "without a settlement" in dead.reason
        assert dead.died_at.startswith("20")

    async def test_dead_letters_can_be_looked_at_again(self, broker: Broker) -> None:
        """Showing dead letters leaves them in their place and order."""
        await self._bury(broker, [b"one", b"two", b"three"])

        first = await broker.dead_letters(QUEUE, 2)
        await until(lambda: self._dead(broker, 3), "all are back in their place")
        second = await broker.dead_letters(QUEUE, 10)

        assert [dead.body for dead in first] == [b"one", b"two"]
        assert [dead.body for dead in second] == [b"one", b"two", b"three"]
        assert [dead.position for dead in second] == [0, 1, 2]
        assert {dead.reason for dead in second} == {"unreadable"}

    async def test_dead_letters_can_be_removed_revived_and_kept(self, broker: Broker) -> None:
        """Of three taken, the acknowledged one is gone, the retried one works as new, the third is dead again."""
        await self._bury(broker, [b"drop", b"revive", b"keep"])

        drop, revive, keep = await broker.take_dead_letters(QUEUE, 10)
        await drop.ack()
        await revive.retry("an operator wants it")
        await keep.dead_letter("still unreadable")

        (message,) = await received(await broker.consume(QUEUE, 10), 1)
        await until(lambda: self._dead(broker, 1), "one is left")
        (dead,) = await broker.dead_letters(QUEUE, 10)
        assert (message.body, message.attempt) == (b"revive", 1)
        assert (dead.body, dead.reason) == (b"keep", "still unreadable")

    async def test_no_dead_letters_are_an_empty_list(self, broker: Broker) -> None:
        """Asking an empty place neither waits nor fails."""
        assert list(await broker.dead_letters(QUEUE, 5)) == []
        assert list(await broker.take_dead_letters(QUEUE, 5)) == []

    async def test_lm4_an_outcome_nobody_is_bound_for_is_an_error(self, broker: Broker) -> None:
        """Handing off is an error when no queue takes the event, and not when one does."""
        await broker.publish_outcome("order.received", b"{}", "id-1")

        with pytest.raises(TransientError):
            await broker.publish_outcome("order.unheard_of", b"{}", "id-2")

    async def test_an_oversized_message_is_refused_before_it_is_sent(self, broker: Broker) -> None:
        """A message over the limit is a PermanentError and leaves its neighbours and the broker unharmed."""
        with pytest.raises(PermanentError):
            await broker.publish(QUEUE, [b"small", b"x" * (MAX_EVENT_BYTES + 1)])

        await broker.publish(QUEUE, [b"next"])
        assert bodies(await received(await broker.consume(QUEUE, 10), 1)) == [b"next"]

    async def test_a_started_broker_has_no_problems(self, broker: Broker) -> None:
        """Started and reachable: connected, and nothing to complain of."""
        await until(broker.is_connected, "the broker is connected")

        assert list(broker.problems()) == []

    async def test_a_closed_broker_refuses(self, broker: Broker) -> None:
        """After close, publishing is a TransientError and the readers' waits end."""
        consumer = await broker.consume(QUEUE, 10)
        waiting = asyncio.create_task(consumer.receive(1))
        await consumer.close()
        await broker.close()

        with pytest.raises(TransientError):
            await asyncio.wait_for(waiting, DEADLINE_S)
        with pytest.raises(TransientError):
            await broker.publish(QUEUE, [b"one"])
        assert not broker.is_connected()
        assert list(broker.problems()) != []

    @staticmethod
    async def _dead(broker: Broker, count: int) -> bool:
        return (await broker.depth(QUEUE)).dead == count

    @staticmethod
    async def _bury(broker: Broker, letters: Sequence[bytes]) -> None:
        await broker.publish(QUEUE, letters)
        consumer = await broker.consume(QUEUE, len(letters))
        for message in await received(consumer, len(letters)):
            await message.dead_letter("unreadable")
        await consumer.close()
        await until(lambda: BrokerContract._dead(broker, len(letters)), "the letters are dead")
