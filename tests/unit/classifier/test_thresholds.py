"""Thresholds: what is promised of missed complaints, of all mail and of hard mail alone."""

import numpy as np

from itaca.contracts.intents import Intent
from services.classifier.training.thresholds import choose_thresholds
from services.classifier.vectors import Array

CHANCE = np.random.default_rng(7)


def mails(count: int, spread: float) -> tuple[Array, Array]:
    """Return scores and labels of ``count`` mails, half of them complaints; a wide spread makes them hard to part."""
    labels = np.tile(np.arange(count) % 2, (3, 1)).T
    log_odds = (2 * labels - 1) * 4.0 + CHANCE.normal(0.0, spread, labels.shape)
    return 1.0 / (1.0 + np.exp(-log_odds)), labels


def test_hard_mail_alone_lowers_what_counts_as_no() -> None:
    """The share missed is bounded among hard mails too, so their low scores are not outvoted by easy mail."""
    easy, hard = mails(8000, 1.0), mails(1000, 3.0)
    scores, labels = np.concatenate([easy[0], hard[0]]), np.concatenate([easy[1], hard[1]])
    is_hard = np.arange(9000) >= 8000
    languages = np.full(9000, "it")
    together = choose_thresholds(scores, labels, languages, np.zeros(9000, dtype=bool), 0.01, 0.9)
    apart = choose_thresholds(scores, labels, languages, is_hard, 0.01, 0.9)
    no = apart.thresholds[Intent.COMPLAINT].no
    assert no < together.thresholds[Intent.COMPLAINT].no
    missed = (scores[is_hard, 1] < no) & (labels[is_hard, 1] == 1)
    assert missed.sum() <= 0.01 * 500
    assert "4500 and 500 complaints" in apart.rule


def test_too_few_hard_mails_do_not_send_everything_to_review() -> None:
    """Where hard mails cannot prove the bound even without a miss, the bound over all mail stands alone."""
    scores, labels = mails(2000, 1.0)
    few = np.arange(2000) < 40
    choice = choose_thresholds(scores, labels, np.full(2000, "it"), few, 0.01, 0.9)
    assert choice.thresholds[Intent.COMPLAINT].no > 0.0
    assert "hard" not in choice.rule


def test_a_language_with_too_few_complaints_is_named() -> None:
    """With 1 % at confidence 90 %, a language needs 230 complaints before any bound can be proven."""
    scores, labels = mails(1000, 1.0)
    languages = np.where(np.arange(1000) < 440, "de", "it")
    choice = choose_thresholds(scores, labels, languages, np.zeros(1000, dtype=bool), 0.01, 0.9)
    assert choice.unproven_languages == ("de",)
