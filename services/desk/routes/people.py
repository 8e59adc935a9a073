"""The page *People*: who is here, who is away, who may do what."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Right, Role
from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError
from itaca.storage.accounts import admins_with_password, set_role
from itaca.storage.desk_events import DoorEvent, newest, note
from itaca.storage.desk_people import end_absence, list_colleagues
from itaca.storage.desk_sessions import end_sessions
from itaca.storage.invitations import invite_path, invite_person
from itaca.storage.people import set_absence
from services.desk.desk import Desk
from services.desk.door import Administrator, DeniedError, DeskHere, NotFoundError, SignedIn, Visitor, client_of

router = APIRouter()
Text = Annotated[str, Form()]


@router.get("/people")
async def people(desk: DeskHere, visitor: SignedIn) -> Response:
    """Show everybody who is active."""
    return await _show(desk, visitor)


@router.post("/people/{person_id}/absence")
async def note_absence(
    desk: DeskHere, visitor: SignedIn, person_id: str, first_day: Text = "", last_day: Text = ""
) -> Response:
    """Note that somebody is away: oneself, or anybody where the role allows it."""
    _check_absence(visitor, person_id)
    first, last = _day(first_day), _day(last_day)
    if first is None or last is None or last < first:
        return await _show(desk, visitor, problem="days", status=400)
    await desk.database.write(lambda conn: set_absence(conn, PersonId(person_id), first, last))
    return RedirectResponse("/people?done=absence", 303)


@router.post("/people/{person_id}/back")
async def come_back(desk: DeskHere, visitor: SignedIn, person_id: str, first_day: Text) -> Response:
    """Strike an absence."""
    _check_absence(visitor, person_id)
    first = _day(first_day)
    if first is not None:
        await desk.database.write(lambda conn: end_absence(conn, PersonId(person_id), first))
    return RedirectResponse("/people", 303)


@router.post("/people/{person_id}/invite")
async def invite(desk: DeskHere, visitor: Administrator, person_id: str, role: Text) -> Response:
    """Make a link by which somebody sets their password; it is shown once, to be handed over."""
    chosen = _role(role)
    now, rng, lasts = desk.clock.now(), desk.rng, timedelta(hours=desk.settings.invite_hours)

    def work(conn: Connection) -> str:
        _keep_an_admin(conn, PersonId(person_id), chosen)
        return invite_person(conn, PersonId(person_id), chosen, now, lasts, rng)

    secret = await desk.database.write(work)
    return await _show(desk, visitor, link=invite_path(secret), invited=person_id)


@router.post("/people/{person_id}/role")
async def give_role(request: Request, desk: DeskHere, visitor: Administrator, person_id: str, role: Text) -> Response:
    """Change what somebody may do; it counts from their next sign-in, which is now."""
    chosen, client = _role(role), client_of(request)
    now, rng = desk.clock.now(), desk.rng

    def work(conn: Connection) -> None:
        _keep_an_admin(conn, PersonId(person_id), chosen)
        if set_role(conn, PersonId(person_id), chosen):
            note(
                conn,
                DoorEvent.ROLE_GIVEN,
                now,
                rng,
                person_id=PersonId(person_id),
                client=client,
                detail=f"{chosen.value} by {visitor.id}",
            )
        if person_id != visitor.id:
            end_sessions(conn, PersonId(person_id))

    await desk.database.write(work)
    return RedirectResponse("/people", 303)


async def _show(
    desk: Desk, visitor: Visitor, problem: str = "", link: str = "", invited: str = "", status: int = 200
) -> Response:
    today = desk.policy.calendar.today(desk.clock.now())
    sees_door = visitor.may(Right.ACCOUNTS)

    def work(conn: Connection) -> dict[str, object]:
        return {"colleagues": list_colleagues(conn, today), "door": newest(conn) if sees_door else []}

    values = await desk.database.read(work)
    values |= {"visitor": visitor, "here": "people", "problem": problem, "today": today, "roles": list(Role)}
    values |= {"link": desk.address + link if link else "", "invited": invited}
    return desk.pages.page("people.html", visitor.language, values, status)


def _check_absence(visitor: Visitor, person_id: str) -> None:
    if person_id != visitor.id and not visitor.may(Right.ABSENCES):
        raise DeniedError("absences of others are noted by those who lead")


def _keep_an_admin(conn: Connection, person_id: PersonId, role: Role) -> None:
    """The last admin who can sign in stays one: nobody could undo it."""
    if role is not Role.ADMIN and list(admins_with_password(conn)) == [person_id]:
        raise PermanentError("the last admin stays one")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _role(name: str) -> Role:
    if name not in set(Role):
        raise NotFoundError("there is no such role")
    return Role(name)
