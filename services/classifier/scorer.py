"""The arithmetic of one model: from a text to one calibrated probability per intent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from itaca.contracts.events import WrittenText
from services.classifier.features import Passage, View, passages
from services.classifier.lexicon import Lexicon, build_lexicon
from services.classifier.structure import NAMES, structure
from services.classifier.vectors import Vectoriser, Vocabulary

Array: TypeAlias = NDArray[Any]
N_INTENTS = 3
STRUCTURE_SCALE = 0.3
"""Keeps the structural features, each in [0, 1], from outweighing text vectors of length one."""
FORMAT = 1


@dataclass(frozen=True)
class Scorer:
    """A document model whose votes on the whole and on each sentence are weighed together with the structure.

    ``weights`` has shape (n_columns + n_structure, n_intents), ``bias`` (n_intents,); ``stack_weights``
    (n_evidence, n_intents) and ``stack_bias`` (n_intents,) turn the votes into log-odds.
    """

    lexicon: Lexicon
    vectoriser: Vectoriser
    weights: Array
    bias: Array
    stack_weights: Array
    stack_bias: Array

    def probabilities(self, text: WrittenText, body: str) -> Array:
        """Return calibrated probabilities for the subject of ``text`` and the given body. Shape (n_intents,)."""
        whole, parts = passages(View(text.subject, body, text.language), self.lexicon)
        votes = self.votes(whole, parts, np.array(structure(text, body)))
        log_odds: Array = votes @ self.stack_weights + self.stack_bias
        return sigmoid(log_odds)

    def votes(self, whole: Passage, parts: Sequence[Passage], shape: Array) -> Array:
        """Return the evidence that the stack weighs: see ``gather_votes``."""
        n_columns = self.vectoriser.n_columns
        document = self.vote(whole) + (shape * STRUCTURE_SCALE) @ self.weights[n_columns:]
        sentence = [self.vote(part) for part in parts] or [self.bias]
        return gather_votes(document, np.array(sentence), shape)

    def vote(self, passage: Passage) -> Array:
        """Return the linear votes for one passage, without structure. Shape (n_intents,)."""
        columns, values = self.vectoriser.vector(passage)
        return np.asarray(values @ self.weights[columns] + self.bias)


def gather_votes(document: Array, sentence: Array, shape: Array) -> Array:
    """Return what the stack weighs: document votes, strongest, second and mean sentence votes, structure.

    ``document`` is (n_intents,), ``sentence`` (n_sentences, n_intents), ``shape`` (n_structure,). The strongest
    sentence counts because a complaint may hide in one line of a long order.
    """
    ordered = np.sort(sentence, axis=0)
    second = ordered[-2] if len(ordered) > 1 else ordered[-1]
    return np.concatenate([document, ordered[-1], second, sentence.mean(axis=0), shape])


N_EVIDENCE = 4 * N_INTENTS + len(NAMES)


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
        for name, vocabulary in scorer.vectoriser.vocabularies.items()
    }
    return {
        "format": FORMAT,
        "structure": NAMES,
        "lexicon": {name: dict(entry) for name, entry in entries.items()},
        "blocks": blocks,
        "weights": scorer.weights.astype(np.float32),
        "bias": scorer.bias,
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
    if weights.shape != (first + len(NAMES), N_INTENTS) or state["stack_weights"].shape != (N_EVIDENCE, N_INTENTS):
        raise ValueError("the arrays of the model do not fit its vocabulary")
    return Scorer(
        build_lexicon(state["lexicon"]),
        Vectoriser(vocabularies),
        weights,
        state["bias"],
        state["stack_weights"],
        state["stack_bias"],
    )
