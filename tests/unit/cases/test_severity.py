"""How loud a case is, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.cues import EARLIER_CANCELLATION, load_cues
from itaca.cases.severity import TOP, Contact, assess, is_in_capitals

LOUD = [cue for cue in load_cues().values() if cue.name != EARLIER_CANCELLATION]


def test_a_first_contact_is_the_owners_alone() -> None:
    """Level 0, the lowest score, no reasons."""
    first = assess(Contact(1))
    assert (first.level, first.score, first.reasons) == (0, 1, ())


@pytest.mark.parametrize(("number", "level"), [(2, 1), (3, 2), (4, 3)])
def test_lm20_each_further_contact_goes_one_level_up(number: int, level: int) -> None:
    """LM20: the second contact reaches the lead, the third the next; the reason is said in words."""
    again = assess(Contact(number), level=0, score=1)
    assert (again.level, again.score) == (level, 3)
    assert again.reasons == (f"contact number {number} on this matter",)


@pytest.mark.parametrize("cue", LOUD, ids=lambda cue: cue.name)
def test_a_lawyer_a_regulator_an_association_or_the_press_goes_to_the_top(cue) -> None:
    """One cue is enough, on the first contact."""
    loud = assess(Contact(1, [cue]))
    assert loud.level == TOP
    assert loud.reasons == (cue.says,)


def test_speaking_of_an_earlier_cancellation_is_no_reason_by_itself() -> None:
    """That cue only finds the cancellation."""
    assert assess(Contact(1, [load_cues()[EARLIER_CANCELLATION]])) == assess(Contact(1))


def test_a_violated_cancellation_stands_one_level_higher_than_before() -> None:
    """One level, not two, and never below what the number of contacts asks for."""
    assert [assess(Contact(2, is_violation=True), level).level for level in (0, 1, 2)] == [1, 2, 3]
    assert assess(Contact(4, is_violation=True), 0).level == 3
    assert "after the cancellation took effect" in assess(Contact(2, is_violation=True)).reasons[-1]


def test_capitals_raise_the_score_and_not_the_level() -> None:
    """Shouting is a reason to read it sooner, not to wake the head."""
    loud = assess(Contact(1, is_in_capitals=True))
    assert (loud.level, loud.score, loud.reasons) == (0, 1, ("written in capitals",))
    assert assess(Contact(2, is_in_capitals=True), 0, 1).score == 4


@pytest.mark.parametrize(
    ("text", "is_loud"),
    [
        ("SONO DUE MESI CHE ASPETTO I MIEI LIBRI", True),
        ("PERCHÉ NESSUNO RISPONDE? È UNA VERGOGNA", True),
        ("GRAZIE", False),
        ("Ho ordinato il DVD della BBC e il CD della EMI, codice ABCDEFGH", False),
        ("12345 67890 !!!", False),
        ("", False),
    ],
)
def test_what_counts_as_capitals(text: str, is_loud: bool) -> None:
    """Most letters, and enough of them to mean it."""
    assert is_in_capitals(text) is is_loud


@given(
    st.integers(1, 9),
    st.lists(st.sampled_from(list(load_cues().values())), max_size=3),
    st.booleans(),
    st.booleans(),
    st.integers(0, TOP),
    st.integers(1, 500),
)
def test_severity_never_falls(number, cues, is_loud, is_violation, level, score) -> None:
    """Whatever happens, a case is as loud as before or louder, and a louder one says why."""
    after = assess(Contact(number, cues, is_loud, is_violation), level, score)
    assert TOP >= after.level >= level
    assert after.score >= score
    assert after.reasons or (after.level, after.score) == (level, score)
