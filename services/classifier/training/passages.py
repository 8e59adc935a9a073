"""Learning from passages: a mail is labelled as a whole, but one sentence or two usually carry the label.

Multiple-instance learning (Andrews and others, 2003, in its simplest form): of a mail with the intent only the
passage that speaks loudest for it counts as an example, of a mail without it every passage counts against it;
fitted, chosen anew, and fitted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack
from sklearn.linear_model import LogisticRegression

from services.classifier.features import Sentence
from services.classifier.scorer import running_sums, with_neighbours
from services.classifier.vectors import PRESENCE_BLOCKS, Array, Vectoriser

ROUNDS = 2
PASSAGE_STRENGTH = 5.0
"""C of the logistic regressions: the inverse of the regularisation."""


@dataclass(frozen=True)
class Passages:
    """Sentences and pairs of neighbours of many mails, and the mail each belongs to.

    The vectors have length one, or a little more where a passage repeats a word.
    """

    vectors: csr_matrix
    owners: Array


def cut_passages(vectoriser: Vectoriser, mails: Sequence[Sequence[Sentence]]) -> Passages:
    """Return the passages of all mails; ``vectors`` has shape (n_passages, n_columns)."""
    parts: list[csr_matrix] = []
    owners: list[Array] = []
    for number, sentences in enumerate(mails):
        if sentences:
            parts.append(_vectors(vectoriser, sentences))
            owners.append(np.full(parts[-1].shape[0], number))
    return Passages(vstack(parts, format="csr"), np.concatenate(owners))


def _vectors(vectoriser: Vectoriser, sentences: Sequence[Sentence]) -> csr_matrix:
    """Return the passages of one mail, exactly as a model weighs them."""
    shape = (len(sentences), vectoriser.n_columns)
    sums, squares = csr_matrix(shape), np.zeros((len(sentences), 1))
    for block in PRESENCE_BLOCKS:
        vocabulary = vectoriser.vocabularies[block]
        located = vectoriser.locate(block, sentences)
        frequency = vocabulary.idf[located.columns - vocabulary.first]
        sums = sums + csr_matrix((frequency, located.columns, located.starts), shape=shape)
        squares += running_sums((frequency * frequency)[:, None], located.starts)
    both = vstack([sums, sums[:-1] + sums[1:]]) if len(sentences) > 1 else sums
    length = np.sqrt(np.maximum(with_neighbours(squares).ravel(), 1e-12))
    return (diags(1.0 / length) @ both).tocsr()


def fit_passages(passages: Passages, columns: Array, labels: Array, weights: Array, seed: int) -> Array:
    """Fit one logistic regression per intent on passages, beginning with those that ``weights`` find loudest.

    ``weights`` has shape (n_columns, n_intents); so have the weights returned, zero outside ``columns``.
    """
    vectors = passages.vectors[:, columns]
    found = np.zeros(weights.shape)
    for intent in range(labels.shape[1]):
        holds = labels[passages.owners, intent] == 1
        heard = weights[columns, intent]
        for _ in range(ROUNDS):
            chosen = ~holds | _loudest(vectors @ heard, passages.owners)
            model = LogisticRegression(
                C=PASSAGE_STRENGTH, class_weight="balanced", solver="liblinear", random_state=seed
            ).fit(vectors[chosen], holds[chosen])
            heard = model.coef_[0]
        found[columns, intent] = heard
    return found


def _loudest(scores: Array, owners: Array) -> Array:
    """Say of each passage whether it has the highest score of its mail. Shape (n_passages,)."""
    order = np.lexsort((-scores, owners))
    first = np.r_[True, owners[order][1:] != owners[order][:-1]]
    loudest = np.zeros(len(scores), dtype=bool)
    loudest[order[first]] = True
    return loudest
