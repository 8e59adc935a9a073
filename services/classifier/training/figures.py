"""Figures of a model per language and slice, each with its interval and the number of mails behind it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from itaca.contracts.intents import Intent
from services.classifier.manifest import Interval
from services.classifier.training.corpus import INTENTS, Example, label_matrix
from services.classifier.training.risk import interval
from services.classifier.vectors import Array
from services.classifier.verdicts import Thresholds

COMPLAINT = INTENTS.index(Intent.COMPLAINT)


def sliced_figures(
    examples: Sequence[Example], scores: Array, thresholds: Mapping[Intent, Thresholds], prefix: str = ""
) -> dict[str, dict[str, Interval]]:
    """Return the figures of every slice that has mails, by name, also of those that mails name themselves."""
    labels = label_matrix(examples)
    slices = dict(SLICES)
    slices.update({name: _of_slice(name) for name in sorted({e.slice for e in examples if e.slice})})
    found: dict[str, dict[str, Interval]] = {}
    for name, belongs in slices.items():
        rows = np.flatnonzero([belongs(example) for example in examples])
        if rows.size:
            found[prefix + name] = slice_figures(labels[rows], scores[rows], thresholds)
    return found


def _of_slice(name: str) -> Callable[[Example], bool]:
    return lambda example: example.slice == name


def _in_language(language: str) -> Callable[[Example], bool]:
    return lambda example: example.language == language


SLICES: dict[str, Callable[[Example], bool]] = {
    "all": lambda _: True,
    "it": _in_language("it"),
    "en": _in_language("en"),
    "de": _in_language("de"),
    "fr": _in_language("fr"),
    "es": _in_language("es"),
    "hard": lambda example: example.source.endswith("_hard"),
    "subtle": lambda example: example.source.endswith("_subtle"),
    "voices": lambda example: example.source.endswith("_voices"),
    "order and complaint": lambda example: {Intent.ORDER, Intent.COMPLAINT} <= example.labels,
    "cancellation and complaint": lambda example: {Intent.CANCELLATION, Intent.COMPLAINT} <= example.labels,
    "with quoted text": lambda example: bool(example.text.quoted_text),
}


def slice_figures(labels: Array, scores: Array, thresholds: Mapping[Intent, Thresholds]) -> dict[str, Interval]:
    """Return the figures that thresholds give on scores, without the other reasons for a review."""
    yes = np.array([thresholds[intent].yes for intent in INTENTS])
    no = np.array([thresholds[intent].no for intent in INTENTS])
    said: Array = np.asarray(scores >= yes)
    unsure: Array = np.any((scores >= no) & ~said, axis=1)
    return answer_figures(labels, said, unsure)


def answer_figures(labels: Array, said: Array, review: Array) -> dict[str, Interval]:
    """Return F1 per intent and macro, the share of complaints that are safe, and the share of mail in review.

    ``labels`` and ``said`` have shape (n_mails, n_intents), ``review`` (n_mails,). A complaint is safe when it
    is answered complaint or a person sees the mail.
    """
    n_mails = len(labels)
    found: dict[str, Interval] = {}
    singles = []
    for place, intent in enumerate(INTENTS):
        if labels[:, place].any():
            singles.append(_f1(labels[:, place], said[:, place]))
            found[f"f1 {intent.value}"] = _by_resampling(labels[:, [place]], said[:, [place]])
    if len(singles) == len(INTENTS):
        found["macro f1"] = _by_resampling(labels, said)
    complaints = labels[:, COMPLAINT] == 1
    if complaints.any():
        found["complaints found"] = _rate(said[complaints, COMPLAINT])
        found["complaints safe"] = _rate(said[complaints, COMPLAINT] | review[complaints])
    found["review"] = _rate(review)
    found["mails"] = Interval(value=n_mails, low=n_mails, high=n_mails, mails=n_mails)
    return found


def _f1(holds: Array, said: Array) -> float:
    hits = float((holds * said).sum())
    together = float(holds.sum() + said.sum())
    return 2.0 * hits / together if together else 0.0


def _by_resampling(labels: Array, said: Array, rounds: int = 200) -> Interval:
    """Return the mean F1 of the columns with its 95 % bootstrap interval, by a fixed seed."""

    def mean_f1(rows: Array) -> float:
        return float(np.mean([_f1(labels[rows, j], said[rows, j]) for j in range(labels.shape[1])]))

    chance = np.random.default_rng(0)
    n_mails = len(labels)
    sampled = [mean_f1(chance.integers(0, n_mails, n_mails)) for _ in range(rounds)]
    low, high = np.percentile(sampled, [2.5, 97.5])
    value = mean_f1(np.arange(n_mails))
    return Interval(value=round(value, 4), low=round(float(low), 4), high=round(float(high), 4), mails=n_mails)


def _rate(hits: Array) -> Interval:
    low, high = interval(int(hits.sum()), len(hits))
    return Interval(value=round(float(hits.mean()), 4), low=round(low, 4), high=round(high, 4), mails=len(hits))
