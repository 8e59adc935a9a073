"""Text as the model sees it: folded letters, sentences, and words with their places."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

_TOKEN = re.compile(r"\w+|[^\w\s]+")
_SENTENCE = re.compile(r"[^\n]*?(?:[.!?;…]+(?=[\s\"')\]]|$)|$)", re.M)


class Token(NamedTuple):
    """One word or one run of punctuation; ``start`` and ``end`` count characters of the original text."""

    text: str
    start: int
    end: int


class _Folding(dict[int, str]):
    """A table for ``str.translate`` that works out each character once."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_char(chr(code))
        return folded


_APOSTROPHES = {"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "ß": "ss"}


def _fold_char(char: str) -> str:
    """Return the letter without accent and case, ``0`` for any digit, nothing for invisible characters."""
    if char in _APOSTROPHES:
        return _APOSTROPHES[char]
    if char.isdigit():
        return "0"
    if unicodedata.category(char) in ("Cf", "Mn"):
        return ""
    return "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c)).lower()


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Fold case, accents, digits, typographic apostrophes and invisible characters away."""
    return text.translate(_FOLDING)


def words(folded: str) -> list[str]:
    """Split folded text into words and runs of punctuation."""
    return _TOKEN.findall(folded)


def sentences(folded: str) -> list[str]:
    """Split folded text at full stops, question marks, semicolons and line ends; nothing but blanks is lost."""
    return [part for part in _SENTENCE.findall(folded) if part and not part.isspace()]


def tokens(text: str) -> list[Token]:
    """Split the original text into the words of ``words`` over its folded form, with their places in it."""
    folded, origin = _fold_with_origin(text)
    return [_token(match, 0, origin) for match in _TOKEN.finditer(folded)]


class SentenceTokens:
    """The tokens of each of the ``sentences`` of the folded text, split when asked for."""

    def __init__(self, text: str) -> None:
        folded, self._origin = _fold_with_origin(text)
        found = _SENTENCE.finditer(folded)
        self._sentences = [match for match in found if match.group() and not match.group().isspace()]

    def __len__(self) -> int:
        return len(self._sentences)

    def __getitem__(self, number: int) -> list[Token]:
        sentence = self._sentences[number]
        return [_token(match, sentence.start(), self._origin) for match in _TOKEN.finditer(sentence.group())]


def _fold_with_origin(text: str) -> tuple[str, Sequence[int]]:
    """Return the folded text, and for each of its characters the place of the one it came from."""
    folded = fold(text)
    if all(len(_FOLDING[code]) == 1 for code in set(map(ord, text))):
        return folded, range(len(text))
    origin = [place for place, char in enumerate(text) for _ in _FOLDING[ord(char)]]
    return folded, origin


def _token(match: re.Match[str], shift: int, origin: Sequence[int]) -> Token:
    return Token(match.group(), origin[shift + match.start()], origin[shift + match.end() - 1] + 1)


def invisible_share(text: str) -> float:
    """Return the share of invisible format characters, in [0, 1]; a high one means that somebody hides words."""
    if text.isascii() or not text:
        return 0.0
    hidden = sum(1 for char in text if ord(char) > 0xAC and unicodedata.category(char) == "Cf")
    return hidden / len(text)
