"""Orders: the word of the order system that it has one."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.contracts.intents import CaseKind
from itaca.storage.case_pages import view_case
from itaca.storage.confirmations import confirm_order
from itaca.storage.tokens import Scope, Token
from services.desk.api import cases
from services.desk.api.access import needs
from services.desk.api.core import Body, Evidence, IdempotencyKey, Reference, api_of, write_once
from services.desk.api.problems import RefusedError

router = APIRouter(tags=["orders"])
May = Annotated[Token, Depends(needs(Scope.ORDERS_WRITE))]


class ReceivedBody(Body):
    """What proves it: the number that the order system gave it."""

    evidence: Evidence


@router.post(
    "/orders/{reference}/received", response_model=cases.CaseBody, summary="Confirm that the order system has it"
)
async def received(
    request: Request, token: May, reference: Reference, said: ReceivedBody, key: IdempotencyKey = None
) -> Response:
    """Keeps the promise of the order and closes its case; said again, it adds its evidence to the history."""
    api = api_of(request)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        found = view_case(conn, reference, for_update=True)
        if found is None or found.kind is not CaseKind.ORDER:
            raise RefusedError(404, "no order has this reference")
        confirm_order(conn, reference, said.evidence, now, api.rng, token.actor)
        return 200, cases.read_again(conn, reference)

    return await write_once(request, token, key, work)
