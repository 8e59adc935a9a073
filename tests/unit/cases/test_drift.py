"""Drift: how far scores have moved, and which answers are doubted then."""

import random

import pytest

from itaca.cases.decision import decide
from itaca.cases.drift import LEAST, LIMIT, Drift, Score, cautious, drifts, stability_index
from itaca.cases.policy import Policy
from itaca.contracts.events import Judgement
from itaca.contracts.intents import Intent, MailOutcome
from tests.support.case_facts import facts, judgement, standing


def scores(count: int, seed: int, power: float = 6.0, language: str = "it") -> list[Score]:
    """Return scores of a model, most of them low; a smaller power makes it less sure of its "no"."""
    rng = random.Random(seed)
    values = [rng.random() ** power for _ in range(count)]
    return [Score(language, value, value < 0.04) for value in values]


def scored(score: float, language: str = "it", letter: str = "N") -> Judgement:
    """Return a judgement with this complaint score."""
    made = judgement("N", letter)
    return made.model_copy(update={"scores": {**made.scores, Intent.COMPLAINT: score}, "language": language})


@pytest.mark.parametrize("count", [LEAST, 2_000])
def test_the_same_mail_raises_no_alarm(count: int) -> None:
    """Chance alone stays far below the limit, also with the fewest scores that are compared."""
    found = [drifts(scores(count, seed), scores(count, seed + 1_000))[-1] for seed in range(50)]
    assert max(one.index for one in found) < LIMIT / 2


def test_other_mail_raises_one() -> None:
    """Scores that have moved from sure to doubtful are far above it."""
    assert stability_index([s.value for s in scores(500, 1)], [s.value for s in scores(500, 2, power=2.0)]) > LIMIT


def test_an_index_by_hand() -> None:
    """Half the mail in one of two bins, then nine tenths: 0.4 * ln 1.8 + 0.4 * ln 5, but for the smoothing."""
    index = stability_index([0.0] * 5_000 + [1.0] * 5_000, [0.0] * 1_000 + [1.0] * 9_000)
    assert index == pytest.approx(0.879, abs=0.01)
    assert stability_index([0.5] * 300, [0.5] * 300) == pytest.approx(0.0)


def test_a_language_alone_may_drift() -> None:
    """Its alarm is its own; a language with too few scores is not compared, nor is all mail together."""
    before = scores(1_000, 1) + scores(600, 2, language="de") + scores(LEAST - 1, 3, language="fr")
    now = scores(1_000, 4) + scores(600, 5, power=2.0, language="de") + scores(600, 6, power=1.0, language="fr")
    found = {one.language: one for one in drifts(before, now)}
    assert list(found) == ["de", "it", "all"]
    assert [found[name].is_alarming for name in ("de", "it")] == [True, False]
    assert drifts(before, now[: LEAST - 1]) == []
    assert drifts([], []) == []


def test_the_doubt_begins_at_half_the_threshold() -> None:
    """The threshold is seen in the answers: no "no" is above it."""
    (_, found) = drifts(scores(1_000, 1), scores(1_000, 2))
    assert found.review_above == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize(
    ("judged", "alarms", "doubted"),
    [
        (scored(0.03), {"it": 0.02}, True),
        (scored(0.03), {"all": 0.02}, True),
        (scored(0.01), {"it": 0.02}, False),
        (scored(0.03), {"de": 0.02}, False),
        (scored(0.03), {}, False),
        (scored(0.9, letter="Y"), {"all": 0.02}, False),
    ],
)
def test_a_near_thing_is_doubted_while_an_alarm_stands(
    judged: Judgement, alarms: dict[str, float], doubted: bool
) -> None:
    """A "no" near the threshold goes to a person; any other answer stays what it is."""
    found = cautious(judged, alarms)
    assert (found != judged) is doubted
    outcome = decide(facts(found), standing(), Policy()).outcome
    assert (outcome is MailOutcome.REVIEW) is doubted


def test_the_limit_itself_is_no_alarm() -> None:
    """Above, not at."""
    assert [Drift("it", value, 0.0).is_alarming for value in (0.1, LIMIT, 0.26)] == [False, False, True]
