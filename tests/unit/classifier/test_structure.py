"""Structural features."""

import pytest

from itaca.contracts.events import WrittenText
from services.classifier.structure import NAMES, structure


def _features(**fields: object) -> dict[str, float]:
    text = WrittenText(**{"subject": "", "new_text": "", **fields})  # type: ignore[arg-type]
    return dict(zip(NAMES, structure(text, text.new_text), strict=True))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows_with_quantity", "10 x 6204-2RS\n25 x 6005 ZZ\n4 x UCF 208"),
        ("money_amounts", "mi avete preso 39,90 € e poi altri 12 euro"),
        ("several_dates_in_a_sentence", "Ho scritto il 3 e il 10"),
        ("question_marks", "e allora???"),
        ("capitals_share", "RIVOGLIO I MIEI SOLDI"),
        ("ends_with_question", "Quando arriva?"),
    ],
)
def test_the_shape_of_a_text_is_seen(name: str, text: str) -> None:
    """Tables, sums, dates, capitals and questions raise their feature; a plain line does not."""
    assert _features(new_text=text)[name] > 0.0
    assert _features(new_text="va bene, grazie")[name] == 0.0


def test_the_facts_around_the_text_are_seen() -> None:
    """Attachments, copies to an authority, an automatic sender and an empty subject count."""
    found = _features(
        new_text="vedi foto",
        attachment_names=("a.JPG",),
        recipients=("info", "redazione"),
        flags=("automatic:auto_reply",),
    )
    assert found["has_picture"] == found["copied_to_authority"] == found["is_automatic"] == 1.0
    assert found["subject_is_empty"] == 1.0
    assert found["has_document"] == 0.0


def test_the_first_recipient_is_no_copy_to_an_authority() -> None:
    """A mail to reclami@ is not a mail copied to somebody."""
    assert _features(new_text="x", recipients=("reclami",))["copied_to_authority"] == 0.0
