"""How large a message may be."""

from collections.abc import Sequence

from itaca.contracts.events import MAX_EVENT_BYTES
from itaca.errors import PermanentError


def check_sizes(bodies: Sequence[bytes]) -> None:
    """Refuse what no broker should carry, before it is sent.

    RabbitMQ closes the channel on a message over its own limit, and fails the innocent neighbours that were
    under way on it.

    Raises:
        PermanentError: a body is larger than MAX_EVENT_BYTES.
    """
    largest = max(map(len, bodies), default=0)
    if largest > MAX_EVENT_BYTES:
        raise PermanentError(f"a message of {largest} bytes is over the limit of {MAX_EVENT_BYTES}")
