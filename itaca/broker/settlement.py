"""What a handler answers for one message: done, again later, or never."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from itaca.broker.topology import QueueName


@dataclass(frozen=True)
class Ack:
    """The work is done and committed."""


@dataclass(frozen=True)
class Retry:
    """The work may succeed later. ``reason`` is shown to people and must hold no personal data."""

    reason: str


@dataclass(frozen=True)
class DeadLetter:
    """The work will never succeed; a person must look. ``reason`` as for Retry."""

    reason: str


Settlement = Ack | Retry | DeadLetter

Handler = Callable[[Sequence[bytes]], Awaitable[Sequence[Settlement]]]
"""Works on the distinct bodies of one batch and returns one settlement for each, in their order.

It may be called again with the same body at any time, also in another process: twice must equal once.
"""


class SettlementObserver(Protocol):
    """Told of each settled message; the metrics implement it, so that the broker layer knows none."""

    def on_settled(self, queue: QueueName, how: str, seconds: float) -> None:
        """``how`` is ``ack``, ``retry`` or ``dead_letter``; ``seconds`` run from receiving to settling."""
        ...
