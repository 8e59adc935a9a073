"""Patterns for customer codes, order and contract numbers: read from a TOML file, safe by construction."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from itaca.errors import ConfigurationError
from itaca.mail.model import EntityKind

DEFAULT_FILE = Path(__file__).with_name("entities.toml")
MAX_CODE_CHARS = 40
_KEYS = frozenset({"kind", "words", "min_length", "max_length", "letters", "shapes"})
_MAX_WORDS = 200
_CONNECTING_WORDS = r"\b(?:n[º°]|nr|no|num|numero|number|nummer|numéro|número|ref|rif|id|del|di|n)\b\.?"
_CONNECTOR = rf"(?:\s{{0,3}}(?:{_CONNECTING_WORDS}|[º°:#№.,(])){{0,4}}\s{{0,3}}"
_SHAPE_CLASSES = {"9": r"\d", "A": "[a-z]", "X": r"[a-z\d]"}


@dataclass(frozen=True, slots=True)
class EntityPattern:
    """One pattern, for text in lower case; its expression has bounded repeats only and one group, the code."""

    kind: EntityKind
    expression: re.Pattern[str]
    min_length: int = 1
    needs_digit: bool = True


@cache
def default_patterns() -> tuple[EntityPattern, ...]:
    """Return the patterns of the file that comes with Itaca."""
    return load_patterns(DEFAULT_FILE)


def load_patterns(path: Path) -> tuple[EntityPattern, ...]:
    """Read patterns from a TOML file as ``entities.toml`` explains them.

    Raises:
        ConfigurationError: the file cannot be read, or patterns are wrong; every problem is named at once.
    """
    where = f"ITACA_ENTITIES_FILE: entities file {path.name}"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError([f"{where}: {error}"]) from error
    problems: list[str] = []
    patterns: list[EntityPattern] = []
    entries = document.get("pattern", [])
    if not isinstance(entries, list) or set(document) - {"pattern"}:
        problems.append(f"{where}: only [[pattern]] tables are known")
        entries = []
    for number, entry in enumerate(entries, 1):
        found = _problems_of(entry)
        problems += [f"{where}, pattern {number}: {problem}" for problem in found]
        if not found:
            patterns += _compile(entry)
    if problems:
        raise ConfigurationError(problems)
    return tuple(patterns)


def _problems_of(entry: object) -> list[str]:
    if not isinstance(entry, Mapping):
        return ["is no table"]
    problems = [f"unknown key {key!r}" for key in sorted(set(entry) - _KEYS)]
    if entry.get("kind") not in [kind.value for kind in EntityKind]:
        problems.append(f"kind must be one of {', '.join(kind.value for kind in EntityKind)}")
    problems += _list_problems(entry, "words") + _list_problems(entry, "shapes")
    if not entry.get("words") and not entry.get("shapes"):
        problems.append("needs words or shapes")
    return problems + _length_problems(entry)


def _list_problems(entry: Mapping[str, object], key: str) -> list[str]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return [f"{key} must be a list of texts"]
    if len(values) > _MAX_WORDS:
        return [f"{key} holds more than {_MAX_WORDS} entries"]
    wrong = [value for value in values if not value.strip() or len(value) > MAX_CODE_CHARS]
    problems = [f"{key}: {value!r} must have 1 to {MAX_CODE_CHARS} characters" for value in wrong]
    if key == "shapes":
        problems += [
            f"shapes: {v!r} needs a 9, an A or an X" for v in values if v.strip() and not set(v) & set("9AX")
        ]
    return problems


def _length_problems(entry: Mapping[str, object]) -> list[str]:
    shortest, longest = entry.get("min_length", 3), entry.get("max_length", 24)
    if type(shortest) is not int or type(longest) is not int:
        return ["min_length and max_length must be whole numbers"]
    problems = [] if isinstance(entry.get("letters", True), bool) else ["letters must be true or false"]
    if not 1 <= shortest <= longest <= MAX_CODE_CHARS:
        problems.append(f"lengths must satisfy 1 <= min_length <= max_length <= {MAX_CODE_CHARS}")
    return problems


def _compile(entry: Mapping[str, object]) -> list[EntityPattern]:
    kind = EntityKind(str(entry["kind"]))
    words, shapes = entry.get("words", []), entry.get("shapes", [])
    compiled: list[EntityPattern] = []
    if isinstance(words, list) and words:
        shortest, longest = int(str(entry.get("min_length", 3))), int(str(entry.get("max_length", 24)))
        expression = _word_expression(words, longest, bool(entry.get("letters", True)))
        compiled.append(EntityPattern(kind, expression, shortest))
    if isinstance(shapes, list):
        compiled += [EntityPattern(kind, _shape_expression(shape), needs_digit=False) for shape in shapes]
    return compiled


def _word_expression(words: list[str], longest: int, letters: bool) -> re.Pattern[str]:
    alternatives = "|".join(_word(word) for word in sorted(words, key=len, reverse=True))
    first = r"[a-z\d]" if letters else r"\d"
    code = rf"{first}(?:[/._-]?{first}){{0,{longest - 1}}}"
    # Nothing stands before the words, which makes the search fast; that they begin a word is checked afterwards.
    return re.compile(rf"(?:{alternatives}){_CONNECTOR}(?<!\w)({code})(?![\w@]|[/._-]\w)")


def _word(word: str) -> str:
    """Make dots optional and white space free in what people write before a code."""
    pieces = [
        re.escape(piece.rstrip(".")) + (r"\.?" if piece.endswith(".") else "") for piece in word.lower().split()
    ]
    return r"\s{1,3}".join(pieces) + (r"\b" if word[-1:].isalnum() else "")


def _shape_expression(shape: str) -> re.Pattern[str]:
    body = "".join(_SHAPE_CLASSES.get(character, re.escape(character.lower())) for character in shape)
    return re.compile(rf"({body})(?![a-z\d-])")
