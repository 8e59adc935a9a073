"""Folding, words and sentences."""

from hypothesis import given
from hypothesis import strategies as st

from services.classifier.text import SentenceTokens, fold, invisible_share, sentences, tokens, words


def test_fold_takes_case_accents_digits_and_typography_away() -> None:
    """Perché, PERCHE and perché with a combining accent are one word, and all numbers look alike."""
    assert fold("PERCHÉ l’ho 42 Straße") == "perche l'ho 00 strasse"
    assert fold("perche\u0301") == "perche"
    assert fold("re\u200bclamo") == "reclamo"


@given(st.text(max_size=200))
def test_sentences_lose_no_word(text: str) -> None:
    """Whatever the text, the words of its sentences are all its words."""
    folded = fold(text)
    joined = "".join(word for part in sentences(folded) for word in words(part))
    assert joined == "".join(words(folded))


@given(st.text(max_size=200))
def test_tokens_are_the_words_with_their_places(text: str) -> None:
    """Tokens carry the same words as the features, and each lies inside the text."""
    rows = list(SentenceTokens(text))
    assert [[token.text for token in row] for row in rows] == [words(part) for part in sentences(fold(text))]
    assert [token.text for token in tokens(text)] == words(fold(text))
    assert all(0 <= token.start < token.end <= len(text) for row in rows for token in row)


def test_a_question_and_an_answer_are_two_sentences() -> None:
    """Question marks, full stops and line ends part sentences; a decimal point does not."""
    assert len(sentences("arriva? boh. costa 3.50 euro\nciao")) == 4


def test_invisible_share_counts_only_format_characters() -> None:
    """Zero-width spaces count, accents do not."""
    assert invisible_share("perché no") == 0.0
    assert invisible_share("a\u200bb\u200b") == 0.5
