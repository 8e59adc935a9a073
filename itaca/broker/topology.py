"""The whole flow in one table: each queue, who reads it and what travels there."""

from dataclasses import dataclass
from typing import NewType

QueueName = NewType("QueueName", str)

CLASSIFIER_MAIL_RECEIVED = QueueName("classifier.mail_received")
ROUTER_MAIL_CLASSIFIED = QueueName("router.mail_classified")

OUTCOMES_EXCHANGE = "outcomes"
"""Topic exchange for other systems: ``order.received``, ``cancellation.requested``; see DESIGN.md."""


@dataclass(frozen=True)
class Queue:
    """One queue with its retry queues and its dead-letter queue beside it.

    ``retry_delays_s``: a message handed back waits in ``<name>.retry.<n>`` for that many seconds, growing with
    its attempts; after the last one it goes to ``<name>.dead``. ``delivery_limit`` counts deliveries that ended
    without a settlement (a crashed consumer).
    """

    name: QueueName
    event: str
    retry_delays_s: tuple[float, ...] = (2, 15, 60)
    delivery_limit: int = 20

    @property
    def dead(self) -> QueueName:
        return QueueName(f"{self.name}.dead")

    def retry(self, attempt: int) -> QueueName:
        """Return the retry queue for the given attempt (1-based); the last one serves all later attempts."""
        return QueueName(f"{self.name}.retry.{min(attempt, len(self.retry_delays_s))}")


@dataclass(frozen=True)
class Binding:
    """A queue of another system that Itaca declares so that nothing handed off is unroutable."""

    exchange: str
    routing_key: str
    queue: QueueName


TOPOLOGY: tuple[Queue, ...] = (
    #     queue                      what travels      who reads
    Queue(CLASSIFIER_MAIL_RECEIVED, "MailReceived"),  # services/classifier
    Queue(ROUTER_MAIL_CLASSIFIED, "MailClassified"),  # services/router
)

HANDOFFS: tuple[Binding, ...] = (
    Binding(OUTCOMES_EXCHANGE, "order.received", QueueName("outcomes.orders")),
    Binding(OUTCOMES_EXCHANGE, "cancellation.requested", QueueName("outcomes.cancellations")),
)


def queue_named(name: str) -> Queue:
    """Return the row of the table.

    Raises:
        KeyError: no such queue.
    """
    return _BY_NAME[name]


_BY_NAME: dict[str, Queue] = {queue.name: queue for queue in TOPOLOGY}
