"""People, teams and absences: who there is, and who may own a case today."""

import random
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, select

from itaca.cases.people import Person, Roster, Team
from itaca.contracts.ids import PersonId, uuid7
from itaca.contracts.intents import CaseKind
from itaca.storage.conditions import is_of_some_kind, is_open_case
from itaca.storage.moments import to_micros
from itaca.storage.tables import absences, cases, people, team_calendars, teams
from itaca.storage.team_calendars import calendar_of
from itaca.storage.upsert import insert_into, upsert

DEFAULT_TEAM = "everybody"


def add_team(connection: Connection, name: str, kinds: Sequence[CaseKind], now: datetime, rng: random.Random) -> Team:
    """Add a team that handles these kinds of case; no kinds means all of them.

    Raises:
        PermanentError: (from the database's door) the name is taken.
    """
    team = Team(uuid7(now, rng), name, tuple(kinds))
    row = {"id": team.id, "name": name, "kinds": [kind.value for kind in kinds]}
    connection.execute(insert_into(teams), row)
    return team


def add_person(
    connection: Connection,
    name: str,
    email: str,
    team_id: str,
    now: datetime,
    rng: random.Random,
    languages: Sequence[str] = (),
    lead_id: PersonId | None = None,
) -> Person:
    """Add somebody who answers for cases; the address is kept in lower case.

    Args:
        languages: two-letter codes; none means any.

    Raises:
        PermanentError: (from the database's door) the address is taken, the name is empty, or the team or
            lead does not exist.
    """
    person = Person(PersonId(uuid7(now, rng)), name, email.lower(), team_id, tuple(languages), lead_id)
    row = {
        "id": person.id,
        "name": name,
        "email": person.email,
        "team_id": team_id,
        "languages": list(languages),
        "lead_id": lead_id,
        "joined_at": to_micros(now),
    }
    connection.execute(insert_into(people), row)
    return person


def ensure_first_owner(
    connection: Connection, email: str, name: str, now: datetime, rng: random.Random
) -> tuple[Person, bool]:
    """Return who has been active longest, and False; with nobody there, add this person to a team for everything.

    So a case always finds an owner, from the first start on.
    """
    oldest = select(people).where(people.c.is_active).order_by(people.c.joined_at, people.c.id).limit(1)
    row = connection.execute(oldest).one_or_none()
    if row is not None:
        return _person(row), False
    team = _team_named(connection, DEFAULT_TEAM) or add_team(connection, DEFAULT_TEAM, (), now, rng)
    return add_person(connection, name, email, team.id, now, rng), True


def list_people(connection: Connection) -> list[Person]:
    """Return everybody, also those who left, by name; presence and load are those of ``load_roster``."""
    return [_person(row) for row in connection.execute(select(people).order_by(people.c.name, people.c.id))]


def list_teams(connection: Connection) -> list[Team]:
    """Return every team by name."""
    return [_team(row) for row in connection.execute(_teams())]


def set_absence(connection: Connection, person_id: PersonId, first_day: date, last_day: date) -> None:
    """Note that somebody is away from ``first_day`` to ``last_day``, both included; the same first day replaces.

    Raises:
        PermanentError: (from the database's door) nobody has this id, or the days are in the wrong order.
    """
    row = {"person_id": person_id, "first_day": first_day, "last_day": last_day}
    connection.execute(upsert(connection, absences, replace=("last_day",)), row)


def load_roster(connection: Connection, today: date) -> Roster:
    """Return everybody with presence on ``today`` (a day of the company) and the number of open cases.

    The load is counted in the index of open cases, whatever the number of closed ones.
    """
    return Roster(
        people={
            PersonId(row.id): _person(row, is_present=not row.is_away, open_cases=row.open_cases)
            for row in connection.execute(_everybody(), {"today": today})
        },
        teams={team.id: team for team in list_teams(connection)},
    )


@cache
def _everybody() -> Select[Any]:
    """Statements of the hot path are built once: building one takes longer than running it."""
    begun, not_over = absences.c.first_day <= bindparam("today"), absences.c.last_day >= bindparam("today")
    is_away = exists().where(absences.c.person_id == people.c.id, begun, not_over)
    load = select(func.count()).where(is_open_case(), is_of_some_kind(), cases.c.owner_id == people.c.id)
    columns = select(people, is_away.label("is_away"), load.scalar_subquery().label("open_cases"))
    return columns.order_by(people.c.joined_at, people.c.id)


@cache
def _teams() -> Select[Any]:
    own_hours = team_calendars.c.team_id == teams.c.id
    return select(teams, team_calendars).outerjoin(team_calendars, own_hours).order_by(teams.c.name)


def _team_named(connection: Connection, name: str) -> Team | None:
    row = connection.execute(_teams().where(teams.c.name == name)).one_or_none()
    return None if row is None else _team(row)


def _team(row: Row[tuple[object, ...]]) -> Team:
    return Team(row.id, row.name, tuple(CaseKind(kind) for kind in row.kinds), calendar_of(row))


def _person(row: Row[tuple[object, ...]], is_present: bool = True, open_cases: int = 0) -> Person:
    return Person(
        id=PersonId(row.id),
        name=row.name,
        email=row.email,
        team_id=row.team_id,
        languages=tuple(row.languages),
        lead_id=None if row.lead_id is None else PersonId(row.lead_id),
        is_active=row.is_active,
        is_present=is_present,
        open_cases=open_cases,
    )
