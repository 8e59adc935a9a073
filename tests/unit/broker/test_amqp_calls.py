"""Driver calls: in time, or a TransientError; and a cancellation is never lost."""

import asyncio

import pytest
from aiormq.exceptions import AMQPConnectionError

from itaca.broker.amqp_calls import address, call, without_password
from itaca.errors import TransientError


async def raising(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


async def test_an_answer_passes() -> None:
    """The result of the driver's call is returned."""
    assert await call(asyncio.sleep(0, "answer"), 1.0, "asking") == "answer"


@pytest.mark.parametrize(
    "error",
    [AMQPConnectionError("gone"), RuntimeError("closed"), OSError("reset"), Exception(), asyncio.CancelledError()],
)
async def test_whatever_the_driver_raises_is_transient(error: BaseException) -> None:
    """Driver errors, a bare Exception and a cancellation that nobody asked for become one kind, with their cause."""
    with pytest.raises(TransientError, match=r"^asking: ") as caught:
        await call(raising(error), 1.0, "asking")

    assert caught.value.__cause__ is error


async def test_a_call_without_an_answer_ends_in_time() -> None:
    """A call that never returns is a TransientError after its time limit."""
    with pytest.raises(TransientError, match="no answer within"):
        await call(asyncio.Event().wait(), 0.01, "asking")


async def test_a_real_cancellation_passes() -> None:
    """Cancelling the task that calls ends it as cancelled, not with an error."""
    task = asyncio.create_task(call(asyncio.Event().wait(), 5.0, "asking"))
    await asyncio.sleep(0)
    task.cancel()

    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_a_cancellation_that_the_driver_turns_into_an_error_is_not_lost() -> None:
    """A driver that answers a cancellation with its own error cannot keep the task alive."""

    async def swallowing() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise AMQPConnectionError("closed") from None

    task = asyncio.create_task(call(swallowing(), 5.0, "asking"))
    await asyncio.sleep(0)
    task.cancel()

    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_a_cancellation_that_the_driver_answers_with_a_result_is_not_lost() -> None:
    """A driver that returns its answer although it was cancelled cannot keep the task alive."""

    async def swallowing() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "answer"
        return ""

    task = asyncio.create_task(call(swallowing(), 5.0, "asking"))
    await asyncio.sleep(0)
    task.cancel()

    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_an_address_shows_neither_user_nor_password() -> None:
    """Only scheme, host, port and virtual host are shown; the standard ports are filled in."""
    assert address("amqps://ulisse:segreto@rabbit/itaca") == "amqps://rabbit:5671/itaca"
    assert address("amqp://ulisse:segreto@rabbit:5999/") == "amqp://rabbit:5999/"


def test_a_password_is_masked_in_both_spellings() -> None:
    """The password is masked as it stands in the URL and as it is meant."""
    url = "amqp://ulisse:se%20creto@rabbit/"

    assert "creto" not in without_password("refused: 'se creto' of se%20creto", url)
    assert without_password("refused", "amqp://rabbit/") == "refused"
