"""Working hours of teams that differ from the company's."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from itaca.cases.closures import Closures, read_closures
from itaca.cases.deadlines import Calendar
from itaca.cases.hours import read_hours
from itaca.errors import PermanentError
from itaca.storage.tables import people, team_calendars
from itaca.storage.upsert import upsert


def set_team_calendar(
    conn: Connection,
    team_id: str,
    hours: str,
    *,
    country: str = "IT",
    zone: str = "Europe/Rome",
    province: str = "",
    closed_days: Sequence[str] = (),
) -> Calendar:
    """Give a team its hours; promises made from now on follow them.

    Args:
        hours: such as ``mon-fri 9-13 14-18; sat 9-12``.
        province: its holidays too, with its patron saint; for Italy the plate, such as MI.
        closed_days: ``12-07`` for every year, ``2026-08-14`` for one.

    Raises:
        PermanentError: hours, zone, province or a day cannot be read; (from the database's door) no such team.
    """
    closures = read_closures(country, province, closed_days)
    calendar = _calendar(hours, zone, closures)
    row = {
        "team_id": team_id,
        "hours": calendar.hours.says,
        "country": country,
        "zone": zone,
        "province": province,
        "closed_days": closures.own_days(),
    }
    conn.execute(upsert(conn, team_calendars, replace=tuple(name for name in row if name != "team_id")), row)
    return calendar


def drop_team_calendar(conn: Connection, team_id: str) -> bool:
    """Let a team work by the company's hours again; return False where it did already."""
    return conn.execute(delete(team_calendars).where(team_calendars.c.team_id == team_id)).rowcount > 0


def calendar_of_person(conn: Connection, person_id: str | None) -> Calendar | None:
    """Return the calendar of somebody's team; None where it is the company's."""
    query = select(team_calendars).join(people, people.c.team_id == team_calendars.c.team_id)
    row = conn.execute(query.where(people.c.id == person_id)).one_or_none()
    return None if row is None else calendar_of(row)


def calendar_of(row: Row[Any]) -> Calendar | None:
    """Return the calendar of a row of ``team_calendars``; None where an outer join found none."""
    if row.hours is None:
        return None
    return _built(row.hours, row.zone, row.country, row.province, tuple(row.closed_days))


@lru_cache(maxsize=256)
def _built(hours: str, zone: str, country: str, province: str, closed_days: tuple[str, ...]) -> Calendar:
    """Build a calendar once: rosters are loaded for every batch of mails."""
    return _calendar(hours, zone, read_closures(country, province, closed_days))


def _calendar(hours: str, zone: str, closures: Closures) -> Calendar:
    try:
        return Calendar(zone=zone, hours=read_hours(hours), closures=closures)
    except (KeyError, ValueError) as error:
        raise PermanentError(f"nobody knows the time zone {zone!r}; write one such as Europe/Rome") from error
