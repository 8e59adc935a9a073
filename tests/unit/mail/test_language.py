"""The language of a mail, short or long, or none when that is not sure."""

import json
from collections import Counter

import pytest

from itaca.mail.language import LANGUAGES, language_of
from tests.support.require import require
from tests.support.shared import SHARED


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Buongiorno, non ho ancora ricevuto il mio ordine e nessuno mi risponde.", "it"),
        ("mai arrivato niente", "it"),
        ("I have not received my order and nobody answers.", "en"),
        ("Ich habe meine Bestellung noch nicht erhalten.", "de"),
        ("Je n'ai toujours pas reçu ma commande.", "fr"),
        ("Todavía no he recibido mi pedido.", "es"),
        ("", ""),
        ("12345", ""),
        ("ok", ""),
        ("Здравствуйте, где мой заказ?", ""),
    ],
)
def test_languages(text: str, language: str) -> None:
    """Five languages are told apart; too little text, or another script, is none."""
    assert language_of(text) == language


def test_the_corpus_is_recognised() -> None:
    """At least 99 % of the mails of each language are recognised, most of them by their small words alone."""
    folder = SHARED / "data" / "corpus"
    if not folder.is_dir():
        require("shared", "the shared corpus (../shared/data/corpus) is not beside this repository")
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            mail = json.loads(line)
            total[mail["lang"]] += 1
            right[mail["lang"]] += language_of(f"{mail['subject']}\n{mail['body']}") == mail["lang"]
    assert set(total) == set(LANGUAGES)
    assert all(right[language] >= 0.99 * total[language] for language in LANGUAGES), (right, total)
