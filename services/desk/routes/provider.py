"""Signing in by another provider: the way there, and the way back."""

import base64
import binascii

import structlog
from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.errors import PermanentError
from itaca.storage.accounts import Account
from itaca.storage.desk_events import DoorEvent, note
from itaca.storage.identities import account_of_subject, bind
from itaca.storage.invitations import new_secret
from services.desk.desk import Desk
from services.desk.door import DeskHere, NotFoundError, client_of, give_cookie
from services.desk.entrance import BY_PROVIDER, is_too_often, let_in, own_path
from services.desk.oidc import CALLBACK, Provider, ProviderAwayError
from services.desk.vouching import NotVouchedError, Vouched

log = structlog.get_logger()
router = APIRouter()
ATTEMPT_COOKIE = "itaca_attempt"
ATTEMPT_S = 600
"""How long somebody may take at the provider."""


@router.get("/sign-in/provider")
async def go(request: Request, desk: DeskHere, next: str = "/") -> Response:
    """Send the browser to the provider, with a cookie by which it is known when it comes back."""
    provider, secret = provider_of(request), new_secret()
    if await is_too_often(desk, client_of(request)):
        return _back_to_sign_in("too_many")
    try:
        page = await provider.begin(secret, desk.clock.now())
    except ProviderAwayError:
        return _back_to_sign_in("provider_away")
    response = RedirectResponse(page, 303)
    # Without the padding, whose sign would need quotes in a cookie.
    target = base64.urlsafe_b64encode(own_path(next).encode()).decode().rstrip("=")
    give_cookie(request, response, ATTEMPT_COOKIE, f"{secret}.{target}", ATTEMPT_S)
    return response


@router.get(CALLBACK)
async def come_back(request: Request, desk: DeskHere, code: str = "", state: str = "", iss: str = "") -> Response:
    """Let in whom the provider vouches for; whatever is wrong leads back to the sign-in page with a sentence."""
    provider, client = provider_of(request), client_of(request)
    secret, _, target = request.cookies.get(desk.cookie(ATTEMPT_COOKIE), "").partition(".")
    if await is_too_often(desk, client):
        return _back_to_sign_in("too_many")
    try:
        # RFC 9207: a code of one provider is never given to another.
        if not code or not provider.is_ours(state, secret) or iss not in ("", provider.issuer):
            raise NotVouchedError("state" if code else "no_code")
        vouched = await provider.finish(code, secret, desk.clock.now())
        account = await _account(desk, provider.issuer, vouched, client)
    except ProviderAwayError:
        return _ended(desk, _back_to_sign_in("provider_away"))
    except NotVouchedError as error:
        return _ended(desk, await _refused(desk, client, error.reason, "provider_refused"))
    except PermanentError:
        why = "provider_unverified" if vouched.has_unverified_email else "provider_unknown"
        return _ended(desk, await _refused(desk, client, why, why))
    return _ended(desk, await let_in(request, desk, account, _path(target), BY_PROVIDER))


def provider_of(request: Request) -> Provider:
    """Return the provider of this desk.

    Raises:
        NotFoundError: it has none.
    """
    provider = request.app.state.provider
    if not isinstance(provider, Provider):
        raise NotFoundError("nobody signs in by a provider here")
    return provider


async def _account(desk: Desk, issuer: str, vouched: Vouched, client: str) -> Account:
    now, rng = desk.clock.now(), desk.rng
    known = await desk.database.read(lambda conn: account_of_subject(conn, issuer, vouched.subject))
    if known is not None:
        return known

    def work(conn: Connection) -> Account:
        account = bind(conn, issuer, vouched.subject, vouched.email, now)
        note(conn, DoorEvent.BOUND, now, rng, person_id=account.person_id, client=client)
        return account

    return await desk.database.write(work)


async def _refused(desk: Desk, client: str, reason: str, problem: str) -> Response:
    log.info("desk.provider_sign_in_refused", reason=reason)
    await desk.note(DoorEvent.REFUSED, client, detail=f"{BY_PROVIDER}: {reason}")
    return _back_to_sign_in(problem)


def _back_to_sign_in(problem: str) -> Response:
    return RedirectResponse(f"/sign-in?problem={problem}", 303)


def _ended(desk: Desk, response: Response) -> Response:
    """Let the attempt count no more."""
    response.delete_cookie(desk.cookie(ATTEMPT_COOKIE), secure=desk.settings.is_https, httponly=True)
    return response


def _path(target: str) -> str:
    try:
        return own_path(base64.urlsafe_b64decode(f"{target}==").decode())
    except (binascii.Error, ValueError):
        return "/"
