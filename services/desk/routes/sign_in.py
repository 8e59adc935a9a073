"""The pages *Sign in* and *Choose a password*, signing out, and the choice of language."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.storage.accounts import Account, find_account, invited, set_language, set_password
from itaca.storage.desk_events import DoorEvent, note
from itaca.storage.desk_sessions import end_session, end_sessions
from itaca.storage.invitations import digest
from services.desk.desk import Desk
from services.desk.door import (
    SESSION_COOKIE,
    VISIT_COOKIE,
    DeskHere,
    ForgedError,
    NotFoundError,
    SignedIn,
    check_form,
    client_of,
    give_cookie,
    language_of,
    page_before,
    visit_of,
)
from services.desk.entrance import BY_PASSWORD, is_too_often, let_in, own_path
from services.desk.passwords import MAX_CHARS, MIN_CHARS, form_token
from services.desk.words import LANGUAGES

router = APIRouter()
Text = Annotated[str, Form()]
PROBLEMS = ("ended", "too_many", "provider_away", "provider_refused", "provider_unknown", "provider_unverified")
"""What may have been wrong before somebody was sent back here."""


@router.get("/sign-in", name="sign_in")
async def sign_in(
    request: Request, desk: DeskHere, next: str = "/", problem: str = "", signed_out: str = ""
) -> Response:
    """Ask who it is."""
    elsewhere = await _sign_out_page(request, desk) if signed_out else ""
    return _ask(request, desk, next, problem if problem in PROBLEMS else "", elsewhere=elsewhere)


@router.post("/sign-in")
async def try_sign_in(
    request: Request,
    desk: DeskHere,
    email: Text = "",
    password: Text = "",
    next: Text = "/",
) -> Response:
    """Let somebody in whose password fits; a page that was open for longer than its cookie counts comes anew."""
    client, subject = client_of(request), hashlib.sha256(email.strip().lower().encode()).hexdigest()
    try:
        await check_form(request, visit_of(request))
    except ForgedError:
        await desk.note_of_stranger(DoorEvent.FORGED, client, detail=request.method)
        return _ask(request, desk, next, "again", 403)
    async with desk.passwords.attempts:
        if await is_too_often(desk, client, subject):
            await desk.note_of_stranger(DoorEvent.TOO_MANY, client, subject=subject)
            return _ask(request, desk, next, "too_many", 429)
        # Who may have no password is refused like a wrong one, and as slowly: nobody learns who the few are.
        takes_password = desk.settings.takes_password_of(email)
        found = await desk.database.read(lambda conn: find_account(conn, email)) if takes_password else None
        if not await desk.passwords.fits(password, found[1] if found else None) or found is None:
            await desk.note(DoorEvent.REFUSED, client, subject=subject)
            return _ask(request, desk, next, "refused", 403)
    return await let_in(request, desk, found[0], next, BY_PASSWORD)


@router.post("/sign-out")
async def sign_out(request: Request, desk: DeskHere, visitor: SignedIn) -> Response:
    """End this session."""
    now, rng, client = desk.clock.now(), desk.rng, client_of(request)

    def work(conn: Connection) -> None:
        end_session(conn, digest(visitor.secret))
        note(conn, DoorEvent.SIGNED_OUT, now, rng, person_id=visitor.id, client=client)

    await desk.database.write(work)
    response = RedirectResponse("/sign-in?signed_out=yes" if request.app.state.provider else "/sign-in", 303)
    response.delete_cookie(desk.cookie(SESSION_COOKIE), secure=desk.settings.is_https, httponly=True)
    return response


@router.post("/language")
async def choose(request: Request, desk: DeskHere, visitor: SignedIn, language: Text) -> Response:
    """Read the desk in another language from now on, beginning with the same page."""
    if language not in LANGUAGES:
        raise NotFoundError("the desk does not speak this language")
    await desk.database.write(lambda conn: set_language(conn, visitor.id, language))
    return RedirectResponse(own_path(page_before(request)), 303)


@router.get("/invite/{secret}")
async def choose_password(request: Request, desk: DeskHere, secret: str) -> Response:
    """Let whoever holds the link choose a password."""
    account = await _invited(desk, secret)
    return _invite_page(request, desk, account, "")


@router.post("/invite/{secret}")
async def keep_password(
    request: Request, desk: DeskHere, secret: str, password: Text = "", again: Text = ""
) -> Response:
    """Keep the password, end the link and every session of before, and let the person in."""
    await check_form(request, visit_of(request))
    account = await _invited(desk, secret)
    if not desk.settings.takes_password_of(account.email):
        return _invite_page(request, desk, account, "", 403)
    problem = _problem(password, again)
    if problem:
        return _invite_page(request, desk, account, problem, 400)
    hashed = await desk.passwords.hash(password)
    now, rng, client = desk.clock.now(), desk.rng, client_of(request)

    def work(conn: Connection) -> bool:
        kept = set_password(conn, digest(secret), hashed, now)
        if kept is None:
            return False
        end_sessions(conn, kept.person_id)
        note(conn, DoorEvent.PASSWORD_SET, now, rng, person_id=kept.person_id, client=client)
        return True

    if not await desk.database.write(work):
        raise NotFoundError("the link was used already")
    return await let_in(request, desk, account, "/", BY_PASSWORD)


async def _invited(desk: Desk, secret: str) -> Account:
    now = desk.clock.now()
    account = await desk.database.read(lambda conn: invited(conn, digest(secret), now))
    if account is None:
        raise NotFoundError("the link was used, or is too old")
    return account


def _problem(password: str, again: str) -> str:
    if len(password) < MIN_CHARS:
        return "short"
    if len(password) > MAX_CHARS:
        return "long"
    return "" if password == again else "differs"


async def _sign_out_page(request: Request, desk: Desk) -> str:
    """Return where one signs out of the provider, too; signing out here ends this desk's session only."""
    provider = request.app.state.provider
    return await provider.sign_out_page(desk.clock.now()) if provider else ""


def _ask(request: Request, desk: Desk, target: str, problem: str, status: int = 200, elsewhere: str = "") -> Response:
    visit = visit_of(request)
    values: dict[str, Any] = {"visitor": None, "token": form_token(visit), "next": own_path(target)}
    values |= {"problem": problem, "provider": request.app.state.provider, "elsewhere": elsewhere}
    values |= {"is_for_few": desk.settings.passwords_only_for}
    response = desk.pages.page("sign_in.html", language_of(request), values, status)
    give_cookie(request, response, VISIT_COOKIE, visit, 3600)
    return response


def _invite_page(request: Request, desk: Desk, account: Account, problem: str, status: int = 200) -> Response:
    visit = visit_of(request)
    values = {"visitor": None, "token": form_token(visit), "account": account, "problem": problem, "least": MIN_CHARS}
    values |= {"provider": request.app.state.provider}
    values |= {"takes_password": desk.settings.takes_password_of(account.email)}
    response = desk.pages.page("invite.html", account.language or language_of(request), values, status)
    give_cookie(request, response, VISIT_COOKIE, visit, 3600)
    return response
