"""What a customer asks, in the customer's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from itaca.cases.asks import MOST_ASKS, find_asks


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Buongiorno. Dove sono i libri? Ho pagato.", ["Dove sono i libri?"]),
        ("Chiedo il rimborso\ne la conferma.", ["Chiedo il rimborso"]),
        ("Ich möchte mein Geld zurück! Wann kommt es?", ["Ich möchte mein Geld zurück!", "Wann kommt es?"]),
        ("Please refund me. Thanks.", ["Please refund me."]),
        ("Je demande un remboursement.", ["Je demande un remboursement."]),
        ("Exijo la devolución. ¿Podrían contestar?", ["Exijo la devolución.", "¿Podrían contestar?"]),
        ("Dove sono? DOVE SONO?", ["Dove sono?"]),
        ("Gentili signori, come state? Il pacco è arrivato.", []),
        ("???", []),
        ("", []),
    ],
)
def test_questions_and_requests_are_found(text: str, asks: list[str]) -> None:
    """In five languages; each once; courtesies and mere marks are none."""
    assert list(find_asks(text)) == asks


def test_a_cancellation_asks_by_its_questions_only() -> None:
    """The request is what the mail is about."""
    assert find_asks("Vorrei disdire. Da quando vale?", only_questions=True) == ("Da quando vale?",)


@given(st.text(max_size=2_000))
def test_any_text_gives_few_short_asks(text: str) -> None:
    """At most ten, none longer than 300 characters, none empty."""
    found = find_asks(text)
    assert len(found) <= MOST_ASKS
    assert all(0 < len(one) <= 300 for one in found)


def test_a_long_mail_of_questions_is_bounded() -> None:
    """A million questions cost as much as the first ten."""
    assert len(find_asks("Perché? Dove? Quando? Come mai? " * 100_000)) == 4
    assert len(find_asks("".join(f"Dove sono {n}? " for n in range(100_000)))) == MOST_ASKS
    assert find_asks(f"{'a' * 400}?")[0].endswith("…")
