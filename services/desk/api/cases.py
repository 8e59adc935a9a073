"""Cases: lists by pages, one by its reference, its history, and its end."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.closing import check_end
from itaca.contracts.intents import CaseKind, CaseOutcome, CaseStatus
from itaca.storage.case_pages import CasePage, CaseView, case_page, history_page, view_case
from itaca.storage.cases import close_case
from itaca.storage.tokens import Scope, Token
from services.desk.api.access import needs
from services.desk.api.core import (
    PRINTABLE,
    Body,
    Evidence,
    IdempotencyKey,
    Reference,
    api_of,
    known,
    write_once,
)
from services.desk.api.etags import IfMatch, answer, check_match
from services.desk.api.pages import Cursor, Limit, next_cursor
from services.desk.api.problems import RefusedError

router = APIRouter(tags=["cases"])
MayRead = Annotated[Token, Depends(needs(Scope.CASES_READ))]
MayWrite = Annotated[Token, Depends(needs(Scope.CASES_WRITE))]
Address = Annotated[str, Query(max_length=320, pattern=PRINTABLE)]


class CaseBody(Body):
    """One case."""

    reference: str
    kind: CaseKind
    status: CaseStatus
    outcome: CaseOutcome | None
    merged_into: str | None = Field(description="Reference of the case in which it goes on; null: it was not merged.")
    matter: str = Field(description="The order or contract number it is about, if one is known.")
    owner: str = Field(description="Address of the person who owns it; empty: the order system has it.")
    customer: str
    language: str
    severity: int
    level: int = Field(description="How far up the owner's chain people know; 0: the owner alone.")
    contacts: int
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    due_at: AwareDatetime | None = Field(description="When the promise that is due first breaks.")


class CaseList(Body):
    items: list[CaseBody]
    next: str | None


class EventBody(Body):
    """One line of a case's history."""

    id: str
    at: AwareDatetime
    kind: str
    actor: str
    mail_id: str | None
    detail: dict[str, Any]


class EventList(Body):
    items: list[EventBody]
    next: str | None


class ClosingBody(Body):
    """How it ended, and what proves it."""

    outcome: CaseOutcome
    evidence: Evidence


@router.get("/cases", response_model=CaseList, summary="List cases, the newest first")
async def list_(
    request: Request,
    token: MayRead,
    kind: CaseKind | None = None,
    status: CaseStatus | None = None,
    owner: Address = "",
    customer: Address = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """By kind, status, owner's address and customer's address; page after page by ``next``."""
    wanted = CasePage(kind, status, owner, customer, cursor, limit)
    found = await api_of(request).database.read(lambda conn: case_page(conn, wanted))
    upcoming = next_cursor([one.id for one in found], limit)
    return answer(request, {"items": [shown(one) for one in found], "next": upcoming})


@router.get("/cases/{reference}", response_model=CaseBody, summary="Read one case")
async def get(request: Request, token: MayRead, reference: Reference) -> Response:
    """By the reference that the customer has."""
    found = await api_of(request).database.read(lambda conn: view_case(conn, reference))
    return answer(request, shown(_known(found)))


@router.get("/cases/{reference}/events", response_model=EventList, summary="Read the history of a case")
async def events(
    request: Request, token: MayRead, reference: Reference, cursor: Cursor = "", limit: Limit = 50
) -> Response:
    """In the order in which it happened; a history only grows."""

    def work(conn: Connection) -> Any:
        return history_page(conn, _known(view_case(conn, reference)).id, cursor, limit)

    found = await api_of(request).database.read(work)
    items = [EventBody.shown(one) for one in found]
    return answer(request, {"items": items, "next": next_cursor([one.id for one in found], limit)})


@router.post("/cases/{reference}/close", response_model=CaseBody, summary="Close a case with its outcome")
async def close(
    request: Request,
    token: MayWrite,
    reference: Reference,
    closing: ClosingBody,
    key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """Needs the ETag of the case as it was read: 428 without it, 412 when something has happened since."""
    api = api_of(request)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        found = _known(view_case(conn, reference, for_update=True))
        check_match(shown(found), if_match, is_needed=True)
        check_end(found.kind, closing.outcome, closing.evidence)
        if not close_case(conn, found.id, closing.outcome, closing.evidence, now, api.rng, token.actor):
            raise RefusedError(409, "the case is closed already")
        return 200, read_again(conn, reference)

    return await write_once(request, token, key, work)


def read_again(conn: Connection, reference: str) -> CaseBody:
    """Return the case as a change has left it."""
    return CaseBody.model_validate(shown(_known(view_case(conn, reference))))


def shown(found: CaseView) -> dict[str, Any]:
    """Return a case as it is answered."""
    return CaseBody.shown(found)


def _known(found: CaseView | None) -> CaseView:
    return known(found, "no case has this reference")
