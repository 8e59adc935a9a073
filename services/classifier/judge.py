"""The port between the handler and whatever judges: a pool of workers, or a fake with state in tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from itaca.contracts.events import Judgement, WrittenText


@dataclass(frozen=True)
class Unjudged:
    """One text could not be judged this time: it killed its worker, or took too long; ``reason`` in words."""

    reason: str


class Judge(Protocol):
    """Judges texts."""

    async def judge(self, texts: Sequence[WrittenText]) -> list[Judgement | Unjudged]:
        """Return one answer per text, in order; a text that fails never takes its neighbours with it.

        All judgements of one call name one model version.
        """
        ...

    def problems(self) -> Sequence[str]:
        """Return why no model is in use, in words; empty when one is."""
        ...
