"""The two layers of a model: linear votes fitted on texts, and a stack fitted on its out-of-fold evidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from services.classifier.features import Sentence, View, split
from services.classifier.lexicon import Lexicon
from services.classifier.scorer import N_EVIDENCE, STRUCTURE_SCALE, LinearVotes, sigmoid
from services.classifier.structure import structure
from services.classifier.training.corpus import Example, fold_numbers
from services.classifier.training.fit import fit_linear, fit_presence, learn_vectoriser, matrix
from services.classifier.training.passages import cut_passages, fit_passages
from services.classifier.vectors import PRESENCE_BLOCKS, Array

FOLDS = 5
STACK_STRENGTH = 0.3
Progress = Callable[[float, str], None]
"""Told which share of the training is behind, in [0, 1], and what is being done."""


@dataclass(frozen=True)
class Prepared:
    """Examples split once: the sentences of each, and its structure (n_examples, n_structure)."""

    sentences: list[tuple[Sentence, ...]]
    shape: Array


def prepare(examples: Sequence[Example], lexicon: Lexicon) -> Prepared:
    """Split the new text of every example."""
    sentences = [split(View(e.text.subject, e.text.new_text, e.text.language), lexicon) for e in examples]
    return Prepared(sentences, np.array([structure(e.text, e.text.new_text) for e in examples]))


def fit_votes(prepared: Prepared, labels: Array, rows: Sequence[int] | Array, seed: int) -> LinearVotes:
    """Fit the first layer on the given rows."""
    mails = [prepared.sentences[row] for row in rows]
    vectoriser = learn_vectoriser(mails)
    text = matrix(vectoriser, mails)
    features = hstack([text, csr_matrix(prepared.shape[rows] * STRUCTURE_SCALE)]).tocsr()
    held = labels[rows].astype(np.int64)
    blocks = [vectoriser.vocabularies[block] for block in PRESENCE_BLOCKS]
    columns = np.concatenate([np.arange(block.first, block.end) for block in blocks])
    weights, bias = fit_linear(features, held, seed)
    presence = fit_presence(text, columns, held, seed)
    spoken = cut_passages(vectoriser, mails)
    passages = fit_passages(spoken, columns, held, weights[: vectoriser.n_columns], seed)
    return LinearVotes(vectoriser, weights, bias, *presence, passages)


def evidence_of(votes: LinearVotes, prepared: Prepared, rows: Sequence[int] | Array) -> Array:
    """Return the evidence of the given rows. Shape (n_rows, n_evidence)."""
    weigh = votes.vectoriser.weigh_all
    return np.array([votes.evidence(weigh(prepared.sentences[row]), prepared.shape[row]) for row in rows])


def out_of_fold_evidence(
    examples: Sequence[Example], prepared: Prepared, labels: Array, seed: int, progress: Progress
) -> tuple[Array, Array]:
    """Return the evidence of each example by a model that never saw its customer, and its fold."""
    folds = fold_numbers(examples, FOLDS, seed)
    evidence = np.zeros((len(examples), N_EVIDENCE))
    for fold in range(FOLDS):
        progress(0.05 + 0.7 * fold / FOLDS, f"fold {fold + 1} of {FOLDS}")
        held = np.flatnonzero(folds == fold)
        votes = fit_votes(prepared, labels, np.flatnonzero(folds != fold), seed)
        evidence[held] = evidence_of(votes, prepared, held)
    return evidence, folds


def fit_stack(evidence: Array, labels: Array) -> tuple[Array, Array]:
    """Fit the second layer; the scaling of the evidence is folded into the weights.

    Returns weights of shape (n_evidence, n_intents) and biases of shape (n_intents,).
    """
    mean, spread = evidence.mean(axis=0), evidence.std(axis=0) + 1e-9
    scaled = (evidence - mean) / spread
    models = [
        LogisticRegression(C=STACK_STRENGTH, max_iter=2000).fit(scaled, labels[:, intent])
        for intent in range(labels.shape[1])
    ]
    weights = np.stack([model.coef_[0] / spread for model in models], axis=1)
    bias = np.array([model.intercept_[0] for model in models]) - mean @ weights
    return weights, bias


def out_of_fold_scores(evidence: Array, labels: Array, folds: Array) -> Array:
    """Return calibrated probabilities by stacks that never saw the example's fold. Shape (n_examples, n_intents)."""
    scores = np.zeros(labels.shape)
    for fold in np.unique(folds):
        weights, bias = fit_stack(evidence[folds != fold], labels[folds != fold])
        scores[folds == fold] = sigmoid(evidence[folds == fold] @ weights + bias)
    return scores
