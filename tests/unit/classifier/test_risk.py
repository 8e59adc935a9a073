"""Risk control: bounds that hold, thresholds that keep them."""

import numpy as np
import pytest
from scipy.stats import binom

from services.classifier.training.risk import best_cut, interval, lower_threshold, risk_curve, upper_bound


@pytest.mark.parametrize(("misses", "trials"), [(0, 100), (3, 200), (40, 90)])
def test_the_upper_bound_is_exact(misses: int, trials: int) -> None:
    """At the bound, so few misses have exactly the probability that confidence leaves (Clopper-Pearson)."""
    assert binom.cdf(misses, trials, upper_bound(misses, trials, 0.9)) == pytest.approx(0.1)


def test_no_evidence_proves_nothing() -> None:
    """Without trials, or with only misses, the bound is 1."""
    assert upper_bound(0, 0, 0.9) == upper_bound(5, 5, 0.9) == 1.0
    assert interval(0, 10)[0] == 0.0


def test_the_threshold_keeps_its_promise_in_nine_of_ten_samples() -> None:
    """Over many samples the true share of complaints below the threshold exceeds alpha in at most a tenth."""
    chance = np.random.default_rng(7)
    broken = 0
    rounds = 400
    for _ in range(rounds):
        scores = chance.uniform(size=400)
        threshold = lower_threshold(scores, np.ones(400), alpha=0.05, confidence=0.9)
        broken += threshold > 0.05
    assert broken / rounds <= 0.13
    assert broken > 0


def test_too_few_complaints_leave_everything_unsure() -> None:
    """With ten complaints nothing can be proven at 1 %, so no mail is answered no."""
    assert lower_threshold(np.linspace(0.5, 1.0, 10), np.ones(10), alpha=0.01, confidence=0.9) == 0.0


def test_the_controller_of_mapie_agrees() -> None:
    """MAPIE's risk control, with the same fixed sequence, proves no higher recall threshold than ours does."""
    risk_control = pytest.importorskip("mapie.risk_control", reason="the extra `train` is not installed")
    chance = np.random.default_rng(3)
    holds = np.tile([1, 0], 600)
    scores = np.where(holds == 1, chance.beta(8, 2, 1200), chance.beta(2, 8, 1200))
    grid = np.linspace(0.01, 0.7, 70)
    controller = risk_control.BinaryClassificationController(
        lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
        "recall",
        0.98,
        confidence_level=0.9,
        list_predict_params=grid,
        fwer_method="fixed_sequence",
    )
    controller.calibrate(scores[:, None], holds)
    ours = lower_threshold(scores, holds, alpha=0.02, confidence=0.9)
    assert max(controller.valid_predict_params) <= ours + 0.01
    assert ours - max(controller.valid_predict_params) < 0.1


def test_the_best_cut_parts_what_can_be_parted() -> None:
    """Between the lowest that holds and the highest that does not."""
    assert 0.4 < best_cut(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 0, 1, 1])) < 0.6


def test_the_best_cut_is_half_of_the_highest_f1() -> None:
    """All four found with two too many: F1 is at most 0.8, whatever the scores are."""
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.1])
    assert best_cut(scores, np.array([1, 0, 1, 1, 0, 1])) == pytest.approx(0.8 / 2)


def test_the_curve_trades_review_for_safety() -> None:
    """A higher threshold leaves less unsure and misses more."""
    scores = np.linspace(0.0, 1.0, 101)
    curve = risk_curve(scores, (scores > 0.3).astype(int), yes=0.6, confidence=0.9)
    assert [p.unsure_share for p in curve] == sorted((p.unsure_share for p in curve), reverse=True)
    assert [p.misses for p in curve] == sorted(p.misses for p in curve)
