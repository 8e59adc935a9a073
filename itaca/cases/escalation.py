"""Who learns of it: a broken promise goes one level up the owner's chain, and to somebody who is at work."""

from collections.abc import Sequence
from dataclasses import dataclass

from itaca.cases.people import Person, Roster
from itaca.contracts.ids import PersonId


@dataclass(frozen=True)
class Escalation:
    """``level`` is the new level; ``told`` who learns of it; ``is_at_top`` that nobody stands above."""

    level: int
    told: tuple[PersonId, ...]
    is_at_top: bool


def escalate(roster: Roster, owner: PersonId, level: int) -> Escalation:
    """Return what a broken promise does to a case of this owner that stood at ``level``.

    The owner is told always, and whoever stands at the new level; where that person is away, everybody above is
    asked in turn until one is at work. At the end of the chain the level stays and its last person is told again.
    """
    reached = capped(roster, owner, level + 1)
    told = _told(roster.chain(owner), reached, reached)
    return Escalation(reached, told, reached == capped(roster, owner, reached + 1))


def reached_by_contact(roster: Roster, owner: PersonId, before: int, now: int) -> tuple[PersonId, ...]:
    """Return the owner, and those of the chain who learn of the case for the first time at level ``now``.

    Args:
        before: the level until this contact; -1 for a new case.
    """
    return _told(roster.chain(owner), max(before + 1, 1), now)


def capped(roster: Roster, owner: PersonId, level: int) -> int:
    """Return the level, at most the end of the owner's chain."""
    return min(level, max(len(roster.chain(owner)) - 1, 0))


def _told(chain: Sequence[Person], first: int, last: int) -> tuple[PersonId, ...]:
    """Return the owner, the levels ``first`` to ``last``, and those above while nobody of these is at work."""
    told = list(chain[first : last + 1])
    for person in chain[last + 1 :]:
        if not told or any(p.is_at_work for p in told):
            break
        told.append(person)
    return tuple(dict.fromkeys(p.id for p in [*chain[:1], *told]))
