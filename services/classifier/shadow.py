"""Shadow mode: a candidate judges beside the champion, answers nothing, and where they differ is reported."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from itaca.contracts.events import Judgement
from itaca.contracts.intents import Intent
from services.classifier.model import Model
from services.classifier.sources import Source, read_sources

BATCH = 64


@dataclass(frozen=True)
class Difference:
    """One mail that the two models answer differently; ``intents`` are those with another verdict."""

    id: str
    intents: tuple[Intent, ...]
    champion: Judgement
    candidate: Judgement


@dataclass(frozen=True)
class ShadowReport:
    """How many mails were judged by both, and those that differ."""

    mails: int
    differences: tuple[Difference, ...]


def shadow(paths: Iterable[Path], champion: Model, candidate: Model) -> ShadowReport:
    """Judge the mails of all paths with both models.

    Raises:
        PermanentError: a path holds no mail.
    """
    mails = 0
    differences: list[Difference] = []
    sources = read_sources(paths)
    while batch := list(islice(sources, BATCH)):
        mails += len(batch)
        differences.extend(_compare(batch, champion, candidate))
    return ShadowReport(mails, tuple(differences))


def _compare(batch: Sequence[Source], champion: Model, candidate: Model) -> Iterator[Difference]:
    texts = [source.text for source in batch]
    for source, old, new in zip(
        batch, champion.judge(texts, with_spans=False), candidate.judge(texts, with_spans=False), strict=True
    ):
        changed = differing(old, new)
        if changed is not None:
            yield Difference(source.id, changed, old, new)


def differing(champion: Judgement, candidate: Judgement) -> tuple[Intent, ...] | None:
    """Return the intents with another verdict, none where only the review differs; None where nothing does."""
    changed = tuple(intent for intent in Intent if champion.verdicts[intent] is not candidate.verdicts[intent])
    return changed if changed or champion.needs_review is not candidate.needs_review else None
