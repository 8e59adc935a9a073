"""Who stands at the door: the session behind a cookie, the token in every form, the rights of a role."""

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.responses import Response

from itaca.cases.roles import Right, may
from itaca.contracts.ids import PersonId
from itaca.errors import PermanentError
from itaca.storage.accounts import Account
from itaca.storage.desk_events import DoorEvent
from itaca.storage.desk_sessions import signed_in
from itaca.storage.invitations import digest, new_secret
from itaca.storage.staff import Change
from services.desk.clients import client_address
from services.desk.desk import Desk
from services.desk.passwords import form_token
from services.desk.words import choose_language

SESSION_COOKIE = "itaca_session"
VISIT_COOKIE = "itaca_visit"
"""Ties the form of somebody who is not signed in yet to their own browser."""
FORM_FIELD = "token"


class NotSignedInError(PermanentError):
    """Nobody is signed in; the page asks for it."""


class DeniedError(PermanentError):
    """The role does not allow it."""


class ForgedError(PermanentError):
    """The form does not carry the token of this browser: another site sent it, or it is very old."""


class NotFoundError(PermanentError):
    """There is no such page, case or file."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in. ``secret`` is the content of their cookie."""

    account: Account
    language: str
    secret: str

    @property
    def id(self) -> PersonId:
        return self.account.person_id

    @property
    def form_token(self) -> str:
        return form_token(self.secret)

    def may(self, right: str) -> bool:
        return may(self.account.role, Right(right))


def desk_of(request: Request) -> Desk:
    """Return the desk that this process runs."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def change_by(request: Request, visitor: Visitor) -> Change:
    """Return who changes something now, for the trail."""
    desk = desk_of(request)
    return Change(visitor.id, client_of(request), desk.clock.now(), desk.rng)


def client_of(request: Request) -> str:
    """Return the network address that the request came from."""
    peer = request.client.host if request.client else ""
    return client_address(peer, request.headers.getlist("x-forwarded-for"), desk_of(request).settings.proxies)


async def visitor_of(request: Request) -> Visitor:
    """Return who is signed in; what changes something must carry the form's token.

    Raises:
        NotSignedInError: nobody is.
        ForgedError: the token is missing or another browser's.
    """
    desk = desk_of(request)
    secret = request.cookies.get(desk.cookie(SESSION_COOKIE), "")
    now = desk.clock.now()
    account = await desk.database.read(lambda conn: signed_in(conn, digest(secret), now)) if secret else None
    if account is None:
        raise NotSignedInError("nobody is signed in")
    if request.method != "GET":
        await check_form(request, secret)
    return Visitor(account, account.language or language_of(request), secret)


async def check_form(request: Request, secret: str) -> None:
    """Refuse a form that does not carry this browser's token.

    Raises:
        ForgedError: it does not.
    """
    # Read before where the form has fields of its own; where it has none, it has no files either.
    sent = (await request.form(max_files=0)).get(FORM_FIELD)
    if not (isinstance(sent, str) and secret and hmac.compare_digest(sent.encode(), form_token(secret).encode())):
        raise ForgedError("the form carries no valid token")


def page_before(request: Request) -> str:
    """Return the path of our page from which a form was sent; that of the first page where none is known."""
    try:
        before = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    is_ours = before.netloc == request.url.netloc and bool(before.path)
    return f"{before.path}{'?' if before.query else ''}{before.query}" if is_ours else "/"


def language_of(request: Request) -> str:
    """Return the language that the browser asks for."""
    return choose_language(request.headers.get("accept-language", ""))


def allowed(right: Right) -> Callable[..., Coroutine[Any, Any, Visitor]]:
    """Return a dependency that lets in whoever has this right; a refusal is written down."""

    async def check(request: Request, visitor: Annotated[Visitor, Depends(visitor_of)]) -> Visitor:
        if not visitor.may(right):
            await deny(request, visitor, right)
        return visitor

    return check


async def deny(request: Request, visitor: Visitor, right: Right) -> NoReturn:
    """Write a refusal down, and refuse.

    Raises:
        DeniedError: always.
    """
    detail = f"{request.method} {right.value}"
    await desk_of(request).note(DoorEvent.DENIED, client_of(request), person_id=visitor.id, detail=detail)
    raise DeniedError(f"the role {visitor.account.role.value} does not allow it")


def visit_of(request: Request) -> str:
    """Return the secret of this browser's visit, a new one if it has none."""
    return request.cookies.get(desk_of(request).cookie(VISIT_COOKIE)) or new_secret()


def give_cookie(request: Request, response: Response, name: str, secret: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send along with a form."""
    desk = desk_of(request)
    response.set_cookie(
        desk.cookie(name), secret, max_age=seconds, httponly=True, secure=desk.settings.is_https, samesite="lax"
    )


DeskHere = Annotated[Desk, Depends(desk_of)]
SignedIn = Annotated[Visitor, Depends(visitor_of)]
Reader = Annotated[Visitor, Depends(allowed(Right.READ))]
Worker = Annotated[Visitor, Depends(allowed(Right.WORK))]
FlowReader = Annotated[Visitor, Depends(allowed(Right.FLOW))]
Administrator = Annotated[Visitor, Depends(allowed(Right.ACCOUNTS))]
