"""The gate: may a candidate take the champion's place? Two figures, one test, a verdict in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from itaca.contracts.intents import Intent
from services.classifier.model import Model
from services.classifier.training.corpus import INTENTS, Example, label_matrix
from services.classifier.training.evaluate import judged
from services.classifier.training.figures import answer_figures
from services.classifier.vectors import Array

SIGNIFICANCE = 0.05
MAX_LOSS_MACRO_F1 = 0.01
MAX_LOSS_SAFE = 0.005
MIN_COMPLAINTS = 30


@dataclass(frozen=True)
class Comparison:
    """Champion and candidate on the same mails. ``lost`` complaints the champion found and the candidate does not."""

    name: str
    mails: int
    complaints: int
    lost: int
    won: int
    p_worse: float
    champion: dict[str, float]
    candidate: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate may be promoted, the reasons against it, and the whole in words."""

    passed: bool
    reasons: tuple[str, ...]
    text: str


def compare(name: str, examples: Sequence[Example], champion: Model, candidate: Model) -> Comparison:
    """Judge the same mails with both models."""
    labels = label_matrix(examples)
    place = INTENTS.index(Intent.COMPLAINT)
    complaints = labels[:, place] == 1
    said, review = zip(*(judged(model, examples) for model in (champion, candidate)), strict=True)
    safe = [answered[:, place] | seen for answered, seen in zip(said, review, strict=True)]
    lost = int((safe[0] & ~safe[1] & complaints).sum())
    won = int((~safe[0] & safe[1] & complaints).sum())
    return Comparison(
        name,
        len(examples),
        int(complaints.sum()),
        lost,
        won,
        p_at_least(lost, lost + won),
        _figures(labels, said[0], review[0]),
        _figures(labels, said[1], review[1]),
    )


def p_at_least(lost: int, changed: int) -> float:
    """Return the chance of at least so many losses among the changed if both were equally good (exact McNemar)."""
    return float(binom.sf(lost - 1, changed, 0.5)) if changed else 1.0


def _figures(labels: Array, said: Array, review: Array) -> dict[str, float]:
    figures = answer_figures(labels, np.asarray(said), np.asarray(review))
    return {name: figure.value for name, figure in figures.items() if name != "mails"}


def decide(comparisons: Sequence[Comparison]) -> Verdict:
    """Return the verdict: not worse on complaints (one-sided test), not much worse on the rest."""
    reasons = [reason for comparison in comparisons for reason in _against(comparison)]
    lines = [_line(comparison) for comparison in comparisons]
    if reasons:
        lines.append("The candidate must not be promoted: " + "; ".join(reasons) + ".")
    else:
        lines.append("The candidate may be promoted: nothing shows that it would miss more complaints.")
    return Verdict(not reasons, tuple(reasons), "\n".join(lines))


def _against(comparison: Comparison) -> list[str]:
    """Return what speaks against the candidate on one set of mails."""
    reasons: list[str] = []
    where = f"on the {comparison.name}"
    if comparison.p_worse < SIGNIFICANCE:
        reasons.append(f"{where} it misses {comparison.lost} complaints that the present model keeps safe")
    if comparison.complaints >= MIN_COMPLAINTS:
        loss = comparison.champion["complaints safe"] - comparison.candidate["complaints safe"]
        if loss > MAX_LOSS_SAFE:
            reasons.append(f"{where} it keeps {loss:.1%} fewer complaints safe")
        drop = comparison.champion.get("macro f1", 0.0) - comparison.candidate.get("macro f1", 0.0)
        if drop > MAX_LOSS_MACRO_F1:
            reasons.append(f"{where} its macro-F1 is {drop:.3f} lower")
    return reasons


def _line(comparison: Comparison) -> str:
    shown = ", ".join(
        f"{name} {comparison.champion[name]:.3f} -> {comparison.candidate[name]:.3f}"
        for name in ("complaints safe", "complaints found", "macro f1", "review")
        if name in comparison.champion and name in comparison.candidate
    )
    return (
        f"{comparison.name}: {comparison.mails} mails, {comparison.complaints} complaints; {shown}; complaints newly "
        f"missed {comparison.lost}, newly safe {comparison.won} (chance of this if equal: {comparison.p_worse:.2f})"
    )
