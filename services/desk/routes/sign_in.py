"""The pages *Sign in* and *Choose a password*, signing out, and the choice of language."""

import hashlib
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.contracts.ids import PersonId
from itaca.storage.accounts import Account, find_account, invited, set_language, set_password
from itaca.storage.desk_events import DoorEvent, note, refusals
from itaca.storage.desk_sessions import begin_session, end_session, end_sessions
from itaca.storage.invitations import digest, new_secret
from services.desk.desk import Desk
from services.desk.door import (
    SESSION_COOKIE,
    VISIT_COOKIE,
    DeskHere,
    NotFoundError,
    SignedIn,
    check_form,
    client_of,
    give_cookie,
    language_of,
    visit_of,
)
from services.desk.passwords import MAX_CHARS, MIN_CHARS, form_token
from services.desk.words import LANGUAGES

router = APIRouter()
Text = Annotated[str, Form()]
WINDOW = timedelta(minutes=15)
_CLIENT_FACTOR = 5
"""One network address may stand for a whole office: it may fail so many times more often than one e-mail address."""


@router.get("/sign-in", name="sign_in")
async def sign_in(request: Request, desk: DeskHere, next: str = "/") -> Response:
    """Ask who it is."""
    return _ask(request, desk, next, "")


@router.post("/sign-in")
async def try_sign_in(
    request: Request,
    desk: DeskHere,
    email: Text = "",
    password: Text = "",
    next: Text = "/",
) -> Response:
    """Let somebody in whose password fits."""
    await check_form(request, visit_of(request))
    client, subject = client_of(request), hashlib.sha256(email.strip().lower().encode()).hexdigest()
    since = desk.clock.now() - WINDOW
    by_client, by_subject = await desk.database.read(lambda conn: refusals(conn, client, subject, since))
    most = desk.settings.sign_in_attempts
    if by_subject >= most or by_client >= most * _CLIENT_FACTOR:
        await desk.note(DoorEvent.TOO_MANY, client, subject=subject)
        return _ask(request, desk, next, "too_many", 429)
    found = await desk.database.read(lambda conn: find_account(conn, email))
    if not await desk.passwords.fits(password, found[1] if found else None) or found is None:
        await desk.note(DoorEvent.REFUSED, client, subject=subject)
        return _ask(request, desk, next, "refused", 403)
    return await _let_in(request, desk, found[0], next)


@router.post("/sign-out")
async def sign_out(request: Request, desk: DeskHere, visitor: SignedIn) -> Response:
    """End this session."""
    now, rng, client = desk.clock.now(), desk.rng, client_of(request)

    def work(conn: Connection) -> None:
        end_session(conn, digest(visitor.secret))
        note(conn, DoorEvent.SIGNED_OUT, now, rng, person_id=visitor.id, client=client)

    await desk.database.write(work)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(desk.cookie(SESSION_COOKIE), secure=desk.settings.is_https, httponly=True)
    return response


@router.post("/language")
async def choose(desk: DeskHere, visitor: SignedIn, language: Text, back: Text = "/") -> Response:
    """Read the desk in another language from now on."""
    if language not in LANGUAGES:
        raise NotFoundError("the desk does not speak this language")
    await desk.database.write(lambda conn: set_language(conn, visitor.id, language))
    return RedirectResponse(_own_path(back), 303)


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
    return await _let_in(request, desk, account, "/")


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


async def _let_in(request: Request, desk: Desk, account: Account, target: str) -> Response:
    secret = new_secret()
    now, rng, client = desk.clock.now(), desk.rng, client_of(request)
    lasts = timedelta(hours=desk.settings.session_hours)
    person_id: PersonId = account.person_id

    def work(conn: Connection) -> None:
        begin_session(conn, digest(secret), person_id, now, now + lasts)
        note(conn, DoorEvent.SIGNED_IN, now, rng, person_id=person_id, client=client)

    await desk.database.write(work)
    response = RedirectResponse(_own_path(target), 303)
    give_cookie(request, response, SESSION_COOKIE, secret, int(lasts.total_seconds()))
    return response


def _own_path(target: str) -> str:
    """Return the path if it is one of ours; an address of somebody else's never follows a sign-in."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"


def _ask(request: Request, desk: Desk, target: str, problem: str, status: int = 200) -> Response:
    visit = visit_of(request)
    values = {"visitor": None, "token": form_token(visit), "next": _own_path(target), "problem": problem}
    response = desk.pages.page("sign_in.html", language_of(request), values, status)
    give_cookie(request, response, VISIT_COOKIE, visit, 3600)
    return response


def _invite_page(request: Request, desk: Desk, account: Account, problem: str, status: int = 200) -> Response:
    visit = visit_of(request)
    values = {"visitor": None, "token": form_token(visit), "account": account, "problem": problem, "least": MIN_CHARS}
    response = desk.pages.page("invite.html", account.language or language_of(request), values, status)
    give_cookie(request, response, VISIT_COOKIE, visit, 3600)
    return response
