"""Choosing the thresholds of a model from out-of-fold scores, and saying in words how."""

from dataclasses import dataclass

import numpy as np

from itaca.contracts.intents import Intent
from services.classifier.training.corpus import INTENTS
from services.classifier.training.risk import best_cut, lower_threshold, upper_bound
from services.classifier.vectors import Array
from services.classifier.verdicts import Thresholds

COMPLAINT = INTENTS.index(Intent.COMPLAINT)
OTHER_ALPHA = 0.15
"""Missed orders and cancellations: less harm than a missed complaint, and their share of reviews is kept small."""


@dataclass(frozen=True)
class Choice:
    """The thresholds per intent, the rule that chose them in words, and where there is too little to prove it."""

    thresholds: dict[Intent, Thresholds]
    rule: str
    unproven_languages: tuple[str, ...]


def choose_thresholds(
    scores: Array, labels: Array, languages: Array, hard: Array, alpha: float, confidence: float
) -> Choice:
    """Choose for each intent: ``yes`` where F1 is highest, ``no`` where the share missed is proven small enough.

    A bound over all mail holds for mail of the same mixture only, and nobody knows the mixture of next month. So
    the share of missed complaints is bounded among the ``hard`` mails alone too, where these are enough to prove it.

    Args:
        scores: shape (n_examples, n_intents), as ``labels``.
        languages: shape (n_examples,).
        hard: shape (n_examples,), true for mails that were written to be hard.
    """
    complaints = labels[:, COMPLAINT] == 1
    groups = [np.ones(len(labels), dtype=bool)]
    if _is_provable(int((hard & complaints).sum()), alpha, confidence):
        groups.append(np.asarray(hard, dtype=bool))
    chosen: dict[Intent, Thresholds] = {}
    for place, intent in enumerate(INTENTS):
        limit, over = (alpha, groups) if place == COMPLAINT else (OTHER_ALPHA, groups[:1])
        yes = best_cut(scores[:, place], labels[:, place])
        proven = [lower_threshold(scores[rows, place], labels[rows, place], limit, confidence) for rows in over]
        no = min(yes, *proven)
        chosen[intent] = Thresholds(yes=round(yes, 6), no=round(no, 6))
    among = " and ".join(str(int((rows & complaints).sum())) for rows in groups)
    rule = (
        f"complaint answered no: missed at most {alpha:.1%} at confidence {confidence:.0%}, all languages together"
        f"{', and as much among hard mails alone' if len(groups) > 1 else ''}; exact binomial bound, fixed "
        f"sequence, {among} complaints out of fold; order and "
        f"cancellation: {OTHER_ALPHA:.0%}; yes: half of the highest F1, where calibrated scores have it"
    )
    return Choice(chosen, rule, unproven(languages, complaints, alpha, confidence))


def unproven(languages: Array, complaints: Array, alpha: float, confidence: float) -> tuple[str, ...]:
    """Return the languages with too few complaints for any bound of ``alpha``, even without a single miss.

    ``languages`` and ``complaints`` have shape (n_examples,).
    """
    return tuple(
        str(language)
        for language in np.unique(languages)
        if not _is_provable(int(((languages == language) & complaints).sum()), alpha, confidence)
    )


def _is_provable(trials: int, alpha: float, confidence: float) -> bool:
    """Say whether so many complaints could prove a share of ``alpha``, if none of them were missed."""
    return upper_bound(0, trials, confidence) <= alpha
