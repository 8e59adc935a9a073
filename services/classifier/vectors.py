"""From passages to sparse vectors: one block per kind of feature, TF-IDF, each block of length one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.classifier.features import Passage, char_terms, idea_terms, word_terms

Columns: TypeAlias = NDArray[np.int32]
Values: TypeAlias = NDArray[np.float64]
BLOCKS = ("word", "char", "idea", "subject")
_MEMO_LIMIT = 200_000
_NOTHING: Columns = np.zeros(0, dtype=np.int32)


@dataclass
class Vocabulary:
    """The terms of one block: column of each (from ``first``), and inverse document frequency by column."""

    columns: dict[str, int]
    idf: Values
    first: int
    weight: float = 1.0

    @property
    def end(self) -> int:
        return self.first + len(self.columns)


@dataclass
class Vectoriser:
    """Turns passages into (columns, values); remembers for each distinct word where its n-grams fall.

    Remembering changes the time, never the answer.
    """

    vocabularies: dict[str, Vocabulary]
    _chars_of: dict[str, Columns] = field(default_factory=dict, repr=False)

    @property
    def n_columns(self) -> int:
        return max(vocabulary.end for vocabulary in self.vocabularies.values())

    def vector(self, passage: Passage) -> tuple[Columns, Values]:
        """Return the columns with something in them, ascending, and their values."""
        columns: list[Columns] = []
        values: list[Values] = []
        for name, vocabulary in self.vocabularies.items():
            found = self._block(name, vocabulary, passage)
            if not found.size:
                continue
            distinct, counts = np.unique(found, return_counts=True)
            weighted = (1.0 + np.log(counts)) * vocabulary.idf[distinct - vocabulary.first]
            columns.append(distinct)
            values.append(weighted * (vocabulary.weight / np.sqrt(weighted @ weighted)))
        if not columns:
            return _NOTHING, np.zeros(0)
        return np.concatenate(columns), np.concatenate(values)

    def _block(self, name: str, vocabulary: Vocabulary, passage: Passage) -> Columns:
        if name == "char":
            return self._chars(vocabulary, passage.words)
        return _known(vocabulary, block_terms(name, passage))

    def _chars(self, vocabulary: Vocabulary, row: Sequence[str]) -> Columns:
        parts: list[Columns] = []
        for word in row:
            known = self._chars_of.get(word)
            if known is None:
                known = _known(vocabulary, char_terms(word))
                if len(self._chars_of) < _MEMO_LIMIT:
                    self._chars_of[word] = known
            parts.append(known)
        return np.concatenate(parts) if parts else _NOTHING


def block_terms(name: str, passage: Passage) -> Iterable[str]:
    """Return the terms of a passage in one block, repeats included.

    Raises:
        KeyError: no such block.
    """
    match name:
        case "word":
            return word_terms(passage.words)
        case "char":
            return (term for word in passage.words for term in char_terms(word))
        case "idea":
            return idea_terms(passage)
        case "subject":
            return word_terms(passage.subject)
        case _:
            raise KeyError(name)


def _known(vocabulary: Vocabulary, terms: Iterable[str]) -> Columns:
    column = vocabulary.columns.get
    return np.array([place for term in terms if (place := column(term)) is not None], dtype=np.int32)
