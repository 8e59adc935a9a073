"""A broker from its address."""

import random

import pytest

from itaca.broker.amqp import AmqpBroker
from itaca.broker.memory import MemoryBroker
from itaca.broker.open import open_broker
from itaca.clock import SystemClock
from itaca.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory://", MemoryBroker),
        ("amqp://user:secret@rabbit:5672/itaca", AmqpBroker),
        ("amqps://user:secret@rabbit/itaca?heartbeat=10", AmqpBroker),
    ],
)
async def test_the_scheme_chooses_the_broker(url: str, kind: type) -> None:
    """Each scheme gives its broker, not started and not connected."""
    broker = open_broker(url, SystemClock(), random.Random(1))

    assert isinstance(broker, kind)
    assert not broker.is_connected()
    assert list(broker.problems()) != []
    await broker.close()


@pytest.mark.parametrize(
    "url", ["", "redis://:segreto@host", "amqp:///vhost", "amqp://u:segreto@host:port/", "rabbit"]
)
async def test_another_address_is_a_configuration_error_without_the_password(url: str) -> None:
    """What is no broker's address names its variable and does not repeat what may hold a password."""
    with pytest.raises(ConfigurationError) as caught:
        open_broker(url, SystemClock(), random.Random(1))

    assert caught.value.problems[0].startswith("ITACA_BROKER_URL")
    assert "segreto" not in str(caught.value)
