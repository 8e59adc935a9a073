"""The page *Teams*: what each takes, and when it works; and the page of one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.deadlines import Calendar
from itaca.cases.people import Roster
from itaca.cases.roles import Right
from itaca.cases.staff import may_set_hours
from itaca.contracts.intents import CaseKind
from itaca.errors import PermanentError
from itaca.storage.staff import everybody
from itaca.storage.team_changes import Timetable, change_team, found_team, set_hours, team_version
from services.desk import timetables
from services.desk.desk import Desk
from services.desk.door import Administrator, DeskHere, NotFoundError, SignedIn, Visitor, change_by, deny
from services.desk.problems import problem_words
from services.desk.staff_forms import read_kinds, tidy
from services.desk.timetables import UnreadableError
from services.desk.words import Words

router = APIRouter(prefix="/teams")
Text = Annotated[str, Form()]
Many = Annotated[list[str], Form()]


@dataclass
class Attempt:
    """What somebody typed that could not be done, so that it is shown again, and why not."""

    problem: str = ""
    done: str = ""
    typed: dict[str, Any] = field(default_factory=dict)


@router.get("")
async def teams(desk: DeskHere, visitor: SignedIn) -> Response:
    """Show every team."""
    return await _list(desk, visitor, Attempt())


@router.post("")
async def found(
    request: Request,
    desk: DeskHere,
    visitor: Administrator,
    name: Text = "",
    kinds: Many = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Add a team."""
    by, called, takes = change_by(request, visitor), tidy(name), read_kinds(kinds)
    try:
        team = await desk.database.write(lambda conn: found_team(conn, by, called, takes))
    except PermanentError as error:
        said = _why(error, desk.pages.words(visitor.language))
        return await _list(desk, visitor, Attempt(said, typed={"name": called, "kinds": takes}))
    return RedirectResponse(f"/teams/{team.id}?done=added", 303)


@router.get("/{team_id}")
async def team(desk: DeskHere, visitor: SignedIn, team_id: str, done: str = "") -> Response:
    """Show one team."""
    return await _show(desk, visitor, team_id, Attempt(done=done))


@router.post("/{team_id}")
async def change(
    request: Request,
    desk: DeskHere,
    visitor: Administrator,
    team_id: str,
    version: Text = "",
    name: Text = "",
    kinds: Many = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Change the name of a team and what it takes."""
    by, called, takes = change_by(request, visitor), tidy(name), read_kinds(kinds)
    return await _do(
        desk,
        visitor,
        team_id,
        lambda conn: change_team(conn, by, team_id, called, takes, version),
        {"name": called, "kinds": takes},
    )


@router.post("/{team_id}/hours")
async def keep_hours(
    request: Request,
    desk: DeskHere,
    visitor: SignedIn,
    team_id: str,
    version: Text = "",
    whose: Text = "",
    day: Many = [],  # noqa: B006 - FastAPI copies it
    closed: Text = "",
    country: Text = "IT",
    province: Text = "",
    zone: Text = "Europe/Rome",
) -> Response:
    """Set when a team works; dates promised from now on follow it."""
    roster = await desk.database.read(everybody)
    if team_id not in roster.teams:
        raise NotFoundError("there is no such team")
    if not may_set_hours(visitor.account.role, roster, visitor.id, team_id):
        await deny(request, visitor, Right.ABSENCES)
    by = change_by(request, visitor)
    typed = {"day": day, "closed": closed, "country": country, "province": province, "zone": zone, "whose": whose}

    def work(conn: Connection) -> None:
        set_hours(conn, by, team_id, _timetable(typed, visitor.language), version)

    return await _do(desk, visitor, team_id, work, typed)


def _timetable(typed: dict[str, Any], language: str) -> Timetable:
    """Return the timetable that a form says.

    Raises:
        UnreadableError: names what cannot be read.
    """
    if typed["whose"] != "own":
        return Timetable("")
    hours = timetables.read_rows(typed["day"], language)
    if not hours:
        raise UnreadableError(timetables.day_names(language))
    country = typed["country"]
    if country not in dict(timetables.countries(language)):
        raise UnreadableError([country])
    province = timetables.province_code(country, typed["province"])
    if province and province not in dict(timetables.provinces(country)):
        raise UnreadableError([province])
    zone = typed["zone"].strip()
    if zone not in available_timezones():
        raise UnreadableError([zone])
    return Timetable(hours, country, province, timetables.read_closed(typed["closed"]), zone)


async def _do(
    desk: Desk, visitor: Visitor, team_id: str, work: Callable[[Connection], None], typed: dict[str, Any]
) -> Response:
    try:
        await desk.database.write(work)
    except PermanentError as error:
        said = _why(error, desk.pages.words(visitor.language))
        return await _show(desk, visitor, team_id, Attempt(said, typed=typed))
    return RedirectResponse(f"/teams/{team_id}?done=changed", 303)


def _why(error: PermanentError, words: Words) -> str:
    if isinstance(error, UnreadableError):
        return words.say("This cannot be read: %(fields)s.", fields=", ".join(error.fields))
    return problem_words(error, words)


async def _list(desk: Desk, visitor: Visitor, attempt: Attempt) -> Response:
    roster = await desk.database.read(everybody)
    values = _values(desk, visitor, roster, attempt)
    values |= {"teams": sorted(roster.teams.values(), key=lambda one: one.name)}
    return desk.pages.page("teams.html", visitor.language, values, 409 if attempt.problem else 200)


async def _show(desk: Desk, visitor: Visitor, team_id: str, attempt: Attempt) -> Response:
    roster = await desk.database.read(everybody)
    team = roster.teams.get(team_id)
    if team is None:
        raise NotFoundError("there is no such team")
    values = _values(desk, visitor, roster, attempt)
    own = Timetable.of(team)
    shown = {
        "name": team.name,
        "kinds": team.kinds,
        "whose": "own" if team.calendar else "company",
        "day": [row.text for row in timetables.rows_of((team.calendar or desk.policy.calendar).hours, "en")],
        "closed": timetables.closed_words(own.closed_days),
        "country": own.country,
        "province": own.province,
        "zone": own.zone,
    } | attempt.typed
    values |= {"team": team, "version": team_version(team), "shown": shown}
    values |= {"rows": list(zip(timetables.day_names(visitor.language), _seven(shown["day"]), strict=True))}
    values |= {"countries": timetables.countries(visitor.language), "provinces": timetables.provinces(own.country)}
    return desk.pages.page("team.html", visitor.language, values, 409 if attempt.problem else 200)


def _seven(texts: Sequence[str]) -> list[str]:
    return [*texts, *[""] * 7][:7]


def _values(desk: Desk, visitor: Visitor, roster: Roster, attempt: Attempt) -> dict[str, Any]:
    language, role = visitor.language, visitor.account.role

    def said(calendar: Calendar | None) -> str:
        return timetables.hours_words((calendar or desk.policy.calendar).hours, language)

    return {
        "visitor": visitor,
        "here": "people",
        "attempt": attempt,
        "kinds": list(CaseKind),
        "hours_of": said,
        "closed_words": timetables.closed_words,
        "place_of": lambda one: dict(timetables.provinces(one.country)).get(one.province, one.province),
        "country_of": lambda one: dict(timetables.countries(language)).get(one.country, one.country),
        "members": {
            team_id: sorted(one.name for one in roster.active() if one.team_id == team_id) for team_id in roster.teams
        },
        "may_set": {one for one in roster.teams if may_set_hours(role, roster, visitor.id, one)},
    }
