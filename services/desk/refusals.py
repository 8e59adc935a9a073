"""How a no looks: sign in first, not yours, no such thing, later."""

from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from itaca.errors import PermanentError, TransientError
from itaca.observability.logs import place_of
from itaca.storage.desk_events import DoorEvent
from services.desk.door import (
    DeniedError,
    ForgedError,
    NotFoundError,
    NotSignedInError,
    client_of,
    desk_of,
    language_of,
    page_before,
)

log = structlog.get_logger()


def add_to(app: FastAPI) -> None:
    """Let the application answer errors as pages; what nobody foresaw is a fixed page too."""
    app.add_exception_handler(NotSignedInError, _ask_to_sign_in)
    app.add_exception_handler(DeniedError, _denied)
    app.add_exception_handler(ForgedError, _forged)
    app.add_exception_handler(NotFoundError, _not_found)
    app.add_exception_handler(PermanentError, _refused)
    app.add_exception_handler(TransientError, _later)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(RequestValidationError, _incomplete)
    app.add_exception_handler(Exception, _broken)


def _ask_to_sign_in(request: Request, _: Exception) -> Response:
    if request.method != "GET":
        # What was sent is not taken; the page that it was sent from comes after the sign-in.
        return RedirectResponse("/sign-in?" + urlencode({"next": page_before(request), "problem": "ended"}), 303)
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in?" + urlencode({"next": target}), 303)


def _denied(request: Request, _: Exception) -> Response:
    return _page(request, "denied", 403)


async def _forged(request: Request, _: Exception) -> Response:
    await desk_of(request).note_of_stranger(DoorEvent.FORGED, client_of(request), detail=request.method)
    return _page(request, "forged", 403)


def _not_found(request: Request, _: Exception) -> Response:
    return _page(request, "not_found", 404)


def _refused(request: Request, error: Exception) -> Response:
    return _page(request, "refused", 409)


def _later(request: Request, _: Exception) -> Response:
    return _page(request, "later", 503)


def _plain(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405 and request.method == "GET":
        # Somebody loads the page anew that an act was answered with: its path is the act's, the page stands above.
        return RedirectResponse(request.url.path.rpartition("/")[0] or "/", 303)
    return _page(request, {404: "not_found", 413: "too_large"}.get(status, "refused"), status)


def _incomplete(request: Request, _: Exception) -> Response:
    return _page(request, "refused", 400)


def _broken(request: Request, error: Exception) -> Response:
    """Log where it happened; its text may quote a customer, and is neither logged nor shown."""
    log.error("desk.request_failed", error=type(error).__name__, where=place_of(error))
    return _page(request, "broken", 500)


def _page(request: Request, why: str, status: int) -> Response:
    return desk_of(request).pages.page("refusal.html", language_of(request), {"why": why, "visitor": None}, status)
