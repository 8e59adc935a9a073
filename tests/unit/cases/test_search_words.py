"""The words by which a customer is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.search_words import LONGEST, MOST, words_of, words_of_address


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nicolò D'Àngelo", ["nicolo", "angelo"]),
        ("Müller, Jörg", ["muller", "jorg"]),
        ("ΓΙΏΡΓΟΣ", ["γιωργοσ"]),
        ("a_b-c.d", []),
        ("", []),
    ],
)
def test_names_are_folded_into_words(name: str, words: list[str]) -> None:
    """Accents, case and signs are nobody's business when a name is looked for."""
    assert words_of(name) == words


def test_of_an_address_only_what_stands_before_the_at_counts() -> None:
    """Half the world is at the same two providers."""
    assert words_of_address("mario.rossi77@posta.example") == ["mario", "rossi77"]


@given(st.text())
def test_words_are_few_short_and_stay_themselves(text: str) -> None:
    """Whatever a sender calls themselves; what was written is found by itself."""
    words = words_of(text)
    assert len(words) <= MOST
    assert all(len(word) <= LONGEST for word in words)
    assert words_of(" ".join(words)) == [word for word in words if len(word) > 1]
