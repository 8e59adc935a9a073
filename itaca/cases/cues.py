"""Words that change what a contact means: a lawyer, a regulator, the press, an earlier cancellation."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EARLIER_CANCELLATION = "earlier_cancellation"
EVERY_LANGUAGE = "any"
_MAX_CHARACTERS = 20_000
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`′", "'"))


@dataclass(frozen=True)
class Cue:
    """One table of ``cues.toml``: what the history says, and how it is recognised.

    ``patterns`` are by language; that of ``EVERY_LANGUAGE`` holds for all, the one under ``""`` has every word
    there is, for mail whose language nobody knows.
    """

    name: str
    says: str
    patterns: Mapping[str, re.Pattern[str]]
    domains: frozenset[str]

    def is_in(self, folded: str, language: str) -> bool:
        known = language if language in self.patterns or not language else EVERY_LANGUAGE
        return self.patterns[known].search(folded) is not None


@cache
def load_cues() -> Mapping[str, Cue]:
    """Read the cues that come with Itaca; they are compiled once."""
    tables = tomllib.loads((files("itaca.cases") / "cues.toml").read_text(encoding="utf-8"))
    return {
        name: Cue(name, table["says"], _patterns(table["words"]), frozenset(table["domains"]))
        for name, table in tables.items()
    }


def find_cues(text: str, language: str, addresses: Iterable[str]) -> list[Cue]:
    """Return the cues found in the first 20,000 characters of the text or among the parts of the addresses.

    Args:
        language: two letters; empty where it is not known: then the words of all languages count.
        addresses: foreign ones only; a newspaper's own mailbox says nothing about its readers' complaints.
    """
    folded = fold(text[:_MAX_CHARACTERS])
    labels = {part for address in addresses for part in re.split(r"[@.\-_]", address.lower())}
    return [c for c in load_cues().values() if c.is_in(folded, language) or labels & c.domains]


def fold(text: str) -> str:
    """Return the text in lower case without accents, apostrophes of one shape, runs of white space as one space."""
    straight = text.translate(_APOSTROPHES).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFKD", straight) if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", bare)


def _patterns(words: Mapping[str, list[str]]) -> dict[str, re.Pattern[str]]:
    shared = words[EVERY_LANGUAGE]
    patterns = {language: _pattern([*shared, *own]) for language, own in words.items()}
    return {**patterns, "": _pattern([word for own in words.values() for word in own])}


def _pattern(words: list[str]) -> re.Pattern[str]:
    alternatives = (re.escape(fold(word)).replace(r"\*", r"\w*") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")
