"""The lexicon of speech acts: what people say when they protest, end, order, ask or thank, in five languages.

The data files in ``lexicon/`` hold entries; an entry is one idea with its phrases per language. A phrase is a
row of folded words; ``*`` at the end of a word stands for any ending, ``..`` between words for up to four words.
All languages share the entries, so what the model learns of an idea in one language holds in the others.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from itaca.errors import PermanentError
from services.classifier.text import fold, words

LANGUAGES = ("it", "en", "de", "fr", "es")
FOLDER = Path(__file__).parent / "lexicon"
MAX_GAP = 4
_GAP = ".."
_MEMO_LIMIT = 200_000


@dataclass(frozen=True)
class Phrase:
    """One wording of an entry: word patterns, with True in ``gaps`` where words may stand in between."""

    entry: str
    patterns: tuple[str, ...]
    gaps: tuple[bool, ...]


class Hit(NamedTuple):
    """An entry found: ``first`` and ``last`` are the places of its words, both included."""

    entry: str
    first: int
    last: int


def parse_phrase(entry: str, text: str) -> Phrase:
    """Read one wording; the star stays, everything else is folded as the mail will be."""
    patterns: list[str] = []
    gaps: list[bool] = []
    gap = False
    for piece in text.split():
        if piece == _GAP:
            gap = True
            continue
        stem = piece.removesuffix("*")
        parts = words(fold(stem))
        if not parts:
            raise PermanentError(f"lexicon entry {entry}: {text!r} holds a word without letters")
        parts[-1] += "*" if piece.endswith("*") else ""
        patterns.extend(parts)
        gaps.extend([gap] + [False] * (len(parts) - 1))
        gap = False
    return Phrase(entry, tuple(patterns), tuple(gaps))


@dataclass(frozen=True)
class _Known:
    """What is known of a word: the patterns it fits, the entries it is by itself, the phrases it may begin."""

    fits: frozenset[str]
    entries: tuple[str, ...]
    phrases: tuple[Phrase, ...]


class _Table:
    """The phrases of one language, found by the first word they can begin with."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_first: dict[str, list[Phrase]] = {}
        patterns: set[str] = set()
        for phrase in phrases:
            self._by_first.setdefault(phrase.patterns[0], []).append(phrase)
            patterns.update(phrase.patterns)
        self._exact = {pattern for pattern in patterns if not pattern.endswith("*")}
        self._stems = {pattern[:-1] for pattern in patterns if pattern.endswith("*")}
        self._memo: dict[str, _Known] = {}

    def _look_up(self, word: str) -> _Known:
        """Work out what is known of a word, and remember it."""
        fits = {word} if word in self._exact else set()
        fits.update(word[:n] + "*" for n in range(1, len(word) + 1) if word[:n] in self._stems)
        phrases = [phrase for fit in sorted(fits) for phrase in self._by_first.get(fit, ())]
        single = tuple(phrase.entry for phrase in phrases if len(phrase.patterns) == 1)
        known = _Known(frozenset(fits), single, tuple(phrase for phrase in phrases if len(phrase.patterns) > 1))
        if len(self._memo) < _MEMO_LIMIT:
            self._memo[word] = known
        return known

    def hits(self, row: Sequence[str]) -> Iterator[Hit]:
        """Yield the hits in a row of words; phrases whose last word stands nowhere in it cost next to nothing."""
        memo = self._memo
        known = [memo.get(word) or self._look_up(word) for word in row]
        fits = [one.fits for one in known]
        present = frozenset().union(*fits)
        for place, one in enumerate(known):
            for entry in one.entries:
                yield Hit(entry, place, place)
            for phrase in one.phrases:
                if phrase.patterns[-1] in present and (last := _last_place(phrase, row, fits, place)) >= 0:
                    yield Hit(phrase.entry, place, last)


def _last_place(phrase: Phrase, row: Sequence[str], fits: Sequence[frozenset[str]], place: int) -> int:
    """Return where the phrase ends if it begins at ``place``, or -1."""
    for pattern, gap in zip(phrase.patterns[1:], phrase.gaps[1:], strict=True):
        reach = MAX_GAP + 1 if gap else 1
        for step in range(1, reach + 1):
            if place + step >= len(row):
                return -1
            if pattern in fits[place + step]:
                place += step
                break
        else:
            return -1
    return place


class Lexicon:
    """All entries of all languages; finding is pure and does not depend on what was read before."""

    def __init__(self, phrases: Mapping[str, Iterable[Phrase]], about: Mapping[str, str]) -> None:
        self.about = dict(about)
        self._tables = {language: _Table(phrases.get(language, ())) for language in LANGUAGES}

    def find(self, rows: Sequence[Sequence[str]], language: str = "") -> list[list[Hit]]:
        """Return, for each sentence given as a row of folded words, the hits in it, in order.

        The language that the caller believes in is tried first; where it finds nothing, or is unknown, the
        language with most hits wins. So a short or mixed mail, whose language nobody can tell, is still read.
        """
        believed = self._tables.get(language)
        if believed is not None:
            found = [list(believed.hits(row)) for row in rows]
            if any(found):
                return found
        readings = [[list(table.hits(row)) for row in rows] for table in self._tables.values()]
        return max(readings, key=lambda reading: sum(map(len, reading)))


def load_lexicon(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Read the entries of every ``*.toml`` of the folder, as they stand.

    Raises:
        PermanentError: a file is no TOML, or an entry stands twice.
    """
    entries: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PermanentError(f"lexicon file {path.name} cannot be read: {error}") from error
        for name, entry in found.items():
            if name in entries:
                raise PermanentError(f"lexicon entry {name} stands twice, again in {path.name}")
            entries[name] = {key: " ".join(text.split()) for key, text in entry.items()}
    return entries


def build_lexicon(entries: Mapping[str, Mapping[str, str]]) -> Lexicon:
    """Make the lexicon from its entries.

    Raises:
        PermanentError: an entry has no ``about`` or names an unknown language.
    """
    phrases: dict[str, list[Phrase]] = {language: [] for language in LANGUAGES}
    about: dict[str, str] = {}
    for name, entry in entries.items():
        about[name] = _read_entry(name, entry, phrases)
    return Lexicon(phrases, about)


def _read_entry(name: str, entry: Mapping[str, str], phrases: dict[str, list[Phrase]]) -> str:
    """Add the phrases of one entry and return what it is about."""
    if not entry.get("about"):
        raise PermanentError(f"lexicon entry {name} does not say what it is about")
    for language, text in entry.items():
        if language == "about":
            continue
        if language not in phrases:
            raise PermanentError(f"lexicon entry {name} names the unknown language {language}")
        phrases[language].extend(parse_phrase(name, piece) for piece in text.split(";") if piece.strip())
    return entry["about"]
