"""Why a model says what it says: the pieces of text that weighed most, exactly as the model weighs them.

The votes on the whole mail are linear, so they fall apart into one addend per occurrence of a feature. The
addends of a word are those of its own, of its characters and half of those of its two neighbour pairs; the
addends of a lexicon idea stand on their own, under the entry's name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from itaca.contracts.events import Span, WrittenText
from itaca.contracts.intents import Intent
from services.classifier.features import PAIR_REACH, Sentence
from services.classifier.lexicon import Hit
from services.classifier.scorer import LinearVotes, Scorer, running_sums
from services.classifier.text import SentenceTokens, Token, tokens
from services.classifier.vectors import Array, Weighed

TOP_SPANS = 8
_MIN_WEIGHT = 0.02
NGRAM = "ngram"
ViewName = Literal["subject", "new", "quoted"]


class Place(NamedTuple):
    """Where an addend comes from: the words ``first`` to ``last`` of a sentence, and why they count."""

    sentence: int
    first: int
    last: int
    why: str


@dataclass(frozen=True)
class Contributions:
    """All addends of a mail: ``weights`` has shape (n_places, n_intents), first those of all words, then of ideas.

    The words of sentence i are from word_starts[i] to word_starts[i + 1]; shape (n_sentences + 1,).
    """

    word_starts: Array
    ideas: list[Place]
    weights: Array

    def place(self, number: int) -> Place:
        """Return where one addend comes from."""
        n_words = int(self.word_starts[-1])
        if number >= n_words:
            return self.ideas[number - n_words]
        sentence = int(np.searchsorted(self.word_starts, number, side="right")) - 1
        word = number - int(self.word_starts[sentence])
        return Place(sentence, word, word, NGRAM)


def explain(
    scorer: Scorer, text: WrittenText, top: int = TOP_SPANS, intents: Iterable[Intent] = tuple(Intent)
) -> tuple[Span, ...]:
    """Return, for each of the intents, the spans with the largest weights for or against it; at most ``top`` each."""
    sentences = scorer.split(text, text.new_text)
    weighed = scorer.votes.vectoriser.weigh_all(sentences)
    return explain_weighed(scorer.votes, text, sentences, weighed, intents, top)


def explain_weighed(
    votes: LinearVotes,
    text: WrittenText,
    sentences: Sequence[Sentence],
    weighed: Mapping[str, Weighed],
    intents: Iterable[Intent],
    top: int,
) -> tuple[Span, ...]:
    """As ``explain``, for a text that was split and weighed already."""
    found = contributions(votes, sentences, weighed)
    rows = _Rows(text, sentences)
    spans: list[Span] = []
    for intent in intents:
        column = found.weights[:, list(Intent).index(intent)]
        for number in np.argsort(-np.abs(column), kind="stable")[:top]:
            if abs(column[number]) >= _MIN_WEIGHT:
                place = found.place(int(number))
                spans.append(_span(intent, place, float(column[number]), *rows[place.sentence]))
    return tuple(spans)


def contributions(votes: LinearVotes, sentences: Sequence[Sentence], weighed: Mapping[str, Weighed]) -> Contributions:
    """Return the addends of the votes on the whole mail; with bias and structure they add up to it exactly."""
    word_starts = np.zeros(len(sentences) + 1, dtype=np.int64)
    np.cumsum([len(sentence.words) for sentence in sentences], out=word_starts[1:])
    weights = _char_weights(votes, weighed, sentences)
    weights += _word_weights(votes, weighed, sentences, "word")
    weights += _word_weights(votes, weighed, sentences, "subject")
    ideas, idea_weights = _idea_weights(votes, weighed, sentences)
    return Contributions(word_starts, ideas, np.concatenate([weights, idea_weights]))


class _Addends:
    """What one occurrence of each column of a block adds to the votes."""

    def __init__(self, votes: LinearVotes, weighed: Mapping[str, Weighed], block: str) -> None:
        self.mail = weighed[block]
        values = self.mail.values / np.maximum(self.mail.counts, 1)
        self._addends = votes.weights[self.mail.columns] * values[:, None]

    def of_columns(self, columns: Array) -> Array:
        """Return the addends of columns that stand in the mail. Shape (n_columns, n_intents)."""
        return np.asarray(self._addends[np.searchsorted(self.mail.columns, columns)])

    def of_terms(self) -> Array:
        """Return the addends of every term of the block in order, zero for those that the model does not know."""
        terms = self.mail.located.terms
        addends = np.zeros((len(terms), self._addends.shape[1]))
        known = terms >= 0
        addends[known] = self.of_columns(terms[known])
        return addends


def _char_weights(votes: LinearVotes, weighed: Mapping[str, Weighed], sentences: Sequence[Sentence]) -> Array:
    """Return what the characters of each word add. Shape (n_words, n_intents)."""
    addends = _Addends(votes, weighed, "char")
    sizes = [votes.vectoriser.char_columns(word).size for sentence in sentences for word in sentence.words]
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return running_sums(addends.of_columns(addends.mail.located.columns), starts)


def _word_weights(
    votes: LinearVotes, weighed: Mapping[str, Weighed], sentences: Sequence[Sentence], block: str
) -> Array:
    """Return what each word adds by itself and by half of each pair it stands in. Shape (n_words, n_intents)."""
    # The terms of a sentence are its words and then its pairs, and the subject is the first sentence.
    addends = _Addends(votes, weighed, block).of_terms()
    weights = np.zeros((sum(len(sentence.words) for sentence in sentences), len(Intent)))
    place = term = 0
    for sentence in sentences if len(addends) else ():
        if not sentence.words or not (block == "word" or sentence.is_subject):
            continue
        end, pairs = place + len(sentence.words), term + len(sentence.words)
        weights[place:end] = addends[term:pairs]
        halves = addends[pairs : pairs + len(sentence.words) - 1] / 2.0
        weights[place : end - 1] += halves
        weights[place + 1 : end] += halves
        place, term = end, pairs + len(halves)
    return weights


def _idea_weights(
    votes: LinearVotes, weighed: Mapping[str, Weighed], sentences: Sequence[Sentence]
) -> tuple[list[Place], Array]:
    """Return the ideas and pairs of ideas with what they add."""
    places: list[Place] = []
    for number, sentence in enumerate(sentences):
        for place, hit in enumerate(sentence.hits):
            places.append(Place(number, hit.first, hit.last, hit.entry))
            for other in _partners(sentence.hits, place):
                last = max(hit.last, other.last)
                places.append(Place(number, hit.first, last, f"{hit.entry}+{other.entry}"))
    return places, _Addends(votes, weighed, "idea").of_terms()


def _partners(hits: Sequence[Hit], place: int) -> Iterator[Hit]:
    hit = hits[place]
    for other in hits[place + 1 :]:
        if other.first - hit.first > PAIR_REACH:
            return
        if other.entry != hit.entry:
            yield other


class _Rows:
    """For each sentence the view it stands in and its words with their places there, worked out once, when needed."""

    def __init__(self, text: WrittenText, sentences: Sequence[Sentence]) -> None:
        self._text = text
        self._body: SentenceTokens | None = None
        self._subjects = 1 if sentences and sentences[0].is_subject else 0
        self._known: dict[int, tuple[ViewName, list[Token]]] = {}

    def __getitem__(self, sentence: int) -> tuple[ViewName, list[Token]]:
        known = self._known.get(sentence)
        if known is None:
            known = self._known[sentence] = self._work_out(sentence)
        return known

    def _work_out(self, sentence: int) -> tuple[ViewName, list[Token]]:
        if sentence < self._subjects:
            return "subject", tokens(self._text.subject)
        self._body = self._body or SentenceTokens(self._text.new_text)
        return "new", self._body[sentence - self._subjects]


def _span(intent: Intent, place: Place, weight: float, view: ViewName, row: list[Token]) -> Span:
    start, end = row[place.first].start, row[place.last].end
    return Span(intent=intent, view=view, start=start, end=end, weight=round(weight, 4), why=place.why)
