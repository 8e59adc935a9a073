"""Who can own a case: people, their teams and who is at work today."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from itaca.cases.deadlines import Calendar
from itaca.contracts.ids import PersonId
from itaca.contracts.intents import CaseKind


@dataclass(frozen=True)
class Person:
    """Somebody who answers for cases. ``languages`` are two-letter codes; empty means any."""

    id: PersonId
    name: str
    email: str
    team_id: str
    languages: tuple[str, ...] = ()
    lead_id: PersonId | None = None
    is_active: bool = True
    is_present: bool = True
    open_cases: int = 0

    @property
    def is_at_work(self) -> bool:
        """Say whether this person can act today: neither away nor gone for good."""
        return self.is_active and self.is_present


@dataclass(frozen=True)
class Team:
    """People who handle certain kinds of case; no kinds means all of them. ``calendar`` None is the company's."""

    id: str
    name: str
    kinds: tuple[CaseKind, ...] = ()
    calendar: Calendar | None = field(default=None, compare=False)

    def handles(self, kind: CaseKind) -> bool:
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True)
class Roster:
    """Everybody who may own a case today, with their load; ``people`` is never empty in a running Itaca."""

    people: Mapping[PersonId, Person]
    teams: Mapping[str, Team]

    def active(self) -> Sequence[Person]:
        return [p for p in self.people.values() if p.is_active]

    def leads(self) -> frozenset[PersonId]:
        """Return everybody who leads somebody active."""
        return frozenset(p.lead_id for p in self.active() if p.lead_id is not None)

    def calendar_of(self, person_id: PersonId | None) -> Calendar | None:
        """Return the calendar of somebody's team; None where it is the company's."""
        person = self.people.get(person_id) if person_id else None
        team = self.teams.get(person.team_id) if person else None
        return team.calendar if team else None

    def with_one_more(self, owner: PersonId) -> "Roster":
        """Return the roster after this person was given one more case."""
        person = self.people[owner]
        busier = replace(person, open_cases=person.open_cases + 1)
        return Roster({**self.people, owner: busier}, self.teams)

    def chain(self, owner: PersonId) -> list[Person]:
        """Return the owner and everyone above, in order; a ring of leads ends where it would repeat."""
        chain: list[Person] = []
        next_id: PersonId | None = owner
        while next_id is not None and next_id in self.people and self.people[next_id] not in chain:
            chain.append(self.people[next_id])
            next_id = self.people[next_id].lead_id
        return chain
