"""The page *People*: who is here, who is away, who left; absences, and what was changed by whom."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right, Role
from itaca.cases.staff import may_note_absence
from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError
from itaca.storage.desk_events import DoorEntry, newest
from itaca.storage.desk_people import list_colleagues
from itaca.storage.staff import (
    Profile,
    add_colleague,
    everybody,
    note_absence,
    person_version,
    strike_absence,
)
from services.desk.desk import Desk
from services.desk.door import Administrator, DeskHere, NotFoundError, SignedIn, Visitor, change_by, deny
from services.desk.problems import problem_words
from services.desk.staff_forms import MOST_OF_ADDRESS, languages_to_choose, read_profile, trail_words
from services.desk.way_in import has_way_in

router = APIRouter()
Text = Annotated[str, Form()]
Many = Annotated[list[str], Form()]


@router.get("/people")
async def people(desk: DeskHere, visitor: SignedIn, done: str = "") -> Response:
    """Show everybody."""
    return await show_people(desk, visitor, done=done)


@router.post("/people")
async def add(
    request: Request,
    desk: DeskHere,
    visitor: Administrator,
    email: Text = "",
    name: Text = "",
    team: Text = "",
    lead: Text = "",
    languages: Many = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Add somebody who answers for cases."""
    change, wanted = change_by(request, visitor), read_profile(name, team, lead, languages)
    try:
        person = await desk.database.write(lambda conn: add_colleague(conn, change, email[:MOST_OF_ADDRESS], wanted))
    except PermanentError as error:
        said = problem_words(error, desk.pages.words(visitor.language))
        return await show_people(desk, visitor, problem=said, typed=wanted, email=email)
    return RedirectResponse(f"/people/{person.id}?done=added", 303)


@router.post("/people/{person_id}/absence")
async def absence(
    request: Request, desk: DeskHere, visitor: SignedIn, person_id: str, first_day: Text = "", last_day: Text = ""
) -> Response:
    """Note that somebody is away: oneself, those one leads, or anybody where the role allows it."""
    await _check_absence(request, desk, visitor, person_id)
    first, last = _day(first_day), _day(last_day)
    words, change = desk.pages.words(visitor.language), change_by(request, visitor)
    if first is None or last is None:
        return await show_people(desk, visitor, problem=words.say("Say the first day and the last one."))
    try:
        await desk.database.write(lambda conn: note_absence(conn, change, PersonId(person_id), first, last))
    except PermanentError as error:
        return await show_people(desk, visitor, problem=problem_words(error, words))
    return RedirectResponse("/people?done=noted", 303)


@router.post("/people/{person_id}/back")
async def strike(
    request: Request, desk: DeskHere, visitor: SignedIn, person_id: str, first_day: Text = ""
) -> Response:
    """Strike an absence."""
    await _check_absence(request, desk, visitor, person_id)
    first, change = _day(first_day), change_by(request, visitor)
    if first is not None:
        await desk.database.write(lambda conn: strike_absence(conn, change, PersonId(person_id), first))
    return RedirectResponse("/people?done=noted", 303)


async def show_people(
    desk: Desk,
    visitor: Visitor,
    problem: str = "",
    done: str = "",
    typed: Profile | None = None,
    email: str = "",
) -> Response:
    """Show everybody, what the visitor may do for each, and to admins the trail."""
    today = desk.policy.calendar.today(desk.clock.now())
    is_admin, words = visitor.may(Right.ACCOUNTS), desk.pages.words(visitor.language)

    def work(conn: Connection) -> dict[str, Any]:
        trail: list[DoorEntry] = newest(conn) if is_admin else []
        is_warned = is_admin and bool(desk.settings.passwords_only_for) and not has_way_in(conn, desk.settings)
        values = {"known": list_colleagues(conn, today), "roster": everybody(conn), "door": trail}
        return values | {"is_without_way_in": is_warned}

    values = await desk.database.read(work)
    known, roster, role = values.pop("known"), values["roster"], visitor.account.role
    values |= {
        "visitor": visitor,
        "here": "people",
        "problem": problem,
        "done": done,
        "today": today,
        "roles": list(Role),
        "colleagues": [one for one in known if one.person.is_active],
        "gone": [one for one in known if not one.person.is_active],
        "may_note": {one for one in roster.people if may_note_absence(role, roster, visitor.id, one)},
        "version_of": person_version,
        "takes_password_of": desk.settings.takes_password_of,
        "typed": typed or Profile("", ""),
        "email": email,
        "languages_to_choose": languages_to_choose(typed.languages if typed else (), words),
        "trail": trail_words(words),
    }
    return desk.pages.page("people.html", visitor.language, values, 400 if problem else 200)


async def _check_absence(request: Request, desk: Desk, visitor: Visitor, person_id: str) -> None:
    roster = await desk.database.read(everybody)
    if PersonId(person_id) not in roster.people:
        raise NotFoundError("nobody has this id")
    if not may_note_absence(visitor.account.role, roster, visitor.id, PersonId(person_id)):
        await deny(request, visitor, Right.ABSENCES)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
