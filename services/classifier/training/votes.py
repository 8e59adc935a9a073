"""The two layers of a model: a document model fitted on texts, and a stack fitted on its out-of-fold votes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from services.classifier.features import Passage, View, passages
from services.classifier.lexicon import Lexicon
from services.classifier.scorer import N_EVIDENCE, STRUCTURE_SCALE, Array, Scorer, gather_votes, sigmoid
from services.classifier.structure import structure
from services.classifier.training.corpus import Example, fold_numbers
from services.classifier.training.fit import fit_linear, learn_vectoriser, matrix
from services.classifier.vectors import Vectoriser

FOLDS = 5
STACK_STRENGTH = 0.3
Progress = Callable[[str, float], None]
"""Told what is being done and which share of the training is behind, in [0, 1]."""


@dataclass(frozen=True)
class Prepared:
    """Examples split once: the whole and the sentences of each, and its structure (n_examples, n_structure)."""

    whole: list[Passage]
    parts: list[tuple[Passage, ...]]
    shape: Array


@dataclass(frozen=True)
class DocumentModel:
    """The first layer: vocabularies and linear weights."""

    vectoriser: Vectoriser
    weights: Array
    bias: Array


def prepare(examples: Sequence[Example], lexicon: Lexicon) -> Prepared:
    """Split the new text of every example."""
    split = [passages(View(e.text.subject, e.text.new_text, e.text.language), lexicon) for e in examples]
    shape = np.array([structure(e.text, e.text.new_text) for e in examples])
    return Prepared([whole for whole, _ in split], [parts for _, parts in split], shape)


def fit_document_model(prepared: Prepared, labels: Array, rows: Sequence[int] | Array, seed: int) -> DocumentModel:
    """Fit the first layer on the given rows."""
    vectoriser = learn_vectoriser([prepared.whole[row] for row in rows])
    features = _with_structure(vectoriser, prepared, rows)
    weights, bias = fit_linear(features, labels[rows].astype(np.int64), seed)
    return DocumentModel(vectoriser, weights, bias)


def _with_structure(vectoriser: Vectoriser, prepared: Prepared, rows: Sequence[int] | Array) -> csr_matrix:
    text = matrix(vectoriser, [prepared.whole[row] for row in rows])
    return hstack([text, csr_matrix(prepared.shape[rows] * STRUCTURE_SCALE)]).tocsr()


def votes_of(model: DocumentModel, prepared: Prepared, rows: Sequence[int] | Array) -> Array:
    """Return the evidence of the given rows. Shape (n_rows, n_evidence)."""
    document = _with_structure(model.vectoriser, prepared, rows) @ model.weights + model.bias
    flat = [part for row in rows for part in prepared.parts[row]]
    voted = matrix(model.vectoriser, flat) @ model.weights[: model.vectoriser.n_columns] + model.bias
    found = np.zeros((len(rows), N_EVIDENCE))
    start = 0
    for place, row in enumerate(rows):
        end = start + len(prepared.parts[row])
        sentence = voted[start:end] if end > start else model.bias[None, :]
        found[place] = gather_votes(document[place], sentence, prepared.shape[row])
        start = end
    return found


def out_of_fold_votes(
    examples: Sequence[Example], prepared: Prepared, labels: Array, seed: int, progress: Progress
) -> tuple[Array, Array]:
    """Return the evidence of each example by a model that never saw its customer, and its fold."""
    folds = fold_numbers(examples, FOLDS, seed)
    votes = np.zeros((len(examples), N_EVIDENCE))
    for fold in range(FOLDS):
        progress(f"fold {fold + 1} of {FOLDS}", 0.05 + 0.7 * fold / FOLDS)
        held = np.flatnonzero(folds == fold)
        model = fit_document_model(prepared, labels, np.flatnonzero(folds != fold), seed)
        votes[held] = votes_of(model, prepared, held)
    return votes, folds


def fit_stack(votes: Array, labels: Array) -> tuple[Array, Array]:
    """Fit the second layer; the scaling of the votes is folded into the weights.

    Returns weights of shape (n_evidence, n_intents) and biases of shape (n_intents,).
    """
    mean, spread = votes.mean(axis=0), votes.std(axis=0) + 1e-9
    scaled = (votes - mean) / spread
    models = [
        LogisticRegression(C=STACK_STRENGTH, max_iter=2000).fit(scaled, labels[:, intent])
        for intent in range(labels.shape[1])
    ]
    weights = np.stack([model.coef_[0] / spread for model in models], axis=1)
    bias = np.array([model.intercept_[0] for model in models]) - mean @ weights
    return weights, bias


def out_of_fold_scores(votes: Array, labels: Array, folds: Array) -> Array:
    """Return calibrated probabilities by stacks that never saw the example's fold. Shape (n_examples, n_intents)."""
    scores = np.zeros(labels.shape)
    for fold in np.unique(folds):
        weights, bias = fit_stack(votes[folds != fold], labels[folds != fold])
        scores[folds == fold] = sigmoid(votes[folds == fold] @ weights + bias)
    return scores


def assemble(model: DocumentModel, stack: tuple[Array, Array], lexicon: Lexicon) -> Scorer:
    """Put both layers together."""
    return Scorer(lexicon, model.vectoriser, model.weights, model.bias, *stack)
