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
    Vectoriser,
    Vocabulary,
    Weighed,
)

N_INTENTS = 3
STRUCTURE_SCALE = 0.3
"""Keeps the structural features, each in [0, 1], from outweighing text vectors of length one."""
FORMAT = 4
OLDER_FORMAT = 3
"""Models of this format know no passages; they are still read, so that a rollback to one works."""
BENDS = (-2.0, 0.0, 2.0)
"""Where the stack may change its slope: a vote that is far beyond them says no more than one just beyond."""


@dataclass(frozen=True)
class LinearVotes:
    """The first layer: two linear models over the same columns, which vote on mails and on sentences.

    One weighs how much of the mail a feature is: ``weights`` (n_columns + n_structure, n_intents) on vectors of
    length one. The other only whether it is there: ``presence`` (n_columns, n_intents), which sees a single
    decisive word in a long mail. Their biases have shape (n_intents,). ``passages`` (n_columns, n_intents) votes
    on one sentence or two neighbours, learned from the passage of each mail that speaks loudest; None in a model
    of the older format.
    """

    vectoriser: Vectoriser
    weights: Array
    bias: Array
    presence: Array
    presence_bias: Array
    passages: Array | None = None

    @cached_property
    def _sentence_table(self) -> Array:
        """What one occurrence of each column adds to a sentence: votes, votes on passages, and squared length.

        Shape (n_columns, 2 * n_intents + 1).
        """
        idf = np.concatenate([vocabulary.idf for vocabulary in self.vectoriser.vocabularies.values()])[:, None]
        passages = np.zeros_like(self.presence) if self.passages is None else self.passages
        return np.hstack([self.weights[: self.vectoriser.n_columns] * idf, passages * idf, idf * idf])

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
        spoken = np.zeros((n_sentences, N_INTENTS + 1))
        for block, mail in weighed.items():
            by_block.append(mail.values @ self.weights[mail.columns])
            if block in PRESENCE_BLOCKS:
                present = present + self.presence[mail.columns].sum(axis=0)
            if block in SENTENCE_BLOCKS and n_sentences:
                sums = running_sums(self._sentence_table[mail.located.columns], mail.located.starts)
                weight = self.vectoriser.vocabularies[block].weight
                single += weight * sums[:, :N_INTENTS] / np.sqrt(np.maximum(sums[:, -1:], 1e-12))
                if block in PRESENCE_BLOCKS:
                    spoken += sums[:, N_INTENTS:]
        whole = whole + np.sum(by_block, axis=0)
        ordered = np.sort(single, axis=0)
        second = ordered[-2] if len(ordered) > 1 else ordered[-1]
        found = np.concatenate([whole, ordered[-1], second, single.mean(axis=0), present, *by_block, shape])
        if self.passages is None:
            return found
        votes = found[: N_VOTES * N_INTENTS]
        bent = [np.maximum(votes - bend, 0.0) for bend in BENDS]
        return np.concatenate([found, *bent, _passage_votes(spoken)])


def _passage_votes(spoken: Array) -> Array:
    """Return the strongest, the second and the mean vote on the passages of a mail. Shape (3 * n_intents,).

    ``spoken`` has one row per sentence: what its words add for each intent, and its squared length.
    """
    if not len(spoken):
        return np.zeros(3 * N_INTENTS)
    sums = with_neighbours(spoken)
    votes = sums[:, :N_INTENTS] / np.sqrt(np.maximum(sums[:, -1:], 1e-12))
    ordered = np.sort(votes, axis=0)
    return np.concatenate([ordered[-1], ordered[-2:][0], votes.mean(axis=0)])


def with_neighbours(rows: Array) -> Array:
    """Return the rows and below them the sum of each row and the next: passages of one sentence and of two."""
    return np.concatenate([rows, rows[:-1] + rows[1:]])


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


N_VOTES = 5
"""Votes on a mail before those of its blocks: whole, strongest sentence, second, mean, presence."""
N_OLDER_EVIDENCE = (N_VOTES + len(BLOCKS)) * N_INTENTS + len(NAMES)
N_EVIDENCE = N_OLDER_EVIDENCE + (N_VOTES * len(BENDS) + 3) * N_INTENTS


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
        "format": OLDER_FORMAT if scorer.votes.passages is None else FORMAT,
        "structure": NAMES,
        "lexicon": {name: dict(entry) for name, entry in entries.items()},
        "blocks": blocks,
        "weights": scorer.votes.weights.astype(np.float32),
        "bias": scorer.votes.bias,
        "presence": scorer.votes.presence.astype(np.float32),
        "presence_bias": scorer.votes.presence_bias,
        "passages": None if scorer.votes.passages is None else scorer.votes.passages.astype(np.float32),
        "stack_weights": scorer.stack_weights,
        "stack_bias": scorer.stack_bias,
    }


def unpack(state: Mapping[str, Any]) -> Scorer:
    """Make the scorer of a packed state; the caller has verified where the state comes from.

    Raises:
        ValueError: the state has another format, other structural features, or arrays that do not fit together.
    """
    if state.get("format") not in (FORMAT, OLDER_FORMAT) or tuple(state["structure"]) != NAMES:
        raise ValueError("the model was made for another version of the features")
    vocabularies: dict[str, Vocabulary] = {}
    first = 0
    for name, block in state["blocks"].items():
        columns = {term: first + place for place, term in enumerate(block["terms"])}
        vocabularies[name] = Vocabulary(columns, block["idf"].astype(np.float64), first, float(block["weight"]))
        first += len(columns)
    weights = state["weights"].astype(np.float64)
    presence = state["presence"].astype(np.float64)
    passages = None if state["format"] == OLDER_FORMAT else state["passages"].astype(np.float64)
    n_evidence = N_OLDER_EVIDENCE if passages is None else N_EVIDENCE
    shapes = (weights.shape, presence.shape, state["stack_weights"].shape)
    if shapes != ((first + len(NAMES), N_INTENTS), (first, N_INTENTS), (n_evidence, N_INTENTS)) or (
        passages is not None and passages.shape != presence.shape
    ):
        raise ValueError("the arrays of the model do not fit its vocabulary")
    return Scorer(
        build_lexicon(state["lexicon"]),
        LinearVotes(Vectoriser(vocabularies), weights, state["bias"], presence, state["presence_bias"], passages),
        state["stack_weights"],
        state["stack_bias"],
    )
