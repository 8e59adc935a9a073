"""The gate: a candidate that misses more complaints does not pass, whatever else it does better."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from itaca.contracts.events import Judgement, WrittenText
from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Intent, Verdict
from services.classifier.training.corpus import Example
from services.classifier.training.gate import Change, Comparison, compare, decide, p_at_least

EQUAL = {"complaints safe": 0.98, "complaints found": 0.88, "macro f1": 0.87, "review": 0.2}
COMPARISON = Comparison("frozen test", 500, 200, Change(), Change(), EQUAL, EQUAL)


class ModelThatFinds:
    """Finds the complaints of the mails with these numbers; where ``asks`` it sends the rest to a person."""

    def __init__(self, found: range, asks: bool = False) -> None:
        self._found, self._asks = found, asks

    def judge(self, texts: Sequence[WrittenText], *, with_spans: bool) -> list[Judgement]:
        return [self._answer(int(text.new_text) in self._found) for text in texts]

    def _answer(self, is_found: bool) -> Judgement:
        verdicts = dict.fromkeys(Intent, Verdict.NO)
        if is_found or self._asks:
            verdicts[Intent.COMPLAINT] = Verdict.YES if is_found else Verdict.UNSURE
        return Judgement(
            model=ModelVersion("fake"),
            scores=dict.fromkeys(Intent, 0.5),
            verdicts=verdicts,
            needs_review=self._asks and not is_found,
        )


def complaints(count: int) -> list[Example]:
    return [
        Example(
            f"m{number}",
            "it",
            f"c{number}",
            "test",
            frozenset({Intent.COMPLAINT}),
            WrittenText(subject="", new_text=str(number)),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("found", "asks", "passed"),
    [
        (range(25), False, True),
        (range(24), False, True),
        (range(18), False, False),
        (range(18), True, False),
        (range(25), True, True),
    ],
    ids=["equal", "one fewer by chance", "seven missed", "seven left to a person", "safer"],
)
def test_two_models_are_compared_on_the_same_complaints(found: range, asks: bool, passed: bool) -> None:
    """The champion finds 25 of 28: one fewer is chance, seven fewer are none, even where a person sees them."""
    champion, candidate = ModelThatFinds(range(25)), ModelThatFinds(found, asks)
    comparison = compare("newest labels", complaints(28), champion, candidate)  # type: ignore[arg-type]
    assert comparison.found == Change(lost=25 - len(found))
    assert decide([comparison]).passed is passed


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
