"""Text as the classifier should see it: without what is invisible, in one spelling, without borrowed letters."""

import re
import unicodedata
from typing import NamedTuple

MAX_INVISIBLE_SHARE = 0.05


class Normalised(NamedTuple):
    """Text in NFKC; the shares and counts say what was done, because doing it to hide words is itself a sign."""

    text: str
    invisible_share: float
    has_lookalikes: bool


# Format characters (category Cf), variation selectors, the tag block, Hangul fillers, the grapheme joiner.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_EMOJI_JOINER = re.compile(
    "(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2600-\u27bf\U0001f000-\U0001faff])"
)
_FOREIGN_RUN = re.compile("[\u0300-\U0010ffff]{32,}")
_MAX_MARKS = 8
"""Combining marks kept on one letter: ordering a longer run costs the square of its length."""
_MIXED_WORD = re.compile(
    "[^\\W\\d_]*(?:[a-z][^\\W\\d_]*[\u0370-\u052f]|[\u0370-\u052f][^\\W\\d_]*[a-z])[^\\W\\d_]*", re.IGNORECASE
)
_HAS_GREEK_OR_CYRILLIC = re.compile("[\u0370-\u052f]")
_WORDS = re.compile(r"[^\W\d_]+")
_LOOKALIKES = str.maketrans(
    "авеіјкмнорстухѕԁɡһԛԝАВЕІЈКМНОРСТУХЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαεικνρτυχςγ",
    "abeijkmhopctyxsdghqwABEIJKMHOPCTYXSABEZHIKMNOPTYXoaeikvptuxcy",
)


def normalise(text: str) -> Normalised:
    """Return the text in NFKC without invisible characters, lookalike letters folded inside mixed words. Total.

    Idempotent. Cyrillic and Greek letters are folded only in words that also hold Latin ones: a Russian word
    stays Russian.
    """
    if text.isascii():
        return Normalised(text, 0.0, False)
    joined = _EMOJI_JOINER.sub("", text)
    visible = _INVISIBLE.sub("", joined)
    share = (len(joined) - len(visible)) / len(text)
    visible = _FOREIGN_RUN.sub(_thin_marks, visible)
    composed = _INVISIBLE.sub("", unicodedata.normalize("NFKC", visible))
    folded = _WORDS.sub(_fold_word, composed) if _HAS_GREEK_OR_CYRILLIC.search(composed) else composed
    return Normalised(folded, share, folded != composed)


def _thin_marks(match: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for character in match.group():
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _fold_word(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not _HAS_GREEK_OR_CYRILLIC.search(word) or not any("a" <= c.lower() <= "z" for c in word):
        return word
    return word.translate(_LOOKALIKES)
