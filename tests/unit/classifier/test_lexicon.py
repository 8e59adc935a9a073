"""The lexicon: how phrases are found, and that its data files are whole."""

from pathlib import Path

import pytest

from itaca.errors import PermanentError
from services.classifier.lexicon import LANGUAGES, Lexicon, build_lexicon, load_lexicon
from services.classifier.text import fold, words


def _entries(lexicon: Lexicon, text: str, language: str = "it") -> list[str]:
    return [hit.entry for hits in lexicon.find([words(fold(text))], language) for hit in hits]


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    """The lexicon as it ships."""
    return build_lexicon(load_lexicon())


def _tiny(italian: str) -> Lexicon:
    return build_lexicon({"entry": {"about": "a test", "it": italian}})


def test_a_star_stands_for_any_ending() -> None:
    """A stem finds its inflections and nothing that merely contains it."""
    assert _entries(_tiny("rimbors*"), "chiedo un rimborso") == ["entry"]
    assert _entries(_tiny("rimbors*"), "prerimborso") == []


def test_two_dots_stand_for_up_to_four_words_of_one_sentence() -> None:
    """A gap is bridged, a longer one is not."""
    lexicon = _tiny("non .. arrivat*")
    assert _entries(lexicon, "non mi è ancora arrivato") == ["entry"]
    assert _entries(lexicon, "non so se ieri verso sera è arrivato") == []


def test_an_unknown_language_is_read_by_the_one_with_most_hits() -> None:
    """A mail whose language nobody could tell is still understood."""
    lexicon = build_lexicon({"refund": {"about": "money back", "de": "erstattung", "it": "rimborso"}})
    assert _entries(lexicon, "Erstattung bitte", "") == ["refund"]


def test_every_entry_says_what_it_is_about_in_all_languages() -> None:
    """No language is forgotten in a data file, because the model shares the entries."""
    for name, entry in load_lexicon().items():
        assert set(entry) == {"about", *LANGUAGES}, name


@pytest.mark.parametrize(
    ("language", "text", "entry"),
    [
        ("it", "Sono tre settimane e non è ancora arrivato niente", "not_arrived"),
        ("en", "I have still not received the parcel", "not_arrived"),
        ("de", "Die Lieferung ist immer noch nicht da", "not_arrived"),
        ("fr", "Je n'ai toujours rien reçu", "not_arrived"),
        ("es", "El pedido sigue sin llegar", "not_arrived"),
        ("it", "non è un reclamo, solo una domanda", "not_a_complaint"),
        ("it", "in allegato l'ordine del giorno", "order_not_order"),
        ("en", "in order to open it", "order_not_order"),
        ("it", "avevo disdetto a luglio", "earlier_cancellation"),
        ("de", "ich hatte im Mai gekündigt", "earlier_cancellation"),
    ],
)
def test_what_people_say_is_found(lexicon: Lexicon, language: str, text: str, entry: str) -> None:
    """The decisive ideas are found in ordinary sentences of each language."""
    assert entry in _entries(lexicon, text, language)


def test_a_broken_data_file_is_refused_by_name(tmp_path: Path) -> None:
    """Whoever edits a file learns which one and why."""
    (tmp_path / "broken.toml").write_text("[entry\n", encoding="utf-8")
    with pytest.raises(PermanentError, match=r"broken\.toml"):
        load_lexicon(tmp_path)


@pytest.mark.parametrize("entry", [{"it": "x"}, {"about": "a", "la": "x"}, {"about": "a", "it": "*"}])
def test_an_entry_that_makes_no_sense_is_refused(entry: dict[str, str]) -> None:
    """No about, an unknown language or a wording without letters: refused with the entry's name."""
    with pytest.raises(PermanentError, match="wrong"):
        build_lexicon({"wrong": entry})
