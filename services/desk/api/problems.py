"""How a no looks to a program: problem details (RFC 9457), with fixed texts that repeat nothing of the request."""

import http
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from itaca.errors import PermanentError, TransientError
from itaca.observability.logs import place_of
from itaca.storage.idempotency import KeyReusedError

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
_MOST_FAULTS = 20
TOO_LARGE = "the request is too large"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid")
    where: str = Field(description="Path into the request, such as body.kind.")
    says: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")
    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    errors: list[Fault] = Field(default=[], description="Each fault of the request, where there are several.")


class RefusedError(PermanentError):
    """A request that is answered with a problem.

    Args:
        status: the status of HTTP.
        detail: one sentence for whoever reads the log of the other system.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers or {}


_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_WAIT = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    429: {"description": "The token asks too fast.", "headers": _WAIT, **_PROBLEM},
    "default": {"description": "A problem (RFC 9457).", **_PROBLEM},
}
"""Declared for every operation, in place of FastAPI's own form of validation errors."""


def add_to(app: FastAPI) -> None:
    """Let the application answer every error as a problem."""
    app.add_exception_handler(HTTPException, _refused_by_the_framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(KeyReusedError, _key_reused)
    app.add_exception_handler(PermanentError, _conflict)
    app.add_exception_handler(TransientError, _later)
    app.add_exception_handler(Exception, _unforeseen)


def problem(
    status: int, detail: str = "", faults: list[Fault] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer that says no."""
    title = http.HTTPStatus(status).phrase
    body = Problem(title=title, status=status, detail=detail, errors=faults or [])
    own = {"cache-control": "no-store", **(headers or {})}
    return JSONResponse(body.model_dump(exclude_defaults=False), status, own, media_type=MEDIA_TYPE)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return problem(error.status, str(error), headers=error.headers)


def _key_reused(_: Request, error: Exception) -> Response:
    return problem(409, str(error))


def _conflict(_: Request, error: Exception) -> Response:
    """A rule of the ledger forbids it; its sentences name references and rules, never what customers wrote."""
    return problem(409, str(error))


def _later(_: Request, error: Exception) -> Response:
    return problem(503, "the ledger cannot answer now", headers={"retry-after": str(RETRY_AFTER_S)})


def _unforeseen(_: Request, error: Exception) -> Response:
    """Log where it happened; its text may quote a customer, and is neither logged nor answered."""
    log.error("desk.request_failed", error=type(error).__name__, where=place_of(error))
    return problem(500, "something nobody foresaw; it is in the log")


def _refused_by_the_framework(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    details = {404: "there is nothing under this path", 405: "the path does not know this method", 413: TOO_LARGE}
    return problem(error.status_code, details.get(error.status_code, ""), headers=dict(error.headers or {}))


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault(where=".".join(str(part) for part in fault["loc"]), says=str(fault["msg"]))
        for fault in error.errors()[:_MOST_FAULTS]
    ]
    return problem(422, "the request is not as this operation wants it", faults)
