"""The gate: may a candidate take the champion's place? Complaints safe and found, one test, a verdict in words."""

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
class Change:
    """Complaints that only the champion answers well (``lost``), and those that only the candidate does (``won``)."""

    lost: int = 0
    won: int = 0

    @property
    def p_worse(self) -> float:
        """The chance of so many losses if both models were equally good."""
        return p_at_least(self.lost, self.lost + self.won)


@dataclass(frozen=True)
class Comparison:
    """Champion and candidate on the same mails.

    ``safe`` counts a complaint as answered well when a person sees it, ``found`` only when the model says so.
    """

    name: str
    mails: int
    complaints: int
    safe: Change
    found: Change
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
    found = [answered[:, place] for answered in said]
    safe = [answered | seen for answered, seen in zip(found, review, strict=True)]
    return Comparison(
        name,
        len(examples),
        int(complaints.sum()),
        _change(safe[0][complaints], safe[1][complaints]),
        _change(found[0][complaints], found[1][complaints]),
        _figures(labels, said[0], review[0]),
        _figures(labels, said[1], review[1]),
    )


def _change(champion: Array, candidate: Array) -> Change:
    return Change(int((champion & ~candidate).sum()), int((~champion & candidate).sum()))


def p_at_least(lost: int, changed: int) -> float:
    """Return the chance of at least so many losses among the changed if both were equally good (exact McNemar)."""
    return float(binom.sf(lost - 1, changed, 0.5)) if changed else 1.0


def _figures(labels: Array, said: Array, review: Array) -> dict[str, float]:
    figures = answer_figures(labels, np.asarray(said), np.asarray(review))
    return {name: figure.value for name, figure in figures.items() if name != "mails"}


def decide(comparisons: Sequence[Comparison]) -> Verdict:
    """Return the verdict: not worse on complaints (one-sided tests), not much worse on the rest."""
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
    if comparison.safe.p_worse < SIGNIFICANCE:
        reasons.append(f"{where} it misses {comparison.safe.lost} complaints that the present model keeps safe")
    if comparison.found.p_worse < SIGNIFICANCE:
        reasons.append(f"{where} it does not find {comparison.found.lost} complaints that the present model finds")
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
        f"{comparison.name}: {comparison.mails} mails, {comparison.complaints} complaints; {shown}; "
        f"no longer safe {_told(comparison.safe)}; no longer found {_told(comparison.found)}"
    )


def _told(change: Change) -> str:
    return f"{change.lost}, newly {change.won} (chance of this if equal: {change.p_worse:.2f})"
