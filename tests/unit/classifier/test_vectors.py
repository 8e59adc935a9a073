"""Vectors: the same as scikit-learn's, whatever was remembered."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from services.classifier.features import View, char_terms, split, word_terms
from services.classifier.lexicon import build_lexicon, load_lexicon
from services.classifier.training.fit import learn_vectoriser, matrix

TEXTS = [
    "Il pacco non è arrivato, quando arriva?",
    "Vorrei ordinare 3 scatole di penne. Grazie mille!",
    "Il pacco è arrivato rotto; vorrei un rimborso.",
    "Quando arriva il tecnico? Il pacco di penne è qui.",
]


def _mails() -> list[tuple[object, ...]]:
    lexicon = build_lexicon(load_lexicon())
    return [split(View("", text, "it"), lexicon) for text in TEXTS]


@pytest.mark.parametrize(("block", "terms"), [("word", word_terms), ("char", None)])
def test_a_block_equals_scikit_learn(block: str, terms: object) -> None:
    """TF-IDF of a block is TfidfVectorizer's, to rounding."""

    def analyse(mail: tuple[object, ...]) -> list[str]:
        if terms is None:
            return [term for sentence in mail for word in sentence.words for term in char_terms(word)]
        return [term for sentence in mail for term in word_terms(sentence.words)]

    mails = _mails()
    ours = learn_vectoriser(mails)
    vocabulary = ours.vocabularies[block]
    theirs = TfidfVectorizer(analyzer=analyse, min_df=2, sublinear_tf=True)
    expected = theirs.fit_transform(mails).toarray()
    found = matrix(ours, mails).toarray()[:, vocabulary.first : vocabulary.end]
    assert list(theirs.get_feature_names_out()) == list(vocabulary.columns)
    np.testing.assert_allclose(found, expected * vocabulary.weight, atol=1e-12)


def test_remembering_changes_no_answer() -> None:
    """The second time a word is seen its columns come from memory, and are the same."""
    mails = _mails()
    vectoriser = learn_vectoriser(mails)
    first = matrix(vectoriser, mails).toarray()
    assert (matrix(vectoriser, mails).toarray() == first).all()
    assert (matrix(vectoriser, mails[::-1]).toarray()[::-1] == first).all()


def test_an_empty_mail_is_an_empty_vector() -> None:
    """Nothing written gives no columns and no error."""
    assert matrix(learn_vectoriser(_mails()), [()]).nnz == 0


def test_unknown_words_are_counted_in_texts_long_enough() -> None:
    """Words of no training mail count; a text of few words is not judged by that."""
    lexicon = build_lexicon(load_lexicon())
    vectoriser = learn_vectoriser(_mails())
    assert vectoriser.unknown_share(split(View("", "Zxqw vbnm"), lexicon)) == 0.0
    assert vectoriser.unknown_share(split(View("", "Zxqw vbnm " * 5), lexicon)) == 1.0
    assert vectoriser.unknown_share(split(View("", "pacco arriva " * 5), lexicon)) == 0.0
