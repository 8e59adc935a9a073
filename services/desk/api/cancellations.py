"""Cancellations: the register, and the word of the systems that execute them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.contracts.intents import CancellationEnd, CancellationState
from itaca.storage.cancellations import Register, list_cancellations, load_cancellation
from itaca.storage.confirmations import Effect, confirm_effect, withdraw
from itaca.storage.tokens import Scope, Token
from services.desk.api.access import needs
from services.desk.api.core import PRINTABLE, Body, Evidence, IdempotencyKey, Reference, api_of, known, write_once
from services.desk.api.etags import IfMatch, answer, check_match
from services.desk.api.pages import Cursor, Limit, next_cursor

router = APIRouter(tags=["cancellations"])
MayRead = Annotated[Token, Depends(needs(Scope.CANCELLATIONS_READ))]
MayWrite = Annotated[Token, Depends(needs(Scope.CANCELLATIONS_WRITE))]


class CancellationBody(Body):
    """One cancellation of the register."""

    reference: str
    contract: str = Field(description="The contract or order that it names; empty: everything.")
    state: CancellationState
    is_open: bool = Field(description="Somebody is still owed something in its case.")
    requested_at: AwareDatetime
    effective_at: AwareDatetime
    effected_at: AwareDatetime | None
    watch_until: AwareDatetime
    system: str
    evidence: str
    violations: int
    ended_as: CancellationEnd | None


class CancellationList(Body):
    items: list[CancellationBody]
    next: str | None


class EffectBody(Body):
    """What the executing system says."""

    effected_at: AwareDatetime
    evidence: Evidence = Field(examples=["order 4711, contract ended 2026-08-31"])
    system: Annotated[str, Field(max_length=64, pattern=PRINTABLE)] = ""


class WithdrawalBody(Body):
    """What proves that the customer came back."""

    evidence: Evidence


@router.get("/cancellations", response_model=CancellationList, summary="List cancellations, the newest first")
async def list_(
    request: Request,
    token: MayRead,
    state: CancellationState | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Response:
    """Page after page by ``next``."""
    found = await api_of(request).database.read(
        lambda conn: list_cancellations(conn, state=state, before=cursor, limit=limit)
    )
    upcoming = next_cursor([one.case_id for one in found], limit)
    return answer(request, {"items": [shown(one) for one in found], "next": upcoming})


@router.get("/cancellations/{reference}", response_model=CancellationBody, summary="Read one cancellation")
async def get(request: Request, token: MayRead, reference: Reference) -> Response:
    """By the reference that the customer has."""
    found = await api_of(request).database.read(lambda conn: load_cancellation(conn, reference))
    return answer(request, shown(_known(found)))


@router.post(
    "/cancellations/{reference}/effected",
    response_model=CancellationBody,
    summary="Confirm that a cancellation took effect",
)
async def effected(
    request: Request,
    token: MayWrite,
    reference: Reference,
    effect: EffectBody,
    key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """Keeps the promise and begins the watch; said again, it changes nothing and adds its evidence."""
    api = api_of(request)
    said = Effect(effect.effected_at, effect.evidence, effect.system or token.name)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        _matching(conn, reference, if_match)
        confirm_effect(conn, reference, said, now, api.policy, api.rng, token.actor)
        return 200, _read_again(conn, reference)

    return await write_once(request, token, key, work)


@router.post(
    "/cancellations/{reference}/withdrawn",
    response_model=CancellationBody,
    summary="Say that the customer came back",
)
async def withdrawn(
    request: Request,
    token: MayWrite,
    reference: Reference,
    withdrawal: WithdrawalBody,
    key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Response:
    """From now on it binds nobody; what happened before stays in the history."""
    api = api_of(request)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        _matching(conn, reference, if_match)
        withdraw(conn, reference, withdrawal.evidence, now, api.rng, token.actor)
        return 200, _read_again(conn, reference)

    return await write_once(request, token, key, work)


def shown(found: Register) -> dict[str, Any]:
    """Return a cancellation as it is answered."""
    return CancellationBody.shown(
        found.cancellation,
        reference=found.reference,
        contract=found.matter,
        is_open=found.is_open,
        system=found.system,
        evidence=found.evidence,
    )


def _known(found: Register | None) -> Register:
    return known(found, "no cancellation has this reference")


def _matching(conn: Connection, reference: str, if_match: str | None) -> None:
    check_match(shown(_known(load_cancellation(conn, reference, for_update=True))), if_match)


def _read_again(conn: Connection, reference: str) -> CancellationBody:
    return CancellationBody.model_validate(shown(_known(load_cancellation(conn, reference))))
