"""Calls of the AMQP driver: each has a time limit, and each of its errors becomes a TransientError."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from aio_pika.abc import AbstractChannel
from aiormq.channel import Channel as DriverChannel

from itaca.errors import TransientError

T = TypeVar("T")


async def call(awaitable: Awaitable[T], timeout_s: float, what: str) -> T:
    """Await one call of the driver for at most ``timeout_s`` seconds.

    Raises:
        TransientError: the call failed or took too long; whether the broker has acted on it is not known. Its
            ``__cause__`` is the driver's error.
    """
    cancellations = _cancellations()
    try:
        async with asyncio.timeout(timeout_s):
            answer = await awaitable
    except asyncio.CancelledError as error:
        # A connection declared stuck ends its callers with CancelledError, which nobody asked for: without this
        # a loop that waits for errors would die in silence. A real cancellation passes.
        if _cancellations() > cancellations:
            raise
        raise TransientError(f"{what}: the connection was declared stuck") from error
    except TimeoutError as error:
        raise TransientError(f"{what}: no answer within {timeout_s:g} s") from error
    except Exception as error:
        # Not only driver errors: what closed a connection rejects all calls that wait, be it a bare Exception.
        if _cancellations() > cancellations:
            raise asyncio.CancelledError from error
        raise TransientError(f"{what}: {describe(error)}") from error
    # The driver can lose a cancellation: it answers it with an error of its own, as above, or, where the answer
    # came in the same moment, with that answer (asyncio.wait_for before Python 3.12). A task must end all the same.
    if _cancellations() > cancellations:
        raise asyncio.CancelledError
    return answer


async def driver_channel(channel: AbstractChannel) -> DriverChannel:
    """Return the channel below aio-pika's: it alone acknowledges many in one frame and publishes without a pause.

    Raises:
        TransientError: the channel is not open.
    """
    driver = await call(channel.get_underlay_channel(), 1.0, "using a channel")
    if not isinstance(driver, DriverChannel):
        raise TransientError("using a channel: it is not open")
    return driver


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel the task and return when it has ended, however often it must be told; nothing to do for None."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)


def describe(error: BaseException) -> str:
    """Put a driver's error into one line; its type alone where it has no text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__} {text}".strip()[:300]


def address(url: str) -> str:
    """Return host, port and virtual host of the URL, without user and password."""
    parts = urlsplit(url)
    port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    return f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"


def without_password(text: str, url: str) -> str:
    """Return the text with the URL's password masked, as it stands in the URL and as it is meant."""
    password = urlsplit(url).password
    for secret in {password, unquote(password)} if password else ():
        text = text.replace(secret, "**********")
    return text
