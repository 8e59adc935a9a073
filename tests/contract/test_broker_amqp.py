"""RabbitMQ behind the port keeps the contract."""

import random
from collections.abc import AsyncIterator

import pytest

from itaca.broker.amqp import AmqpBroker
from itaca.broker.port import Broker
from itaca.clock import SystemClock
from tests.contract.broker_contract import HANDOFF, ROW, BrokerContract


@pytest.mark.rabbitmq
class TestAmqpBroker(BrokerContract):
    @pytest.fixture
    async def broker(self, rabbit_url: str) -> AsyncIterator[Broker]:
        broker = AmqpBroker(rabbit_url, SystemClock(), random.Random(1), topology=[ROW], handoffs=[HANDOFF])
        await broker.start()
        yield broker
        await broker.close()
