"""The broker in memory keeps the contract."""

import random
from collections.abc import AsyncIterator

import pytest

from itaca.broker.memory import MemoryBroker
from itaca.broker.port import Broker
from itaca.clock import SystemClock
from tests.contract.broker_contract import HANDOFF, ROW, BrokerContract


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    async def broker(self) -> AsyncIterator[Broker]:
        broker = MemoryBroker(SystemClock(), random.Random(1), topology=[ROW], handoffs=[HANDOFF])
        await broker.start()
        yield broker
        await broker.close()
