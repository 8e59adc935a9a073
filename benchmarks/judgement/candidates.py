"""Which judgement wins: the shipped features beside what was tried against them, on the same grouped folds.

Run ``python benchmarks/judgement/candidates.py``; it takes some minutes and needs the extra ``train``. Each
candidate's scores are out of fold and calibrated the same way, so that only the candidate differs. Printed are
macro-F1 at the best cut, and the share of mail left unsure when 97 % and 98.5 % of complaints are kept safe, for
all mails and for the hard ones.
"""

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier

from services.classifier.lexicon import build_lexicon, load_lexicon
from services.classifier.scorer import STRUCTURE_SCALE, sigmoid
from services.classifier.training.corpus import INTENTS, corpus_files, fold_numbers, label_matrix, read_examples
from services.classifier.training.fit import fit_linear, matrix
from services.classifier.training.risk import best_cut
from services.classifier.training.votes import FOLDS, evidence_of, fit_stack, fit_votes, prepare
from services.classifier.vectors import Array, Vectoriser

CORPUS = Path("models/corpus")
SEED = 0
COMPLAINT = 1


class Fold:
    """One fold: what to train on, what to judge, and the vectors of both."""

    def __init__(self, prepared, labels: Array, train: Array, test: Array) -> None:
        self.labels, self.train, self.test = labels, train, test
        self.votes = fit_votes(prepared, labels, train, SEED)
        self.vectoriser: Vectoriser = self.votes.vectoriser
        self.prepared = prepared
        self.x_train = matrix(self.vectoriser, [prepared.sentences[row] for row in train])
        self.x_test = matrix(self.vectoriser, [prepared.sentences[row] for row in test])
        self.s_train = csr_matrix(prepared.shape[train] * STRUCTURE_SCALE)
        self.s_test = csr_matrix(prepared.shape[test] * STRUCTURE_SCALE)

    def columns(self, *blocks: str) -> Array:
        known = [self.vectoriser.vocabularies[block] for block in blocks]
        return np.concatenate([np.arange(block.first, block.end) for block in known])


def shipped(fold: Fold) -> Array:
    """Everything: document, sentence, presence and block votes with the structure."""
    return evidence_of(fold.votes, fold.prepared, fold.test)


def linear(*blocks: str):
    """A logistic regression on some blocks alone."""

    def votes(fold: Fold) -> Array:
        columns = fold.columns(*blocks)
        weights, bias = fit_linear(fold.x_train[:, columns].tocsr(), fold.labels[fold.train].astype(int), SEED)
        return np.asarray(fold.x_test[:, columns] @ weights + bias)

    return votes


def latent(fold: Fold) -> Array:
    """Latent semantic analysis: 200 dimensions of words and characters, then logistic regression."""
    columns = fold.columns("word", "char")
    svd = TruncatedSVD(200, random_state=SEED).fit(fold.x_train[:, columns])
    train, test = svd.transform(fold.x_train[:, columns]), svd.transform(fold.x_test[:, columns])
    weights, bias = fit_linear(csr_matrix(train), fold.labels[fold.train].astype(int), SEED)
    return np.asarray(test @ weights + bias)


def boosted_ideas(fold: Fold) -> Array:
    """Gradient boosting on single ideas and the structure."""
    vocabulary = fold.vectoriser.vocabularies["idea"]
    columns = [place for term, place in vocabulary.columns.items() if "+" not in term]
    train = hstack([fold.x_train[:, columns], fold.s_train]).toarray()
    test = hstack([fold.x_test[:, columns], fold.s_test]).toarray()
    found = [_boost(fold.labels[fold.train, place]).fit(train, fold.labels[fold.train, place]) for place in range(3)]
    return np.stack([model.decision_function(test) for model in found], axis=1)


def _boost(_: Array) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.08, max_leaf_nodes=15, l2_regularization=1.0, random_state=SEED
    )


CANDIDATES = {
    "words and characters": linear("word", "char"),
    "characters": linear("char"),
    "ideas": linear("idea"),
    "words, characters, ideas": linear("word", "char", "idea"),
    "latent (SVD 200)": latent,
    "boosted ideas": boosted_ideas,
    "shipped": shipped,
}


def main() -> None:
    """Run every candidate on every fold and print the comparison."""
    examples = read_examples(corpus_files(CORPUS))
    labels = label_matrix(examples).astype(float)
    prepared = prepare(examples, build_lexicon(load_lexicon()))
    folds = fold_numbers(examples, FOLDS, SEED)
    votes: dict[str, Array] = {}
    for number in range(FOLDS):
        fold = Fold(prepared, labels, np.flatnonzero(folds != number), np.flatnonzero(folds == number))
        for name, candidate in CANDIDATES.items():
            found = candidate(fold)
            votes.setdefault(name, np.zeros((len(examples), found.shape[1])))[fold.test] = found
    hard = np.array([example.source.endswith(("_hard", "_subtle")) for example in examples])
    print(f"{len(examples)} mails, {hard.sum()} hard; macro-F1, unsure at 97 % safe, unsure at 98.5 % safe")
    for name, evidence in votes.items():
        show(name, stacked(evidence, labels, folds), labels, hard)
    mixed = (stacked(votes["shipped"], labels, folds) + boosted_stack(votes, labels, folds)) / 2.0
    show("shipped + boosted stack", mixed, labels, hard)


def stacked(evidence: Array, labels: Array, folds: Array) -> Array:
    """Calibrate votes by logistic regression, out of fold."""
    scores = np.zeros(labels.shape)
    for number in np.unique(folds):
        weights, bias = fit_stack(evidence[folds != number], labels[folds != number])
        scores[folds == number] = sigmoid(evidence[folds == number] @ weights + bias)
    return scores


def boosted_stack(votes: dict[str, Array], labels: Array, folds: Array) -> Array:
    """Weigh the votes by gradient boosting instead, out of fold."""
    evidence = np.hstack([votes["shipped"], votes["boosted ideas"]])
    scores = np.zeros(labels.shape)
    for number in np.unique(folds):
        train, test = folds != number, folds == number
        for place in range(len(INTENTS)):
            model = HistGradientBoostingClassifier(
                max_iter=80, learning_rate=0.06, max_leaf_nodes=8, l2_regularization=5.0, random_state=SEED
            ).fit(evidence[train], labels[train, place])
            scores[test, place] = model.predict_proba(evidence[test])[:, 1]
    return scores


def show(name: str, scores: Array, labels: Array, hard: Array) -> None:
    """Print one line for all mails and for the hard ones."""
    cells = [_figures(scores[rows], labels[rows]) for rows in (np.ones(len(labels), bool), hard)]
    print(f"{name:26s} all {cells[0]}   hard {cells[1]}", flush=True)


def _figures(scores: Array, labels: Array) -> str:
    cuts = [best_cut(scores[:, place], labels[:, place]) for place in range(len(INTENTS))]
    said = scores >= np.array(cuts)
    f1 = 2 * (said & (labels == 1)).sum(axis=0) / (said.sum(axis=0) + labels.sum(axis=0))
    complaints = np.sort(scores[labels[:, COMPLAINT] == 1, COMPLAINT])
    unsure = [
        ((scores[:, COMPLAINT] >= complaints[int(len(complaints) * (1 - safe))]) & ~said[:, COMPLAINT]).mean()
        for safe in (0.97, 0.985)
    ]
    return f"{f1.mean():.3f} {unsure[0]:.3f} {unsure[1]:.3f}"


if __name__ == "__main__":
    main()
