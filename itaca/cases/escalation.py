"""A broken promise gets louder: one level up the owner's chain, and the next present person is told."""

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
    chain = roster.chain(owner)
    top = max(len(chain) - 1, 0)
    reached = min(level + 1, top)
    return Escalation(reached, _told(chain, reached), reached == top)


def _told(chain: list[Person], level: int) -> tuple[PersonId, ...]:
    above = chain[level:]
    until_present: list[Person] = []
    for person in above:
        until_present.append(person)
        if person.is_present:
            break
    return tuple(dict.fromkeys(p.id for p in [*chain[:1], *until_present]))
