"""Choosing the thresholds of a model from out-of-fold scores, and saying in words how."""

from dataclasses import dataclass

import numpy as np

from itaca.contracts.intents import Intent
from services.classifier.training.corpus import INTENTS
from services.classifier.training.risk import best_cut, lower_threshold, upper_bound
from services.classifier.vectors import Array
from services.classifier.verdicts import Thresholds

OTHER_ALPHA = 0.15
"""Missed orders and cancellations: less harm than a missed complaint, and their share of reviews is kept small."""


@dataclass(frozen=True)
class Choice:
    """The thresholds per intent, the rule that chose them in words, and where there is too little to prove it."""

    thresholds: dict[Intent, Thresholds]
    rule: str
    unproven_languages: tuple[str, ...]


def choose_thresholds(scores: Array, labels: Array, languages: Array, alpha: float, confidence: float) -> Choice:
    """Choose for each intent: ``yes`` at the best F1, ``no`` where the share missed is proven small enough.

    ``scores`` and ``labels`` have shape (n_examples, n_intents), ``languages`` (n_examples,).
    """
    chosen: dict[Intent, Thresholds] = {}
    for place, intent in enumerate(INTENTS):
        limit = alpha if intent is Intent.COMPLAINT else OTHER_ALPHA
        yes = best_cut(scores[:, place], labels[:, place])
        no = min(yes, lower_threshold(scores[:, place], labels[:, place], limit, confidence))
        chosen[intent] = Thresholds(yes=round(yes, 6), no=round(no, 6))
    complaints = labels[:, INTENTS.index(Intent.COMPLAINT)] == 1
    rule = (
        f"complaint answered no: missed at most {alpha:.1%} at confidence {confidence:.0%}, all languages together, "
        f"exact binomial bound, fixed sequence, {int(complaints.sum())} complaints out of fold; order and "
        f"cancellation: {OTHER_ALPHA:.0%}; yes: the cut of highest F1"
    )
    return Choice(chosen, rule, unproven(languages, complaints, alpha, confidence))


def unproven(languages: Array, complaints: Array, alpha: float, confidence: float) -> tuple[str, ...]:
    """Return the languages with too few complaints for any bound of ``alpha``, even without a single miss.

    ``languages`` and ``complaints`` have shape (n_examples,).
    """
    return tuple(
        str(language)
        for language in np.unique(languages)
        if upper_bound(0, int(((languages == language) & complaints).sum()), confidence) > alpha
    )
