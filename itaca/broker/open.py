"""A broker from its address."""

import random
from urllib.parse import urlsplit

from itaca.broker.amqp import AmqpBroker
from itaca.broker.memory import MemoryBroker
from itaca.broker.port import Broker
from itaca.clock import Clock
from itaca.errors import ConfigurationError


def open_broker(url: str, clock: Clock, rng: random.Random) -> Broker:
    """Return the broker for ``memory://``, ``amqp://`` or ``amqps://``; it is not started yet.

    Raises:
        ConfigurationError: another scheme, or an AMQP address without a host. The text does not repeat the
            address, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(["ITACA_BROKER_URL is no address: check its host and port"]) from None
    if scheme == "memory":
        return MemoryBroker(clock, rng)
    if scheme not in ("amqp", "amqps"):
        raise ConfigurationError(["ITACA_BROKER_URL must begin with memory://, amqp:// or amqps://"])
    if not host:
        raise ConfigurationError(["ITACA_BROKER_URL names no host"])
    return AmqpBroker(url, clock, rng)
