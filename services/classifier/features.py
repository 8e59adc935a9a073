"""Features of one text: the words, characters and lexicon ideas of each of its sentences, the subject apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.classifier.lexicon import Hit, Lexicon
from services.classifier.text import fold, sentences, words

CHAR_SIZES = (2, 3, 4, 5)
PAIR_REACH = 6
"""Two ideas make a pair when at most this many words lie between their beginnings in one sentence."""


@dataclass(frozen=True)
class View:
    """What is judged as one text: the subject and a body, with the language somebody believes it to be in."""

    subject: str
    body: str
    language: str = ""


@dataclass(frozen=True)
class Sentence:
    """One sentence, split: folded words, the lexicon hits in them, and whether it is the subject."""

    words: tuple[str, ...]
    hits: tuple[Hit, ...]
    is_subject: bool = False


def split(view: View, lexicon: Lexicon) -> tuple[Sentence, ...]:
    """Return the subject, if there is one, and every sentence of the body."""
    subject = words(fold(view.subject))
    rows = [words(part) for part in sentences(fold(view.body))]
    found = lexicon.find([subject, *rows], view.language)
    first = [Sentence(tuple(subject), tuple(found[0]), is_subject=True)] if subject else []
    return (*first, *(Sentence(tuple(row), tuple(hits)) for row, hits in zip(rows, found[1:], strict=True)))


def word_terms(row: Sequence[str]) -> Iterator[str]:
    """Yield single words and neighbours; punctuation counts as a word, so ``??`` is one."""
    yield from row
    for first, second in pairwise(row):
        yield f"{first} {second}"


def char_terms(word: str) -> list[str]:
    """Return the character n-grams of one word with a blank at both ends, as ``char_wb`` has them."""
    padded = f" {word} "
    return [padded[i : i + size] for size in CHAR_SIZES for i in range(len(padded) - size + 1)]


def idea_terms(hits: Sequence[Hit]) -> Iterator[str]:
    """Yield the lexicon entries of one sentence and ordered pairs of them."""
    for place, hit in enumerate(hits):
        yield hit.entry
        for other in hits[place + 1 :]:
            if other.first - hit.first > PAIR_REACH:
                break
            if other.entry != hit.entry:
                yield f"{hit.entry}+{other.entry}"
