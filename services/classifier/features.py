"""Features of one text: words, characters, ideas of the lexicon, the subject apart, and its structure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.classifier.lexicon import Hit, Lexicon
from services.classifier.text import fold, sentences, words

CHAR_SIZES = (2, 3, 4, 5)
PAIR_REACH = 6
"""Two ideas make a pair when at most this many words lie between their beginnings in one sentence."""
_BREAKS = frozenset(".!?;")


@dataclass(frozen=True)
class View:
    """What is judged as one text: the subject and a body, with the language somebody believes it to be in."""

    subject: str
    body: str
    language: str = ""


@dataclass(frozen=True)
class Passage:
    """A view or one sentence of it, split: folded words of the subject and of everything, and the hits in them."""

    subject: tuple[str, ...]
    words: tuple[str, ...]
    hits: tuple[Hit, ...]


def passages(view: View, lexicon: Lexicon) -> tuple[Passage, tuple[Passage, ...]]:
    """Return the whole view as a passage, and each of its sentences as one."""
    subject = fold(view.subject)
    body = fold(view.body)
    whole = _passage(subject, subject + " .\n" + body, view.language, lexicon)
    parts = [part for part in (subject, *sentences(body)) if part.strip()]
    return whole, tuple(_passage("", part, view.language, lexicon) for part in parts)


def _passage(subject: str, text: str, language: str, lexicon: Lexicon) -> Passage:
    row = words(text)
    return Passage(tuple(words(subject)), tuple(row), tuple(lexicon.find(row, language)))


def word_terms(row: Sequence[str]) -> Iterator[str]:
    """Yield single words and neighbours; punctuation counts as a word, so ``??`` is one."""
    yield from row
    for first, second in pairwise(row):
        yield f"{first} {second}"


def char_terms(word: str) -> list[str]:
    """Return the character n-grams of one word with a blank at both ends, as ``char_wb`` has them."""
    padded = f" {word} "
    return [padded[i : i + size] for size in CHAR_SIZES for i in range(len(padded) - size + 1)]


def idea_terms(passage: Passage) -> Iterator[str]:
    """Yield the lexicon entries found and ordered pairs of them within one sentence."""
    hits = passage.hits
    sentence = _sentence_numbers(passage.words) if hits else []
    for place, hit in enumerate(hits):
        yield hit.entry
        for other in hits[place + 1 :]:
            if other.first - hit.first > PAIR_REACH or sentence[other.first] != sentence[hit.first]:
                break
            if other.entry != hit.entry:
                yield f"{hit.entry}+{other.entry}"


def _sentence_numbers(row: Sequence[str]) -> list[int]:
    numbers: list[int] = []
    number = 0
    for word in row:
        numbers.append(number)
        number += word[0] in _BREAKS
    return numbers
