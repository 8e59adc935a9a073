"""What the tests against a real RabbitMQ share: time limits that a busy machine keeps, rows, and a broker to open."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from itaca.broker.amqp import AmqpBroker
from itaca.broker.amqp_connection import AmqpLimits
from itaca.broker.topology import Binding, Queue, QueueName
from itaca.clock import SystemClock
from tests.support.waiting import until

LETTERS = Queue(QueueName("test.letters"), "Letter", retry_delays_s=(0.2,), delivery_limit=3)
PARCELS = Queue(QueueName("test.parcels"), "Parcel", retry_delays_s=(0.2,), delivery_limit=3)
ORDERS = Binding("outcomes", "order.received", QueueName("outcomes.orders"))

QUICK = AmqpLimits(
    connect_s=4.0,
    call_s=4.0,
    close_s=2.0,
    retry_min_s=0.05,
    retry_max_s=0.4,
    recheck_s=0.2,
    stall_s=60.0,
    heartbeat_s=20,
)


@asynccontextmanager
async def opened(url: str, *, wait: bool = True, **limits: float) -> AsyncIterator[AmqpBroker]:
    """Give a started broker that knows LETTERS, PARCELS and ORDERS; wait until it is connected unless told not to."""
    broker = AmqpBroker(
        url,
        SystemClock(),
        random.Random(7),
        topology=[LETTERS, PARCELS],
        handoffs=[ORDERS],
        limits=replace(QUICK, **limits),
    )
    await broker.start()
    try:
        if wait:
            await until(broker.is_connected, "the broker is connected")
        yield broker
    finally:
        await broker.close()
