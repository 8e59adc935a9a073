"""People as the desk shows them: where they belong, whether they are here, what they look after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, delete, select

from itaca.cases.people import Person, Roster
from itaca.cases.roles import Role
from itaca.contracts.ids import PersonId
from itaca.storage.accounts import Account, list_accounts
from itaca.storage.people import load_roster
from itaca.storage.tables import absences


@dataclass(frozen=True)
class Absence:
    """Days on which somebody is away, both included."""

    first_day: date
    last_day: date


@dataclass(frozen=True)
class Colleague:
    """One person with everything around them; ``account`` is None for somebody without a sign-in."""

    person: Person
    team: str
    lead: str
    account: Account | None
    absences: Sequence[Absence]

    @property
    def role(self) -> Role | None:
        return self.account.role if self.account else None


def list_colleagues(conn: Connection, today: date) -> list[Colleague]:
    """Return everybody by name, also those who left, with the absences that are not over."""
    roster, accounts, away = load_roster(conn, today), list_accounts(conn), _absences(conn, today)
    known = sorted(roster.people.values(), key=lambda person: (person.name, person.id))
    return [_colleague(person, roster, accounts, away) for person in known]


def find_colleague(conn: Connection, person_id: str, today: date) -> Colleague | None:
    """Return one person, also one who left; None if nobody has this id."""
    roster = load_roster(conn, today)
    person = roster.people.get(PersonId(person_id))
    return None if person is None else _colleague(person, roster, list_accounts(conn), _absences(conn, today))


def end_absence(conn: Connection, person_id: PersonId, first_day: date) -> bool:
    """Strike an absence that begins on this day; return False if there is none."""
    own = (absences.c.person_id == person_id) & (absences.c.first_day == first_day)
    return conn.execute(delete(absences).where(own)).rowcount > 0


def _absences(conn: Connection, today: date) -> dict[PersonId, list[Absence]]:
    query = select(absences).where(absences.c.last_day >= today).order_by(absences.c.first_day)
    found: dict[PersonId, list[Absence]] = {}
    for row in conn.execute(query):
        found.setdefault(PersonId(row.person_id), []).append(Absence(row.first_day, row.last_day))
    return found


def _colleague(
    person: Person,
    roster: Roster,
    accounts: Mapping[PersonId, Account],
    away: Mapping[PersonId, Sequence[Absence]],
) -> Colleague:
    lead = roster.people[person.lead_id].name if person.lead_id and person.lead_id in roster.people else ""
    team = roster.teams[person.team_id].name
    return Colleague(person, team, lead, accounts.get(person.id), away.get(person.id, ()))
