"""Fitting: vocabularies counted, linear models one per intent, all with fixed seeds."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from services.classifier.features import Sentence
from services.classifier.vectors import BLOCKS, Array, Vectoriser, Vocabulary, block_terms

MIN_MAILS = {"word": 2, "char": 2, "idea": 2, "subject": 2}
BLOCK_WEIGHTS = {"word": 1.0, "char": 1.0, "idea": 1.0, "subject": 0.5}
STRENGTH = 20.0
PRESENCE_STRENGTH = 0.3
"""C of the logistic regressions: the inverse of the regularisation."""


def learn_vectoriser(mails: Sequence[Sequence[Sentence]]) -> Vectoriser:
    """Count the terms of each block and keep those that stand in enough mails, in alphabetical order."""
    vocabularies: dict[str, Vocabulary] = {}
    first = 0
    for block in BLOCKS:
        counts: Counter[str] = Counter()
        for sentences in mails:
            counts.update({term for sentence in sentences for term in block_terms(block, sentence)})
        terms = sorted(term for term, count in counts.items() if count >= MIN_MAILS[block])
        idf = np.array([np.log((1 + len(mails)) / (1 + counts[term])) + 1.0 for term in terms])
        columns = {term: first + place for place, term in enumerate(terms)}
        vocabularies[block] = Vocabulary(columns, idf, first, BLOCK_WEIGHTS[block])
        first += len(terms)
    return Vectoriser(vocabularies)


def matrix(vectoriser: Vectoriser, mails: Sequence[Sequence[Sentence]]) -> csr_matrix:
    """Return the vectors of whole mails. Shape (n_mails, n_columns)."""
    columns: list[Array] = []
    values: list[Array] = []
    ends = [0]
    for sentences in mails:
        for block in vectoriser.vocabularies:
            weighed = vectoriser.weigh(block, sentences)
            columns.append(weighed.columns)
            values.append(weighed.values)
        ends.append(ends[-1] + sum(part.size for part in columns[-len(vectoriser.vocabularies) :]))
    return csr_matrix(
        (np.concatenate(values), np.concatenate(columns), ends), shape=(len(mails), vectoriser.n_columns)
    )


def fit_linear(features: csr_matrix, labels: Array, seed: int, strength: float = STRENGTH) -> tuple[Array, Array]:
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


def fit_presence(features: csr_matrix, columns: Array, labels: Array, seed: int) -> tuple[Array, Array]:
    """Fit one logistic regression per intent on whether the given columns are there, scaled by their log-count ratio.

    The ratio (Wang and Manning, 2012) says how much more often a feature stands in mails with the intent; it
    lets rare and telling words speak. Returns weights of shape (n_columns, n_intents), zero elsewhere, and biases
    of shape (n_intents,).
    """
    present = (features[:, columns] > 0).astype(np.float64).tocsr()
    weights = np.zeros((features.shape[1], labels.shape[1]))
    bias = np.zeros(labels.shape[1])
    for intent in range(labels.shape[1]):
        holds = labels[:, intent] == 1
        with_it = np.asarray(present[holds].sum(axis=0)).ravel() + 0.5
        without = np.asarray(present[~holds].sum(axis=0)).ravel() + 0.5
        ratio = np.log(with_it / with_it.sum() * without.sum() / without)
        model = LogisticRegression(
            C=PRESENCE_STRENGTH, class_weight="balanced", solver="liblinear", random_state=seed
        )
        model.fit(present @ diags(ratio), labels[:, intent])
        weights[columns, intent] = model.coef_[0] * ratio
        bias[intent] = model.intercept_[0]
    return weights, bias
