"""The bound that blind checks prove, against values known from elsewhere."""

import pytest

from itaca.cases.elusion import Elusion, upper_bound
from services.classifier.training import risk


@pytest.mark.parametrize(
    ("misses", "checked", "known"),
    [
        (0, 10, 0.2588655508930522),
        (1, 10, 0.39416330243650466),
        (0, 100, 0.029513049607039925),
        (1, 100, 0.046559811453538935),
        (10, 100, 0.16371762327581477),
        (0, 300, 0.009936081944457708),
        (3, 300, 0.025641393082609616),
        (40, 3000, 0.017321479164197497),
    ],
)
def test_the_bound_has_its_known_values(misses: int, checked: int, known: float) -> None:
    """Quantiles of the beta distribution, as statistics libraries give them."""
    assert upper_bound(misses, checked) == pytest.approx(known, rel=1e-9)


def test_without_a_miss_the_bound_is_a_root() -> None:
    """For no misses the formula is short enough to check by hand: 1 - 0.05 ** (1 / n)."""
    for checked in (1, 2, 59, 300, 100_000):
        assert upper_bound(0, checked) == pytest.approx(1 - 0.05 ** (1 / checked), rel=1e-9)


def test_training_and_audit_mean_the_same_bound() -> None:
    """The report of a model and the audit of its work can be compared."""
    for misses, checked in [(0, 1), (2, 7), (6, 7), (12, 940)]:
        assert upper_bound(misses, checked, 0.9) == pytest.approx(risk.upper_bound(misses, checked, 0.9), rel=1e-9)


def test_nothing_checked_proves_nothing() -> None:
    """Without checks, or with nothing but misses, every rate is possible."""
    assert (upper_bound(0, 0), upper_bound(5, 5)) == (1.0, 1.0)


def test_a_bound_is_never_below_what_was_seen() -> None:
    """More misses raise it, more checks lower it."""
    few, more, longer = (Elusion("it", 0, n, k).upper_bound for n, k in [(100, 1), (100, 2), (200, 1)])
    assert 0.01 < longer < few < more
