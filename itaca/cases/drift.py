"""Drift: whether mail is still like the mail that the model was trusted with, and what is reviewed when it is not."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from itaca.contracts.events import Judgement
from itaca.contracts.intents import Intent, Verdict

ALL = "all"
LIMIT = 0.25
LEAST = 500
"""Fewer scores than this, before or now, say nothing."""
_BINS = 10
_SAYS = "mail has changed since the model began its work, and this might be a complaint"


@dataclass(frozen=True)
class Score:
    """How sure a model was that one mail is a complaint, in [0, 1]; ``is_no`` if it answered that it is none."""

    language: str
    value: float
    is_no: bool


@dataclass(frozen=True)
class Drift:
    """How far the scores of one language, or of ``all``, have moved; ``review_above`` is half the score up to which
    the model answers no."""

    language: str
    index: float
    review_above: float

    @property
    def is_alarming(self) -> bool:
        return self.index > LIMIT


def drifts(reference: Sequence[Score], recent: Sequence[Score]) -> list[Drift]:
    """Return the drift of each language with enough scores, by name, and that of ``all`` at the end."""
    answered_no = [one.value for one in (*reference, *recent) if one.is_no]
    review_above = max(answered_no, default=0.0) / 2.0
    languages = sorted({one.language for one in recent} - {""})
    found = [(name, _of(reference, name), _of(recent, name)) for name in languages]
    found.append((ALL, [s.value for s in reference], [s.value for s in recent]))
    return [
        Drift(name, stability_index(before, now), review_above)
        for name, before, now in found
        if min(len(before), len(now)) >= LEAST
    ]


def stability_index(reference: Sequence[float], recent: Sequence[float]) -> float:
    """Return the population stability index of two samples, over the deciles of the first.

    0 for samples alike; credit scoring, where it comes from, calls 0.1 a small shift and 0.25 a large one (Siddiqi,
    Credit Risk Scorecards, 2006). Half a score is added to each bin, so that an empty one is no infinity.
    """
    ordered = sorted(reference)
    edges = sorted({ordered[len(ordered) * n // _BINS] for n in range(1, _BINS)})
    before, now = _shares(ordered, edges), _shares(recent, edges)
    return math.fsum((b - a) * math.log(b / a) for a, b in zip(before, now, strict=True))


def cautious(judgement: Judgement, alarms: Mapping[str, float]) -> Judgement:
    """Return the judgement as it is, or asking for a person where an alarm stands and a complaint was nearly seen.

    Args:
        alarms: for each language with an alarm, or ``all``, the score from which a "no" is not believed.
    """
    limits = [alarms[name] for name in (judgement.language, ALL) if name in alarms]
    is_no = judgement.verdicts.get(Intent.COMPLAINT) is Verdict.NO
    if not limits or not is_no or judgement.scores.get(Intent.COMPLAINT, 1.0) < min(limits):
        return judgement
    return judgement.model_copy(update={"needs_review": True, "review_reasons": (*judgement.review_reasons, _SAYS)})


def _of(scores: Sequence[Score], language: str) -> list[float]:
    return [one.value for one in scores if one.language == language]


def _shares(values: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = Counter(bisect_right(edges, value) for value in values)
    bins = len(edges) + 1
    return [(counts[n] + 0.5) / (len(values) + 0.5 * bins) for n in range(bins)]
