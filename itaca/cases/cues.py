"""Words that change what a contact means: a lawyer, a regulator, the press, an earlier cancellation."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EARLIER_CANCELLATION = "earlier_cancellation"
_MAX_CHARACTERS = 20_000


@dataclass(frozen=True)
class Cue:
    """One table of ``cues.toml``: what the history says, and how it is recognised."""

    name: str
    says: str
    pattern: re.Pattern[str]
    domains: tuple[str, ...]


@cache
def load_cues() -> Mapping[str, Cue]:
    """Read the cues that come with Itaca; they are compiled once."""
    tables = tomllib.loads((files("itaca.cases") / "cues.toml").read_text(encoding="utf-8"))
    return {
        name: Cue(name, table["says"], _pattern(table["words"]), tuple(table["domains"]))
        for name, table in tables.items()
    }


def find_cues(text: str, addresses: Iterable[str]) -> list[Cue]:
    """Return the cues found in the first 20,000 characters of the text or among the addresses' domains."""
    folded = fold(text[:_MAX_CHARACTERS])
    labels = {part for address in addresses for part in re.split(r"[@.\-_]", address.lower())}
    return [c for c in load_cues().values() if c.pattern.search(folded) or labels.intersection(c.domains)]


def fold(text: str) -> str:
    """Return the text in lower case without accents, runs of white space as one space."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", bare)


def _pattern(words: list[str]) -> re.Pattern[str]:
    alternatives = (re.escape(fold(word)).replace(r"\*", r"\w*") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")
