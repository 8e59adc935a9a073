"""How loud a case is, with the reasons in words that its owner reads.

The rule (DESIGN.md, "Several intents, several matters"): a second contact lets the owner's lead know, a third the
next in the chain; a lawyer, a regulator, a consumer association or the press goes to the top of the chain at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from itaca.cases.cues import EARLIER_CANCELLATION, Cue

TOP = 99
"""The level that means the end of the chain, however long it is."""
_CAPITALS_SHARE = 0.7
_CAPITALS_AT_LEAST = 20


@dataclass(frozen=True)
class Contact:
    """What counts of one mail on one matter. ``number`` is 1 for the first contact."""

    number: int
    cues: Sequence[Cue] = ()
    is_in_capitals: bool = False
    is_violation: bool = False


@dataclass(frozen=True)
class Severity:
    """``level``: how far up the chain people know (0: the owner only). ``score``: for sorting, from 1."""

    level: int
    score: int
    reasons: tuple[str, ...]


def assess(contact: Contact, level: int = 0, score: int = 0) -> Severity:
    """Return the severity after this contact; it never falls below what it was.

    A violated cancellation stands one level higher than before, or where the number of contacts puts it.
    """
    reasons: list[str] = []
    level = max(level + contact.is_violation, contact.number - 1)
    if contact.number > 1:
        score += 2
        reasons.append(f"contact number {contact.number} on this matter")
    if contact.is_violation:
        score += 3
        reasons.append("something happened after the cancellation took effect")
    if contact.is_in_capitals:
        score += 1
        reasons.append("written in capitals")
    for cue in contact.cues:
        if cue.name != EARLIER_CANCELLATION:
            level = TOP
            score += 5
            reasons.append(cue.says)
    return Severity(min(level, TOP), max(score, 1), tuple(reasons))


def is_in_capitals(text: str) -> bool:
    """Say whether most letters are capitals, in a text that has enough of them to mean it."""
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    return capitals >= _CAPITALS_AT_LEAST and capitals >= _CAPITALS_SHARE * len(letters)
