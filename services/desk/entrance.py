"""Letting somebody in: one new session, wherever they were, and the limits on refused attempts."""

from datetime import timedelta

from fastapi import Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from itaca.storage.accounts import Account
from itaca.storage.desk_events import DoorEvent, note, refusals
from itaca.storage.desk_sessions import begin_session, end_session
from itaca.storage.invitations import digest, new_secret
from services.desk.desk import Desk
from services.desk.door import SESSION_COOKIE, client_of, give_cookie

WINDOW = timedelta(minutes=15)
_CLIENT_FACTOR = 5
"""One network address may stand for a whole office: it may fail so many times more often than one e-mail address."""
BY_PASSWORD, BY_PROVIDER = "password", "provider"


async def is_too_often(desk: Desk, client: str, subject: str = "") -> bool:
    """Say whether too many sign-ins were refused of late: from this network address, or for this e-mail address.

    Args:
        subject: SHA-256 of the e-mail address, in hex; empty where none is known.
    """
    since = desk.clock.now() - WINDOW
    by_client, by_subject = await desk.database.read(lambda conn: refusals(conn, client, subject, since))
    most = desk.settings.sign_in_attempts
    return by_client >= most * _CLIENT_FACTOR or (bool(subject) and by_subject >= most)


async def let_in(request: Request, desk: Desk, account: Account, target: str, how: str) -> Response:
    """Begin a session under a new secret; one that this browser had before ends."""
    secret, earlier = new_secret(), request.cookies.get(desk.cookie(SESSION_COOKIE), "")
    now, rng, client = desk.clock.now(), desk.rng, client_of(request)
    lasts = timedelta(hours=desk.settings.session_hours)

    def work(conn: Connection) -> None:
        end_session(conn, digest(earlier))
        begin_session(conn, digest(secret), account.person_id, now, now + lasts)
        note(conn, DoorEvent.SIGNED_IN, now, rng, person_id=account.person_id, client=client, detail=how)

    await desk.database.write(work)
    response = RedirectResponse(own_path(target), 303)
    give_cookie(request, response, SESSION_COOKIE, secret, int(lasts.total_seconds()))
    return response


def own_path(target: str) -> str:
    """Return the path if it is one of ours; an address of somebody else's never follows a sign-in."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"
