"""A broker in memory with one queue, for the tests of what runs on it."""

import random
from collections.abc import AsyncIterator

import pytest

from itaca.broker.memory import MemoryBroker
from itaca.clock import SystemClock
from tests.support.running import ROW


@pytest.fixture
async def broker() -> AsyncIterator[MemoryBroker]:
    """Give a test a started broker."""
    broker = MemoryBroker(SystemClock(), random.Random(1), topology=[ROW])
    await broker.start()
    yield broker
    await broker.close()
