"""What an answer was worth, by its facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.value import AnswerFacts, Cause, Fact, Rate, has_fallen, pareto, score

ANSWERS = st.builds(
    AnswerFacts,
    facts=st.frozensets(st.sampled_from(Fact)),
    contacts_after=st.integers(0, 6),
    asked_again=st.sampled_from([(), ("order_number",)]),
    is_forward=st.booleans(),
    same_template=st.booleans(),
    after_own_failure=st.booleans(),
)


@pytest.mark.parametrize(
    ("answer", "points", "cause"),
    [
        (AnswerFacts(frozenset({Fact.MOVED, Fact.STATE_CHANGED})), 5, None),
        (AnswerFacts(frozenset({Fact.PROMISE_MADE})), 1, None),
        (AnswerFacts(frozenset({Fact.PROMISE_MADE}), contacts_after=1), 0, Cause.WROTE_AGAIN),
        (AnswerFacts(frozenset({Fact.MOVED}), contacts_after=1), 1, None),
        (AnswerFacts(asked_again=("order_number",), same_template=True), 0, Cause.ASKED_AGAIN),
        (AnswerFacts(is_forward=True, contacts_after=3), 0, Cause.ONLY_FORWARDED),
        (AnswerFacts(same_template=True, after_own_failure=True), 0, Cause.SAME_TEMPLATE),
        (AnswerFacts(after_own_failure=True, contacts_after=1), 0, Cause.OWN_FAILURE),
        (AnswerFacts(), 0, Cause.NOTHING_CHANGED),
    ],
)
def test_facts_make_the_value(answer: AnswerFacts, points: int, cause: Cause | None) -> None:
    """What changed something counts, what made the customer write again costs; worthless answers have a cause."""
    value = score(answer)
    assert (value.points, value.cause) == (points, cause)


def test_the_reasons_are_words() -> None:
    """Whoever reads the score reads why."""
    value = score(AnswerFacts(frozenset({Fact.PROMISE_MADE}), 2, asked_again=("order_number",)))
    assert value.reasons == (
        "a promise was made",
        "the customer had to write again: 2",
        "it asked for what the customer had given already: order_number",
    )


@given(ANSWERS)
def test_a_worthless_answer_and_only_that_has_a_cause(answer: AnswerFacts) -> None:
    """For any facts; and whoever must write again is never worth more."""
    value = score(answer)
    assert (value.points == 0) == (value.cause is not None)
    assert value.points >= 0
    assert value.reasons
    louder = AnswerFacts(answer.facts, answer.contacts_after + 1)
    assert score(louder).points <= value.points


@given(st.dictionaries(st.text(max_size=3), st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=6))
def test_a_pareto_ranks_by_cost_and_ends_at_one(counts: dict[str, tuple[int, int]]) -> None:
    """The most contacts first; the line never falls and ends at everything."""
    bars = pareto([(name, answers, contacts) for name, (answers, contacts) in counts.items()])
    assert sorted(bar.name for bar in bars) == sorted(counts)
    assert [bar.contacts for bar in bars] == sorted((bar.contacts for bar in bars), reverse=True)
    shares = [bar.cumulative for bar in bars]
    assert shares == sorted(shares)
    assert not bars or shares[-1] == pytest.approx(1.0)


def test_a_removal_worked_if_the_share_fell() -> None:
    """Fewer in a hundred, not fewer in all; unknown as long as nothing was answered."""
    before = Rate(zero=10, answers=40, contacts=12)
    assert has_fallen(before, Rate(9, 90, 9)) is True
    assert has_fallen(before, Rate(9, 30, 9)) is False
    assert has_fallen(before, None) is has_fallen(before, Rate(0, 0, 0)) is has_fallen(Rate(0, 0, 0), before) is None
