"""The subject of an answer."""

import pytest

from services.desk.subjects import answer_subject


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("due titoli", "Re: due titoli [IT-1]"),
        ("Re: Re: due titoli", "Re: due titoli [IT-1]"),
        ("R: RE[2]: Re: due titoli [IT-1]", "Re: due titoli [IT-1]"),
        ("AW: Antw: Bestellung", "Re: Bestellung [IT-1]"),
        ("Rete assente: resto senza linea", "Re: Rete assente: resto senza linea [IT-1]"),
        ("", "Re: [IT-1]"),
        ("Re:", "Re: [IT-1]"),
    ],
)
def test_each_exchange_adds_nothing_to_the_subject(subject: str, answer: str) -> None:
    """What the customer called it stays; what mail programs and earlier answers put around it stands once."""
    assert answer_subject(subject, "IT-1") == answer


def test_a_long_subject_leaves_room_for_the_reference() -> None:
    """The reference is what a reply is found by."""
    assert answer_subject("a" * 500, "IT-1").endswith("a [IT-1]")
