"""Who stands above whom, and what those who lead may set for their people and for their team."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from itaca.cases.people import Person, Roster
from itaca.cases.roles import Right, Role, may
from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError

NO_SELF = "nobody leads themselves"
NO_CIRCLE = "the chain would run in a circle: this person is led by the other one"
NOBODY = "nobody active has this id"


@dataclass(frozen=True)
class Place:
    """One person in the chain of escalation, and those who are led by them, by name."""

    person: Person
    below: Sequence["Place"]


def is_led_by(roster: Roster, person_id: PersonId, lead_id: PersonId) -> bool:
    """Say whether ``lead_id`` stands anywhere above this person."""
    return any(above.id == lead_id for above in roster.chain(person_id)[1:])


def check_lead(roster: Roster, person_id: PersonId, lead_id: PersonId) -> None:
    """Refuse a lead with whom the chain of escalation would have no top.

    Raises:
        PermanentError: it is the person, somebody below them, or nobody active.
    """
    lead = roster.people.get(lead_id)
    if lead_id == person_id:
        raise PermanentError(NO_SELF)
    if lead is None or not lead.is_active:
        raise PermanentError(NOBODY)
    if is_led_by(roster, lead_id, person_id):
        raise PermanentError(NO_CIRCLE)


def may_note_absence(role: Role, roster: Roster, by: PersonId, person_id: PersonId) -> bool:
    """Say whether somebody may note this person's absence: their own, those they lead; admins anybody's."""
    if by == person_id or may(role, Right.ACCOUNTS):
        return True
    return may(role, Right.ABSENCES) and is_led_by(roster, person_id, by)


def may_set_hours(role: Role, roster: Roster, by: PersonId, team_id: str) -> bool:
    """Say whether somebody may set the hours of this team: leads of their own team, admins of any."""
    person = roster.people.get(by)
    is_own = person is not None and person.team_id == team_id
    return may(role, Right.ACCOUNTS) or (is_own and may(role, Right.ABSENCES))


def chart(roster: Roster) -> list[Place]:
    """Return the chain of escalation from its tops down.

    Whoever left stays in the chart while somebody active is below them: the chain runs through them.
    """
    shown = {above.id for person in roster.active() for above in roster.chain(person.id)}
    below: dict[PersonId | None, list[Person]] = defaultdict(list)
    for person in sorted((roster.people[one] for one in shown), key=lambda one: (one.name, one.id)):
        below[person.lead_id if person.lead_id in shown else None].append(person)
    placed: set[PersonId] = set()
    places = _places(below[None], below, placed)
    # Only a ring of leads, which the desk refuses, is left over.
    for one in sorted(shown):
        if one not in placed:
            places += _places([roster.people[one]], below, placed)
    return places


def _places(
    people: Iterable[Person], below: dict[PersonId | None, list[Person]], placed: set[PersonId]
) -> list[Place]:
    found: list[Place] = []
    for person in people:
        if person.id not in placed:
            placed.add(person.id)
            found.append(Place(person, _places(below[person.id], below, placed)))
    return found
