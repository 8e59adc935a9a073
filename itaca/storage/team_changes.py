"""Changes of teams: their name, what they take, and when they work; each written down with who did it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, update

from itaca.cases.people import Team
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.storage.desk_events import DoorEvent
from itaca.storage.people import add_team, list_teams
from itaca.storage.staff import ARROW, NO_TEAM, Change, OutdatedError, fingerprint, one_at_a_time
from itaca.storage.tables import teams
from itaca.storage.team_calendars import drop_team_calendar, set_team_calendar

SAME_NAME = "another team has this name"
NAMELESS = "a team needs a name"


@dataclass(frozen=True)
class Timetable:
    """When a team works, as ``set_team_calendar`` reads it; empty ``hours`` are the company's."""

    hours: str
    country: str = "IT"
    province: str = ""
    closed_days: Sequence[str] = ()
    zone: str = "Europe/Rome"

    @classmethod
    def of(cls, team: Team) -> "Timetable":
        """Return the timetable that a team has."""
        if team.calendar is None:
            return cls("")
        own, closures = team.calendar, team.calendar.closures
        return cls(own.hours.says, closures.country, closures.province, closures.own_days(), own.zone.key)


def team_version(team: Team) -> str:
    """Return the version of a team as a page shows it."""
    own = Timetable.of(team)
    return fingerprint(team.name, team.kinds, own.hours, own.country, own.province, list(own.closed_days), own.zone)


def found_team(conn: Connection, change: Change, name: str, kinds: Sequence[CaseKind]) -> Team:
    """Add a team.

    Raises:
        PermanentError: it has no name, or another team has it.
    """
    one_at_a_time(conn)
    _check_name(conn, name, "")
    team = add_team(conn, name, kinds, change.now, change.rng)
    change.note(conn, DoorEvent.TEAM_ADDED, None, name)
    return team


def change_team(
    conn: Connection, change: Change, team_id: str, name: str, kinds: Sequence[CaseKind], version: str
) -> None:
    """Change the name of a team and what it takes; no kinds means all.

    Raises:
        OutdatedError: somebody else changed the team meanwhile.
        PermanentError: it has no name, or another team has it.
    """
    team = _hold(conn, team_id, version)
    _check_name(conn, name, team_id)
    values = {"name": name, "kinds": [kind.value for kind in kinds]}
    conn.execute(update(teams).where(teams.c.id == team_id).values(values))
    if (team.name, team.kinds) != (name, tuple(kinds)):
        change.note(conn, DoorEvent.TEAM_CHANGED, None, f"{_said(team.name, team.kinds)}{ARROW}{_said(name, kinds)}")


def set_hours(conn: Connection, change: Change, team_id: str, wanted: Timetable, version: str) -> None:
    """Set when a team works; dates promised from now on follow it.

    Raises:
        OutdatedError: somebody else changed the team meanwhile.
        PermanentError: hours, zone, country, province or a day cannot be read.
    """
    team = _hold(conn, team_id, version)
    if wanted.hours:
        places = {"country": wanted.country, "province": wanted.province, "zone": wanted.zone}
        set_team_calendar(conn, team_id, wanted.hours, closed_days=wanted.closed_days, **places)
    else:
        drop_team_calendar(conn, team_id)
    before, after = _hours_said(Timetable.of(team)), _hours_said(wanted)
    if before != after:
        change.note(conn, DoorEvent.HOURS_SET, None, f"{team.name}: {before}{ARROW}{after}")


def _hold(conn: Connection, team_id: str, version: str) -> Team:
    one_at_a_time(conn)
    team = next((one for one in list_teams(conn) if one.id == team_id), None)
    if team is None:
        raise PermanentError(NO_TEAM)
    if team_version(team) != version:
        raise OutdatedError("the team was changed meanwhile")
    return team


def _check_name(conn: Connection, name: str, but: str) -> None:
    if not name:
        raise PermanentError(NAMELESS)
    if any(one.name == name and one.id != but for one in list_teams(conn)):
        raise PermanentError(SAME_NAME)


def _said(name: str, kinds: Sequence[CaseKind]) -> str:
    return f"{name} ({', '.join(kind.value for kind in kinds)})" if kinds else name


def _hours_said(own: Timetable) -> str:
    if not own.hours:
        return "–"
    return " ".join(filter(None, (own.hours, own.country, own.province, *own.closed_days)))
