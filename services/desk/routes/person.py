"""The page of one person, for admins: name, team, languages, lead, what they may do, and whether they are here."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.cases.roles import Role
from itaca.cases.staff import NOBODY
from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError
from itaca.storage import staff
from itaca.storage.accounts import end_invitation
from itaca.storage.desk_people import find_colleague
from itaca.storage.identities import unbind
from itaca.storage.invitations import invite_path, invite_person
from itaca.storage.staff import Profile, everybody, person_version
from services.desk.desk import Desk
from services.desk.door import Administrator, DeskHere, NotFoundError, Visitor, change_by
from services.desk.problems import problem_words
from services.desk.staff_forms import MOST_OF_ADDRESS, languages_to_choose, read_profile
from services.desk.way_in import keep_way_in

router = APIRouter(prefix="/people/{person_id}")
Text = Annotated[str, Form()]
Many = Annotated[list[str], Form()]


@router.get("")
async def person(desk: DeskHere, visitor: Administrator, person_id: str, done: str = "") -> Response:
    """Show one person as they are."""
    return await _show(desk, visitor, person_id, done=done)


@router.post("")
async def change(
    request: Request,
    desk: DeskHere,
    visitor: Administrator,
    person_id: str,
    version: Text = "",
    name: Text = "",
    team: Text = "",
    lead: Text = "",
    languages: Many = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Change who somebody is, which team they are in, what they speak and whom they answer to."""
    by, wanted = change_by(request, visitor), read_profile(name, team, lead, languages)

    def work(conn: Connection) -> None:
        staff.change_person(conn, by, PersonId(person_id), wanted, version)

    return await _do(desk, visitor, person_id, work, "changed", wanted)


@router.post("/address")
async def change_address(
    request: Request, desk: DeskHere, visitor: Administrator, person_id: str, email: Text = "", version: Text = ""
) -> Response:
    """Change the address by which somebody signs in."""
    by, wanted = change_by(request, visitor), email[:MOST_OF_ADDRESS]

    def work(conn: Connection) -> None:
        staff.change_address(conn, by, PersonId(person_id), wanted, version)

    return await _do(desk, visitor, person_id, work, "address", email=wanted)


@router.post("/role")
async def give_role(
    request: Request, desk: DeskHere, visitor: Administrator, person_id: str, role: Text = "", version: Text = ""
) -> Response:
    """Change what somebody may do; it counts at once."""
    by, chosen = change_by(request, visitor), _role(role)
    return await _do(
        desk,
        visitor,
        person_id,
        lambda conn: staff.give_role(conn, by, PersonId(person_id), chosen, version),
        "changed",
    )


@router.post("/leave")
async def leave(
    request: Request, desk: DeskHere, visitor: Administrator, person_id: str, version: Text = ""
) -> Response:
    """Note that somebody has left."""
    by = change_by(request, visitor)
    return await _do(
        desk, visitor, person_id, lambda conn: staff.leave(conn, by, PersonId(person_id), version), "left"
    )


@router.post("/return")
async def come_back(
    request: Request, desk: DeskHere, visitor: Administrator, person_id: str, version: Text = ""
) -> Response:
    """Note that somebody is here again."""
    by = change_by(request, visitor)
    return await _do(
        desk, visitor, person_id, lambda conn: staff.come_back(conn, by, PersonId(person_id), version), "changed"
    )


@router.post("/unbind")
async def untie(request: Request, desk: DeskHere, visitor: Administrator, person_id: str) -> Response:
    """Let the person's next sign-in by the provider bind anew."""
    by = change_by(request, visitor)
    return await _do(desk, visitor, person_id, lambda conn: unbind(conn, by, PersonId(person_id)), "changed")


@router.post("/invite")
async def invite(
    request: Request, desk: DeskHere, visitor: Administrator, person_id: str, role: Text = ""
) -> Response:
    """Make a link by which somebody sets their password; it is shown once, to be handed over.

    Whoever may have no password gets the role alone, and signs in by the provider.
    """
    chosen, by = _role(role), change_by(request, visitor)
    lasts = timedelta(hours=desk.settings.invite_hours)

    def work(conn: Connection) -> str:
        staff.one_at_a_time(conn)
        staff.keep_an_admin(conn, PersonId(person_id), chosen)
        found = everybody(conn).people.get(PersonId(person_id))
        if found is None or not found.is_active:
            raise PermanentError(NOBODY)
        with keep_way_in(conn, desk.settings):
            secret = invite_person(conn, found.id, chosen, by.now, lasts, by.rng, by.by)
        if desk.settings.takes_password_of(found.email):
            return secret
        end_invitation(conn, found.id)
        return ""

    try:
        secret = await desk.database.write(work)
    except PermanentError as error:
        said = problem_words(error, desk.pages.words(visitor.language))
        return await _show(desk, visitor, person_id, problem=said)
    if not secret:
        return RedirectResponse(f"/people/{person_id}?done=access", 303)
    return await _show(desk, visitor, person_id, link=_address(request, desk) + invite_path(secret))


async def _do(
    desk: Desk,
    visitor: Visitor,
    person_id: str,
    work: Callable[[Connection], None],
    done: str,
    typed: Profile | None = None,
    email: str = "",
) -> Response:
    def checked(conn: Connection) -> None:
        with keep_way_in(conn, desk.settings):
            work(conn)

    try:
        await desk.database.write(checked)
    except PermanentError as error:
        said = problem_words(error, desk.pages.words(visitor.language))
        return await _show(desk, visitor, person_id, problem=said, typed=typed, email=email)
    return RedirectResponse(f"/people/{person_id}?done={done}", 303)


async def _show(
    desk: Desk,
    visitor: Visitor,
    person_id: str,
    problem: str = "",
    done: str = "",
    link: str = "",
    typed: Profile | None = None,
    email: str = "",
) -> Response:
    today = desk.policy.calendar.today(desk.clock.now())

    def work(conn: Connection) -> dict[str, Any] | None:
        one = find_colleague(conn, person_id, today)
        return None if one is None else {"one": one, "roster": everybody(conn)}

    values = await desk.database.read(work)
    if values is None:
        raise NotFoundError("nobody has this id")
    one = values["one"]
    now = Profile(one.person.name, one.person.team_id, one.person.languages, one.person.lead_id)
    shown = typed or now
    values |= {
        "visitor": visitor,
        "here": "people",
        "problem": problem,
        "done": done,
        "link": link,
        "today": today,
        "roles": list(Role),
        "kept": now,
        "email": email or one.person.email,
        "shown": shown,
        "is_typed": typed is not None and typed != now,
        "version_of": person_version,
        "takes_password_of": desk.settings.takes_password_of,
        "languages_to_choose": languages_to_choose(
            (*now.languages, *shown.languages), desk.pages.words(visitor.language)
        ),
    }
    return desk.pages.page("person.html", visitor.language, values, 409 if problem else 200)


def _address(request: Request, desk: Desk) -> str:
    """Return where the desk is reached; not configured, where the admin who asks has reached it."""
    return desk.address or str(request.base_url).rstrip("/")


def _role(name: str) -> Role:
    if name not in set(Role):
        raise NotFoundError("there is no such role")
    return Role(name)
