"""How a verb reaches the ledger and the broker that ``itaca up`` in the same folder uses."""

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import Connection

from itaca.broker.open import open_broker
from itaca.broker.port import Broker
from itaca.clock import SystemClock
from itaca.errors import PermanentError, TransientError
from itaca.observability.logs import configure_logs
from itaca.settings import SharedSettings, load
from itaca.storage.open import open_database
from itaca.storage.postgres import PATIENT

T = TypeVar("T")
MEMORY = "memory://"


def shared_settings() -> SharedSettings:
    """Read the shared settings.

    Raises:
        ConfigurationError: every problem at once.
    """
    return load(SharedSettings, os.environ)


def read_ledger(work: Callable[[Connection], T]) -> T:
    """Run one reading transaction."""
    return asyncio.run(_with_ledger(work, is_write=False))


def write_ledger(work: Callable[[Connection], T]) -> T:
    """Run one writing transaction."""
    return asyncio.run(_with_ledger(work, is_write=True))


async def _with_ledger(work: Callable[[Connection], T], *, is_write: bool) -> T:
    settings = shared_settings()
    try:
        database = await open_database(settings.ledger_url(), PATIENT)
    except TransientError as error:
        look = "" if settings.database_url is None else "; does the server of ITACA_DATABASE_URL run?"
        raise TransientError(f"the ledger cannot be reached: {error}{look}") from error
    try:
        return await (database.write(work) if is_write else database.read(work))
    finally:
        await database.close()


def ask_broker(work: Callable[[Broker], Awaitable[T]], timeout_s: float = 10.0) -> T:
    """Connect to RabbitMQ, ask, and disconnect.

    Raises:
        PermanentError: the broker is in memory, inside the process of ``itaca up``.
        TransientError: it cannot be reached.
    """
    url = shared_settings().broker_url.get_secret_value()
    if url.startswith(MEMORY):
        raise PermanentError(
            "the broker is in the memory of `itaca up`: its queues are on its metrics page (itaca_queue_messages)"
        )
    # What is said while it is tried again and again stands in one sentence at the end.
    configure_logs("error")
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    return asyncio.run(_with_broker(url, work, timeout_s))


async def _with_broker(url: str, work: Callable[[Broker], Awaitable[T]], timeout_s: float) -> T:
    broker = open_broker(url, SystemClock(), random.Random())
    await broker.start()
    try:
        async with asyncio.timeout(timeout_s):
            while not broker.is_connected():  # noqa: ASYNC110 - the port has no event for it
                await asyncio.sleep(0.05)
            return await work(broker)
    except TimeoutError:
        problems = "; ".join(broker.problems()) or "no answer"
        raise TransientError(f"the broker cannot be reached: {problems}; look at ITACA_BROKER_URL") from None
    finally:
        await broker.close()
