"""From sentences to numbers: one block per kind of feature, TF-IDF, each block of length one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.classifier.features import Sentence, char_terms, idea_terms, word_terms

Columns: TypeAlias = NDArray[np.int32]
Array: TypeAlias = NDArray[Any]
BLOCKS = ("word", "char", "idea", "subject")
SENTENCE_BLOCKS = ("word", "char", "idea")
PRESENCE_BLOCKS = ("word", "idea")
MIN_WORD_CHARS = 3
MIN_WORDS = 8
_MEMO_LIMIT = 200_000
_NOTHING: Columns = np.zeros(0, dtype=np.int32)


@dataclass
class Vocabulary:
    """The terms of one block: column of each (from ``first``), and inverse document frequency by column."""

    columns: dict[str, int]
    idf: Array
    first: int
    weight: float = 1.0

    @property
    def end(self) -> int:
        return self.first + len(self.columns)


@dataclass(frozen=True)
class Located:
    """The columns of one block in one mail, repeats included: those of sentence i from starts[i] to starts[i + 1].

    ``terms`` has one entry for every term in order, -1 for terms that the model does not know; empty for characters.
    """

    columns: Columns
    starts: Array
    terms: Columns = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True)
class Weighed:
    """One block of one mail: its distinct columns, ascending, how often each stands there, and its value."""

    located: Located
    columns: Columns
    counts: Array
    values: Array


@dataclass
class Vectoriser:
    """Finds the columns of sentences; remembers for each distinct word where its n-grams fall.

    Remembering changes the time, never the answer.
    """

    vocabularies: dict[str, Vocabulary]
    _chars_of: dict[str, Columns] = field(default_factory=dict, repr=False)

    @property
    def n_columns(self) -> int:
        return max(vocabulary.end for vocabulary in self.vocabularies.values())

    def unknown_share(self, sentences: Sequence[Sentence]) -> float:
        """Return the share of words of three letters or more that no training mail held, in [0, 1].

        Texts of few words give 0: a name and a street say nothing about the language.
        """
        known = self.vocabularies["word"].columns
        row = [word for one in sentences for word in one.words if len(word) >= MIN_WORD_CHARS and word.isalpha()]
        return sum(word not in known for word in row) / len(row) if len(row) >= MIN_WORDS else 0.0

    def locate(self, block: str, sentences: Sequence[Sentence]) -> Located:
        """Return the columns of every sentence in one block."""
        vocabulary = self.vocabularies[block]
        if block == "char":
            starts = np.zeros(len(sentences) + 1, dtype=np.int64)
            return Located(self._locate_chars(vocabulary, sentences, starts), starts)
        known = vocabulary.columns.get
        found: list[int] = []
        ends = [0]
        for sentence in sentences:
            found += [known(term, -1) for term in block_terms(block, sentence)]
            ends.append(len(found))
        terms = np.array(found, dtype=np.int32)
        is_known = terms >= 0
        before = np.zeros(len(found) + 1, dtype=np.int64)
        np.cumsum(is_known, out=before[1:])
        return Located(terms[is_known], before[ends], terms)

    def _locate_chars(self, vocabulary: Vocabulary, sentences: Sequence[Sentence], starts: Array) -> Columns:
        """Return the columns of all n-grams, filling ``starts``; each distinct word is looked up once."""
        memo = self._chars_of
        parts: list[Columns] = []
        size = 0
        for number, sentence in enumerate(sentences, 1):
            for word in sentence.words:
                known = memo.get(word)
                if known is None:
                    known = self._work_out(vocabulary, word)
                parts.append(known)
                size += known.size
            starts[number] = size
        return np.concatenate(parts) if parts else _NOTHING

    def char_columns(self, word: str) -> Columns:
        """Return the columns of one word's character n-grams, repeats included."""
        known = self._chars_of.get(word)
        return self._work_out(self.vocabularies["char"], word) if known is None else known

    def _work_out(self, vocabulary: Vocabulary, word: str) -> Columns:
        """Return the columns of one word's n-grams, and remember them."""
        column = vocabulary.columns.get
        found = [place for term in char_terms(word) if (place := column(term)) is not None]
        known = np.array(found, dtype=np.int32)
        if len(self._chars_of) < _MEMO_LIMIT:
            self._chars_of[word] = known
        return known

    def weigh(self, block: str, sentences: Sequence[Sentence]) -> Weighed:
        """Return a whole mail in one block: a vector of length one, or nothing."""
        vocabulary = self.vocabularies[block]
        located = self.locate(block, sentences)
        if not located.columns.size:
            return Weighed(located, _NOTHING, np.zeros(0), np.zeros(0))
        distinct, counts = np.unique(located.columns, return_counts=True)
        weighted = (1.0 + np.log(counts)) * vocabulary.idf[distinct - vocabulary.first]
        return Weighed(located, distinct, counts, weighted * (vocabulary.weight / np.sqrt(weighted @ weighted)))

    def weigh_all(self, sentences: Sequence[Sentence]) -> dict[str, Weighed]:
        """Return a whole mail in every block."""
        return {block: self.weigh(block, sentences) for block in self.vocabularies}


def block_terms(block: str, sentence: Sentence) -> Iterable[str]:
    """Return the terms of a sentence in one block, repeats included.

    Raises:
        KeyError: no such block.
    """
    match block:
        case "word":
            return word_terms(sentence.words)
        case "char":
            return (term for word in sentence.words for term in char_terms(word))
        case "idea":
            return idea_terms(sentence.hits)
        case "subject":
            return word_terms(sentence.words) if sentence.is_subject else ()
        case _:
            raise KeyError(block)
