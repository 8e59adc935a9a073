"""Fitting: vocabularies counted, linear models one per intent, all with fixed seeds."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from services.classifier.features import Passage
from services.classifier.vectors import BLOCKS, Vectoriser, Vocabulary, block_terms

MIN_DOCUMENTS = {"word": 2, "char": 2, "idea": 2, "subject": 2}
BLOCK_WEIGHTS = {"word": 1.0, "char": 1.0, "idea": 1.0, "subject": 0.5}
STRENGTH = 20.0
"""C of the logistic regression: the inverse of the regularisation."""


def learn_vectoriser(passages: Sequence[Passage]) -> Vectoriser:
    """Count the terms of each block and keep those that stand in enough passages, in alphabetical order."""
    vocabularies: dict[str, Vocabulary] = {}
    first = 0
    for name in BLOCKS:
        counts: Counter[str] = Counter()
        for passage in passages:
            counts.update(set(block_terms(name, passage)))
        terms = sorted(term for term, count in counts.items() if count >= MIN_DOCUMENTS[name])
        idf = np.array([np.log((1 + len(passages)) / (1 + counts[term])) + 1.0 for term in terms])
        columns = {term: first + place for place, term in enumerate(terms)}
        vocabularies[name] = Vocabulary(columns, idf, first, BLOCK_WEIGHTS[name])
        first += len(terms)
    return Vectoriser(vocabularies)


def matrix(vectoriser: Vectoriser, passages: Sequence[Passage]) -> csr_matrix:
    """Return the vectors of the passages. Shape (n_passages, n_columns)."""
    vectors = [vectoriser.vector(passage) for passage in passages]
    starts = np.cumsum([0, *(columns.size for columns, _ in vectors)])
    columns = np.concatenate([columns for columns, _ in vectors])
    values = np.concatenate([values for _, values in vectors])
    return csr_matrix((values, columns, starts), shape=(len(passages), vectoriser.n_columns))


def fit_linear(
    features: csr_matrix, labels: NDArray[np.int64], seed: int, strength: float = STRENGTH
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit one balanced logistic regression per intent.

    Returns weights of shape (n_columns, n_intents) and biases of shape (n_intents,).
    """
    models = [
        LogisticRegression(
            C=strength, class_weight="balanced", solver="liblinear", max_iter=1000, random_state=seed
        ).fit(features, labels[:, intent])
        for intent in range(labels.shape[1])
    ]
    weights = np.stack([model.coef_[0] for model in models], axis=1)
    return weights, np.array([model.intercept_[0] for model in models])
