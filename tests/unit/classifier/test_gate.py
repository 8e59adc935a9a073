"""The gate: a candidate that misses more complaints does not pass, whatever else it does better."""

from dataclasses import replace

import pytest

from services.classifier.training.gate import Change, Comparison, decide, p_at_least

EQUAL = {"complaints safe": 0.98, "complaints found": 0.88, "macro f1": 0.87, "review": 0.2}
COMPARISON = Comparison("frozen test", 500, 200, Change(), Change(), EQUAL, EQUAL)


def test_an_equal_candidate_passes() -> None:
    """Nothing speaks against it, and the verdict says so in words."""
    verdict = decide([COMPARISON])
    assert verdict.passed
    assert "may be promoted" in verdict.text


def test_one_sided_test_stops_a_candidate_that_loses_complaints() -> None:
    """Eight complaints newly missed and one newly safe are no chance."""
    verdict = decide([replace(COMPARISON, safe=Change(lost=8, won=1))])
    assert not verdict.passed
    assert "misses 8 complaints" in verdict.text


def test_complaints_found_may_not_fall_significantly() -> None:
    """A candidate that sends to a person what the present model finds by itself is refused, as the same test says."""
    verdict = decide([replace(COMPARISON, found=Change(lost=9, won=1))])
    assert verdict.reasons == ("on the frozen test it does not find 9 complaints that the present model finds",)
    assert decide([replace(COMPARISON, found=Change(lost=4, won=1))]).passed


def test_gains_elsewhere_do_not_pay_for_complaints() -> None:
    """A better macro-F1 does not buy a loss of safety; one bad set is enough."""
    worse = replace(COMPARISON, candidate={**EQUAL, "complaints safe": 0.96, "macro f1": 0.95})
    assert not decide([COMPARISON, replace(worse, name="newest labels")]).passed


def test_a_clear_loss_on_the_rest_stops_it_too() -> None:
    """Orders and cancellations may not get much worse either."""
    verdict = decide([replace(COMPARISON, candidate={**EQUAL, "macro f1": 0.85})])
    assert verdict.reasons == ("on the frozen test its macro-F1 is 0.020 lower",)


@pytest.mark.parametrize(("lost", "changed", "chance"), [(0, 0, 1.0), (0, 4, 1.0), (4, 4, 1 / 16), (1, 2, 0.75)])
def test_the_chance_is_exact(lost: int, changed: int, chance: float) -> None:
    """The binomial tail of as many losses or more."""
    assert p_at_least(lost, changed) == pytest.approx(chance)
