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
_HAS_GREEK_OR_CYRILLIC = re.compile("[\u0370-\u052f]")
_WORDS = re.compile(r"[^\W\d_]+")
_LOOKALIKES = str.maketrans(
    "авеіјкмнорстухѕԁɡһԛԝАВЕІЈКМНОРСТУХЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαεικνρτυχςγ",
    "abeijkmhopctyxsdghqwABEIJKMHOPCTYXSABEZHIKMNOPTYXoaeikvptuxcy",
)
_TWINS = frozenset("аеорсухіјѕԁһԛԝАВЕІЈКМНОРСТУХЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧο")
"""Letters that look like Latin ones in every typeface, so that a whole word of them is Latin to the eye."""
_LATIN = re.compile("[A-Za-z]")
_MIN_LATIN_SHARE = 0.6
_DRAWN_LETTERS = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢɑɡ"
_DRAWN = re.compile(f"[{_DRAWN_LETTERS}\U0001f150-\U0001f169\U0001f170-\U0001f189\u13a0-\u13f4]")
"""Small capitals, letters in black circles and squares, Cherokee: letters that people draw Latin words with."""
_DRAWN_TABLE = (
    dict(zip(map(ord, _DRAWN_LETTERS), "abcdefghijklmnopqrstuvwyzag", strict=True))
    | {first + n: chr(ord("a") + n) for first in (0x1F150, 0x1F170) for n in range(26)}
    | dict(zip(map(ord, "ᎪᏴᏟᎠᎬᏀᎻᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃ"), "ABCDEGHJKLMPRSTVWZ", strict=True))
)
_SPACED = re.compile(r"(?<!\w)[^\W\d_]([ .·*-])(?:[^\W\d_]\1){2,}[^\W\d_](?!\w)")


def normalise(text: str) -> Normalised:
    """Return the text in NFKC without invisible characters, borrowed letters folded, spaced letters joined. Total.

    Idempotent. Cyrillic and Greek letters are folded only in words that also hold Latin ones, or that nobody can
    tell from Latin ones and that stand in a Latin text: a Russian word stays Russian.
    """
    if text.isascii():
        return Normalised(_SPACED.sub(_join, text), 0.0, False)
    joined = _EMOJI_JOINER.sub("", text)
    visible = _INVISIBLE.sub("", joined)
    share = (len(joined) - len(visible)) / len(text)
    visible = _FOREIGN_RUN.sub(_thin_marks, visible)
    composed = _INVISIBLE.sub("", unicodedata.normalize("NFKC", visible))
    folded = _fold(composed)
    return Normalised(_SPACED.sub(_join, folded), share, folded != composed)


def _join(match: re.Match[str]) -> str:
    """Letters s p a c e d so that no word stands there."""
    return match.group().replace(match[1], "")


def _fold(text: str) -> str:
    if _DRAWN.search(text):
        text = text.translate(_DRAWN_TABLE)
    foreign = len(_HAS_GREEK_OR_CYRILLIC.findall(text))
    if not foreign:
        return text
    text = _WORDS.sub(_fold_word, text)
    latin = len(_LATIN.findall(text))
    return _WORDS.sub(_fold_twin, text) if latin >= _MIN_LATIN_SHARE * (latin + foreign) else text


def _fold_twin(match: re.Match[str]) -> str:
    word = match.group()
    return word.translate(_LOOKALIKES) if not word.isascii() and _TWINS.issuperset(word) else word


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
