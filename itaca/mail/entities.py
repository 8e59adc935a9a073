"""Customer codes, order and contract numbers and case references found in a mail."""

import re
from collections.abc import Iterable

from itaca.mail.entity_patterns import EntityPattern
from itaca.mail.limits import DEFAULT_LIMITS, Limits
from itaca.mail.model import Entity, EntityKind

_REFERENCE = re.compile(r"^IT-?([0-9A-Z]{5})-?([0-9A-Z]{5})$")
_BARE_REFERENCE = re.compile(r"^([0-9A-Z]{5})-?([0-9A-Z]{5})$")
_LOOKALIKES = str.maketrans("ILO", "110")
_NOT_IN_REFERENCES = frozenset("U")
_DATE = re.compile(r"^(?:\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?|(?:19|20)\d\d)$")
_NUMBER = re.compile(r"\d\S{0,60}")
_WORDS_CHARS = 100
"""How far before its first digit the words of a code may begin, the code's own letters included."""
_TRAILING = re.compile(r"[/._-]+$")


def find_entities(
    subject: str,
    text: str,
    recipients: Iterable[str],
    patterns: tuple[EntityPattern, ...],
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[Entity, ...]:
    """Return the codes of a mail in the order they stand, each once; at most ``limits.entities``.

    Args:
        subject: looked at first.
        text: the new text; its first ``limits.entity_chars`` characters are looked at.
        recipients: addresses; a plus tag that is one of our case references counts.
    """
    found: dict[tuple[EntityKind, str], Entity] = {}
    for value in _tagged_references(recipients):
        _keep(found, EntityKind.CASE_REFERENCE, value)
    searched = f"{subject[: limits.subject_chars]}\n{text[: limits.entity_chars]}".lower()
    windows = _windows(searched)
    for pattern in patterns:
        areas = windows if pattern.needs_digit else [(0, len(searched))]
        for match in (m for start, end in areas for m in pattern.expression.finditer(searched, start, end)):
            value = _normalised(match[1], pattern)
            if value and not _is_inside_word(searched, match.start()):
                _keep(found, pattern.kind, value)
            if len(found) >= limits.entities:
                return tuple(found.values())
    return tuple(found.values())


def _is_inside_word(text: str, position: int) -> bool:
    return position > 0 and (text[position - 1].isalnum() or text[position - 1] in "_-")


def _windows(text: str) -> list[tuple[int, int]]:
    """Return the stretches around digits: most of a mail holds none and need not be searched for codes."""
    windows: list[tuple[int, int]] = []
    for match in _NUMBER.finditer(text):
        start, end = max(0, match.start() - _WORDS_CHARS), match.end()
        if windows and start <= windows[-1][1]:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return windows


def reference_of(text: str) -> str:
    """Return a case reference in its one spelling (``IT-XXXXX-XXXXX``), or ``""``.

    Letters that Crockford's base 32 leaves out are read as people mean them: I and L as 1, O as 0.
    """
    match = _REFERENCE.match(text.strip().upper())
    if match is None:
        return ""
    groups = [group.translate(_LOOKALIKES) for group in match.groups()]
    return "" if _NOT_IN_REFERENCES & set("".join(groups)) else f"IT-{groups[0]}-{groups[1]}"


def _keep(found: dict[tuple[EntityKind, str], Entity], kind: EntityKind, value: str) -> None:
    found.setdefault((kind, value), Entity(kind=kind, value=value))


def _normalised(code: str, pattern: EntityPattern) -> str:
    value = _TRAILING.sub("", code.upper())
    if pattern.kind is EntityKind.CASE_REFERENCE:
        return reference_of(value) if value.startswith("IT-") else value
    if _DATE.match(value) or (value.startswith("IT-") and reference_of(value)):
        return ""
    digits_and_letters = sum(character.isalnum() for character in value)
    if digits_and_letters < pattern.min_length or (pattern.needs_digit and not any(c.isdigit() for c in value)):
        return ""
    return value


def _tagged_references(recipients: Iterable[str]) -> list[str]:
    """Read ``reclami+it-7k3f2-9q0xz@...`` and ``reclami+7k3f29q0xz@...``."""
    found: list[str] = []
    for address in recipients:
        tag = address.rpartition("@")[0].partition("+")[2].upper()
        bare = _BARE_REFERENCE.match(tag)
        reference = reference_of(tag) or (reference_of(f"IT-{bare[1]}-{bare[2]}") if bare else "")
        if reference:
            found.append(reference)
    return found
