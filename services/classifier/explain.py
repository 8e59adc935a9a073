"""Why a model says what it says: the pieces of text that weighed most, exactly as the model weighs them.

The votes on the whole mail are linear, so they fall apart into one addend per occurrence of a feature. The
addends of a word are those of its own, of its characters and half of those of its two neighbour pairs; the
addends of a lexicon idea stand on their own, under the entry's name.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from itaca.contracts.events import Span, WrittenText
from itaca.contracts.intents import Intent
from services.classifier.features import PAIR_REACH, Sentence, View, char_terms, split
from services.classifier.lexicon import Hit
from services.classifier.scorer import Scorer
from services.classifier.text import Token, sentence_tokens, tokens
from services.classifier.vectors import Array

TOP_SPANS = 8
_MIN_WEIGHT = 0.02
ViewName = Literal["subject", "new", "quoted"]


@dataclass(frozen=True)
class Piece:
    """One addend: the words ``first`` to ``last`` of a sentence, why, and its weight per intent (n_intents,)."""

    sentence: int
    first: int
    last: int
    why: str
    weight: Array


def explain(scorer: Scorer, text: WrittenText, top: int = TOP_SPANS) -> tuple[Span, ...]:
    """Return, per intent, the spans with the largest weights for or against it; at most ``top`` each."""
    sentences = split(View(text.subject, text.new_text, text.language), scorer.lexicon)
    places = list(_places(text, sentences))
    spans: list[Span] = []
    pieces = list(contributions(scorer, sentences))
    for number, intent in enumerate(Intent):
        weighty = sorted(pieces, key=lambda piece: -abs(float(piece.weight[number])))[:top]
        for piece in weighty:
            weight = float(piece.weight[number])
            if abs(weight) >= _MIN_WEIGHT:
                spans.append(_span(intent, piece, weight, *places[piece.sentence]))
    return tuple(spans)


def contributions(scorer: Scorer, sentences: Sequence[Sentence]) -> Iterator[Piece]:
    """Yield the addends of the votes on the whole mail; with bias and structure they add up to it exactly."""
    values = _values(scorer, sentences)
    ngrams: dict[tuple[int, int], Array] = defaultdict(lambda: np.zeros(len(Intent)))
    for number, sentence in enumerate(sentences):
        for place, addend in _word_addends(values, sentence):
            ngrams[number, place] = ngrams[number, place] + addend
        yield from _idea_pieces(values, number, sentence)
    for (number, place), weight in ngrams.items():
        yield Piece(number, place, place, "ngram", weight)


Values = dict[str, dict[str, Array]]


def _values(scorer: Scorer, sentences: Sequence[Sentence]) -> Values:
    """Return, per block and term, what one occurrence of the term adds to the votes."""
    votes = scorer.votes
    found: Values = {}
    for block, vocabulary in votes.vectoriser.vocabularies.items():
        located = votes.vectoriser.locate(block, sentences)
        columns, values = votes.vectoriser.weigh(block, located)
        counts = np.unique(located.columns, return_counts=True)[1]
        addends = votes.weights[columns] * (values / np.maximum(counts, 1))[:, None]
        by_column = dict(zip(columns.tolist(), addends, strict=True))
        found[block] = _ByTerm(vocabulary.columns, by_column)
    return found


class _ByTerm(dict[str, Array]):
    """Addends by term; a term the model does not know adds nothing."""

    def __init__(self, columns: dict[str, int], by_column: dict[int, Array]) -> None:
        super().__init__()
        self._columns, self._by_column = columns, by_column

    def __missing__(self, term: str) -> Array:
        return self._by_column.get(self._columns.get(term, -1), _ZERO)


_ZERO = np.zeros(len(Intent))


def _word_addends(values: Values, sentence: Sentence) -> Iterator[tuple[int, Array]]:
    """Yield what each word adds by itself, by its characters, and by half of each pair it stands in."""
    blocks = ("word", "subject") if sentence.is_subject else ("word",)
    for place, word in enumerate(sentence.words):
        for term in char_terms(word):
            yield place, values["char"][term]
        for block in blocks:
            yield place, values[block][word]
    for place, (first, second) in enumerate(pairwise(sentence.words)):
        for block in blocks:
            half = values[block][f"{first} {second}"] / 2.0
            yield place, half
            yield place + 1, half


def _idea_pieces(values: Values, number: int, sentence: Sentence) -> Iterator[Piece]:
    ideas = values["idea"]
    for place, hit in enumerate(sentence.hits):
        yield Piece(number, hit.first, hit.last, hit.entry, ideas[hit.entry])
        for other in _partners(sentence.hits, place):
            name = f"{hit.entry}+{other.entry}"
            yield Piece(number, hit.first, max(hit.last, other.last), name, ideas[name])


def _partners(hits: Sequence[Hit], place: int) -> Iterator[Hit]:
    hit = hits[place]
    for other in hits[place + 1 :]:
        if other.first - hit.first > PAIR_REACH:
            return
        if other.entry != hit.entry:
            yield other


def _places(text: WrittenText, sentences: Sequence[Sentence]) -> Iterator[tuple[ViewName, list[Token]]]:
    """Yield, for each sentence, the view it stands in and its words with their places there."""
    if sentences and sentences[0].is_subject:
        yield "subject", tokens(text.subject)
    for row in sentence_tokens(text.new_text):
        yield "new", row


def _span(intent: Intent, piece: Piece, weight: float, view: ViewName, row: list[Token]) -> Span:
    first, last = row[piece.first], row[piece.last]
    return Span(intent=intent, view=view, start=first.start, end=last.end, weight=round(weight, 4), why=piece.why)
