"""The runner: a settlement for each message, whatever the handler does."""

import asyncio
from collections.abc import Sequence

from structlog.testing import capture_logs

from itaca.broker.memory import MemoryBroker
from itaca.broker.settlement import Ack, DeadLetter, Retry, Settlement
from itaca.errors import PermanentError, TransientError
from tests.support.running import QUEUE, is_over, running
from tests.support.waiting import until


async def test_each_message_is_settled_as_the_handler_says(broker: MemoryBroker) -> None:
    """Done, later and never in one batch end as an acknowledgement, a retry and a dead letter."""
    seen: list[bytes] = []

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        first = [letter for letter in letters if letter not in seen]
        seen.extend(letters)
        answers: dict[bytes, Settlement] = {b"later": Retry("busy"), b"never": DeadLetter("unreadable")}
        return [answers.get(letter, Ack()) if letter in first else Ack() for letter in letters]

    await broker.publish(QUEUE, [b"done", b"later", b"never"])
    async with running(broker, handler) as observer:
        await until(lambda: len(observer.settled) == 4, "all are settled, one twice")

    assert [how for _, how in observer.settled] == ["retry", "dead_letter", "ack", "ack"]
    assert seen == [b"done", b"later", b"never", b"later"]
    assert [dead.reason for dead in await broker.dead_letters(QUEUE, 5)] == ["unreadable"]
    assert min(observer.seconds) >= 0


async def test_lm28_a_message_that_can_never_be_handled_does_not_stop_its_neighbours(broker: MemoryBroker) -> None:
    """When a batch is refused for ever, each message goes alone: the culprit is dead, the others are done."""
    done: list[bytes] = []

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        if b"poison" in letters:
            raise PermanentError("no event of version 1")
        done.extend(letters)
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one", b"poison", b"two"])
    async with running(broker, handler):
        await until(lambda: is_over(broker, dead=1), "everything is settled")

    assert done == [b"one", b"two"]
    assert [dead.reason for dead in await broker.dead_letters(QUEUE, 5)] == ["no event of version 1"]


async def test_an_unforeseen_error_costs_one_message_its_attempts_and_nothing_else(broker: MemoryBroker) -> None:
    """A bug met by one message: the neighbours are done, it is retried and then dead, and no word of it is logged."""
    done: list[bytes] = []

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        if b"crash" in letters:
            raise ValueError("Mario Rossi, via Roma 1")
        done.extend(letters)
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one", b"crash", b"two"])
    with capture_logs() as logs:
        async with running(broker, handler) as observer:
            await until(lambda: is_over(broker, dead=1), "everything is settled")

    (dead,) = await broker.dead_letters(QUEUE, 5)
    assert done == [b"one", b"two"]
    assert [how for _, how in observer.settled].count("retry") == 3
    assert "unforeseen ValueError" in dead.reason
    assert "Rossi" not in str(logs) + dead.reason


async def test_a_wrong_number_of_answers_is_a_bug_too(broker: MemoryBroker) -> None:
    """A handler that answers for another number of messages settles none of them by chance."""

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        return [Ack()] if len(letters) > 1 else [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one", b"two", b"three"])
    async with running(broker, handler) as observer:
        await until(lambda: is_over(broker), "everything is settled")

    assert [how for _, how in observer.settled] == ["ack", "ack", "ack"]


async def test_a_backend_that_is_away_for_a_while_costs_no_attempt(broker: MemoryBroker) -> None:
    """While the handler's backend is away the batch is held; when it is back, the same batch is done."""
    calls = 0

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        nonlocal calls
        calls += 1
        if calls < 5:
            raise TransientError("the ledger is away")
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one", b"two"])
    async with running(broker, handler) as observer:
        # An empty queue proves nothing here: what is held is in nobody's queue, and a stop ends the patience.
        await until(lambda: len(observer.settled) == 2, "everything is settled")

    assert calls == 5
    assert [how for _, how in observer.settled] == ["ack", "ack"]


async def test_patience_ends(broker: MemoryBroker) -> None:
    """A message whose work stays impossible leaves the way free for its neighbours and dies after its attempts."""
    done: list[bytes] = []

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        if b"endless" in letters:
            raise TransientError("the time limit has passed")
        done.extend(letters)
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one", b"endless", b"two"])
    async with running(broker, handler, patience_s=1.0):
        await until(lambda: is_over(broker, dead=1), "everything is settled")

    assert done == [b"one", b"two"]


async def test_the_same_message_twice_in_a_batch_is_one_piece_of_work(broker: MemoryBroker) -> None:
    """A message and its double are handled once and both acknowledged."""
    seen: list[list[bytes]] = []

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        seen.append(list(letters))
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one", b"two", b"one"])
    async with running(broker, handler) as observer:
        await until(lambda: len(observer.settled) == 3, "all are settled")

    assert seen == [[b"one", b"two"]]


async def test_a_batch_is_no_larger_than_asked(broker: MemoryBroker) -> None:
    """Seven messages with a batch size of three come in batches of at most three."""
    sizes: list[int] = []

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        sizes.append(len(letters))
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"%d" % number for number in range(7)])
    async with running(broker, handler, batch_size=3):
        await until(lambda: is_over(broker), "everything is settled")
        await until(lambda: sum(sizes) == 7, "all are handled")

    assert max(sizes) == 3


async def test_a_cancellation_out_of_a_driver_is_a_failure_like_others(broker: MemoryBroker) -> None:
    """A handler whose driver raises CancelledError by itself does not end the loop in silence."""
    calls = 0

    async def handler(letters: Sequence[bytes]) -> list[Settlement]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise asyncio.CancelledError
        return [Ack() for _ in letters]

    await broker.publish(QUEUE, [b"one"])
    async with running(broker, handler):
        await until(lambda: is_over(broker), "the message is done")

    assert calls == 2
