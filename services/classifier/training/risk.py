"""Risk control: the thresholds, and the bound on missed complaints that they keep.

Learn-then-Test (Angelopoulos and others, 2021) with a fixed sequence: candidates for the lower threshold are
tried from the safest upwards, each tested by the exact binomial tail on out-of-fold scores, and the last one
that passes before the first failure is taken. So with probability ``confidence`` the share of complaints
that is answered "no" stays at or below ``alpha`` for mails like those of the calibration set.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from services.classifier.vectors import Array

DEFAULT_ALPHA = 0.01
DEFAULT_CONFIDENCE = 0.90


@dataclass(frozen=True)
class RiskPoint:
    """One lower threshold: misses among ``positives``, their upper bound, and the share of mail left unsure."""

    threshold: float
    misses: int
    positives: int
    upper_bound: float
    unsure_share: float


def upper_bound(misses: int, trials: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson upper bound of a rate; 1 without any trial."""
    if trials == 0 or misses >= trials:
        return 1.0
    return float(beta.ppf(confidence, misses + 1, trials - misses))


def lower_bound(hits: int, trials: int, confidence: float) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a rate; 0 without any trial."""
    return 1.0 - upper_bound(trials - hits, trials, confidence)


def interval(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided Clopper-Pearson interval of a rate."""
    one_sided = 1.0 - (1.0 - confidence) / 2.0
    return lower_bound(hits, trials, one_sided), upper_bound(hits, trials, one_sided)


def lower_threshold(scores: Array, holds: Array, alpha: float, confidence: float) -> float:
    """Return the highest threshold whose misses are proven to stay at or below ``alpha``; 0 if none is.

    ``scores`` and ``holds`` have shape (n_examples,).
    """
    positives = np.sort(scores[holds == 1])
    best = 0.0
    for misses, score in enumerate(positives):
        if upper_bound(misses, len(positives), confidence) > alpha:
            break
        best = float(score)
    return best


def best_cut(scores: Array, holds: Array) -> float:
    """Return the threshold of highest F1 for calibrated scores: half of the highest F1 that they reach.

    So it is in theory (Lipton and others, "Optimal thresholding of classifiers to maximize F1 measure", 2014), and
    the height of F1 is known far better than its place: near the top the curve is flat, and the place of its
    highest point is chance. ``scores`` and ``holds`` have shape (n_examples,).
    """
    hits = np.cumsum(holds[np.argsort(-scores, kind="stable")])
    f1 = 2.0 * hits / (np.arange(1, len(hits) + 1) + holds.sum())
    return float(f1.max()) / 2.0


def risk_curve(scores: Array, holds: Array, yes: float, confidence: float, steps: int = 60) -> list[RiskPoint]:
    """Return the price of safety: for lower thresholds up to ``yes``, the bound and the share left unsure."""
    positives = scores[holds == 1]
    points = []
    for threshold in np.linspace(0.0, yes, steps):
        misses = int((positives < threshold).sum())
        unsure = float(((scores >= threshold) & (scores < yes)).mean())
        bound = upper_bound(misses, len(positives), confidence)
        points.append(RiskPoint(float(threshold), misses, len(positives), bound, unsure))
    return points
