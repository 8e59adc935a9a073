"""The arithmetic of one model: from a text to one calibrated probability per intent."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from itaca.contracts.events import WrittenText
from services.classifier.features import Sentence, View, split
from services.classifier.lexicon import Lexicon, build_lexicon
from services.classifier.structure import NAMES, structure
from services.classifier.vectors import (
    BLOCKS,
    PRESENCE_BLOCKS,
    SENTENCE_BLOCKS,
    Array,
    Located,
    Vectoriser,
    Vocabulary,
    Weighed,
)

N_INTENTS = 3
STRUCTURE_SCALE = 0.3
"""Keeps the structural features, each in [0, 1], from outweighing text vectors of length one."""
FORMAT = 3


@dataclass(frozen=True)
class LinearVotes:
    """The first layer: two linear models over the same columns, which vote on mails and on sentences.

    One weighs how much of the mail a feature is: ``weights`` (n_columns + n_structure, n_intents) on vectors of
    length one. The other only whether it is there: ``presence`` (n_columns, n_intents), which sees a single
    decisive word in a long mail. Their biases have shape (n_intents,).
    """

    vectoriser: Vectoriser
    weights: Array
    bias: Array
    presence: Array
    presence_bias: Array

    @cached_property
    def _sentence_idf(self) -> Array:
        """Inverse document frequencies of all columns. Shape (n_columns,)."""
        return np.concatenate([vocabulary.idf for vocabulary in self.vectoriser.vocabularies.values()])

    @cached_property
    def _sentence_weights(self) -> Array:
        """Weights times frequencies. Shape (n_columns, n_intents)."""
        return self.weights[: self.vectoriser.n_columns] * self._sentence_idf[:, None]

    def evidence(self, weighed: Mapping[str, Weighed], shape: Array) -> Array:
        """Return what the stack weighs: votes on the whole mail, by block, on its sentences, and its structure.

        ``weighed`` is the mail in every block, ``shape`` its structural features (n_structure,). Of the
        sentence votes the strongest, the second and the mean count: a complaint may hide in one line of a long
        order. Shape (n_evidence,).
        """
        whole = self.bias + (shape * STRUCTURE_SCALE) @ self.weights[self.vectoriser.n_columns :]
        present = self.presence_bias
        by_block = []
        n_sentences = len(weighed["word"].located.starts) - 1
        single = np.tile(self.bias, (max(n_sentences, 1), 1))
        for block, mail in weighed.items():
            by_block.append(mail.values @ self.weights[mail.columns])
            if block in PRESENCE_BLOCKS:
                present = present + self.presence[mail.columns].sum(axis=0)
            if block in SENTENCE_BLOCKS and n_sentences:
                single += self.vectoriser.vocabularies[block].weight * self._sentence_votes(mail.located)
        whole = whole + np.sum(by_block, axis=0)
        ordered = np.sort(single, axis=0)
        second = ordered[-2] if len(ordered) > 1 else ordered[-1]
        return np.concatenate([whole, ordered[-1], second, single.mean(axis=0), present, *by_block, shape])

    def _sentence_votes(self, located: Located) -> Array:
        """Return the votes of one block on each sentence, repeats counted. Shape (n_sentences, n_intents)."""
        frequency = self._sentence_idf[located.columns]
        votes = running_sums(self._sentence_weights[located.columns], located.starts)
        length = np.sqrt(running_sums((frequency * frequency)[:, None], located.starts))
        return np.asarray(votes / np.maximum(length, 1e-12))


def running_sums(rows: Array, starts: Array) -> Array:
    """Return the sum of the rows of each sentence."""
    running = np.zeros((len(rows) + 1, rows.shape[1]))
    np.cumsum(rows, axis=0, out=running[1:])
    return np.asarray(running[starts[1:]] - running[starts[:-1]])


@dataclass(frozen=True)
class Scorer:
    """Both layers of a model with the lexicon they were trained with.

    ``stack_weights`` (n_evidence, n_intents) and ``stack_bias`` (n_intents,) turn the evidence into log-odds.
    """

    lexicon: Lexicon
    votes: LinearVotes
    stack_weights: Array
    stack_bias: Array

    def probabilities(self, text: WrittenText, body: str) -> Array:
        """Return calibrated probabilities for the subject of ``text`` and the given body. Shape (n_intents,)."""
        return self.score(text, body, self.votes.vectoriser.weigh_all(self.split(text, body)))

    def split(self, text: WrittenText, body: str) -> tuple[Sentence, ...]:
        """Return the subject and the sentences of the body with the ideas in them."""
        return split(View(text.subject, body, text.language), self.lexicon)

    def score(self, text: WrittenText, body: str, weighed: Mapping[str, Weighed]) -> Array:
        """Return the probabilities of a body that was weighed already. Shape (n_intents,)."""
        evidence = self.votes.evidence(weighed, np.array(structure(text, body)))
        log_odds: Array = evidence @ self.stack_weights + self.stack_bias
        return sigmoid(log_odds)


N_EVIDENCE = (5 + len(BLOCKS)) * N_INTENTS + len(NAMES)


def sigmoid(log_odds: Array) -> Array:
    """Return probabilities of log-odds without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0))))


def pack(scorer: Scorer, entries: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the scorer as plain lists, strings and arrays; ``entries`` are the raw lexicon entries."""
    blocks = {
        name: {
            "terms": list(vocabulary.columns),
            "idf": vocabulary.idf.astype(np.float32),
            "weight": vocabulary.weight,
        }
        for name, vocabulary in scorer.votes.vectoriser.vocabularies.items()
    }
    return {
        "format": FORMAT,
        "structure": NAMES,
        "lexicon": {name: dict(entry) for name, entry in entries.items()},
        "blocks": blocks,
        "weights": scorer.votes.weights.astype(np.float32),
        "bias": scorer.votes.bias,
        "presence": scorer.votes.presence.astype(np.float32),
        "presence_bias": scorer.votes.presence_bias,
        "stack_weights": scorer.stack_weights,
        "stack_bias": scorer.stack_bias,
    }


def unpack(state: Mapping[str, Any]) -> Scorer:
    """Make the scorer of a packed state; the caller has verified where the state comes from.

    Raises:
        ValueError: the state has another format, other structural features, or arrays that do not fit together.
    """
    if state.get("format") != FORMAT or tuple(state["structure"]) != NAMES:
        raise ValueError("the model was made for another version of the features")
    vocabularies: dict[str, Vocabulary] = {}
    first = 0
    for name, block in state["blocks"].items():
        columns = {term: first + place for place, term in enumerate(block["terms"])}
        vocabularies[name] = Vocabulary(columns, block["idf"].astype(np.float64), first, float(block["weight"]))
        first += len(columns)
    weights = state["weights"].astype(np.float64)
    presence = state["presence"].astype(np.float64)
    shapes = (weights.shape, presence.shape, state["stack_weights"].shape)
    if shapes != ((first + len(NAMES), N_INTENTS), (first, N_INTENTS), (N_EVIDENCE, N_INTENTS)):
        raise ValueError("the arrays of the model do not fit its vocabulary")
    return Scorer(
        build_lexicon(state["lexicon"]),
        LinearVotes(Vectoriser(vocabularies), weights, state["bias"], presence, state["presence_bias"]),
        state["stack_weights"],
        state["stack_bias"],
    )
