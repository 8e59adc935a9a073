"""Suppressions: may this be sent or charged? Fast, cacheable for a minute, safe to ask before every send."""

import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from itaca.contracts.intents import CancellationState
from itaca.storage.suppressions import Suppression, SuppressionKey
from itaca.storage.tokens import Scope, Token
from services.desk.api.access import admitted, needs
from services.desk.api.core import PRINTABLE, Body, api_of
from services.desk.api.etags import answer
from services.desk.api.problems import Fault, problem

LONGEST_S = 60
"""How long an answer may be kept; less when a cancellation takes effect before."""
_LONGEST_VALUE = 320
_VALUE = re.compile(PRINTABLE)


class DirectRoute(APIRoute):
    """Serves the check without FastAPI's way of filling in arguments, which costs as much as all the rest.

    The endpoint below says what is documented; here the same is read by hand, with the same refusals.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return _direct


async def _direct(request: Request) -> Response:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    token = await admitted(request, text.strip() if kind.lower() == "bearer" else "", Scope.SUPPRESSIONS_READ)
    key, value = request.path_params["key"], request.path_params["value"]
    if key not in _KEYS or len(value) > _LONGEST_VALUE or not _VALUE.fullmatch(value):
        where = "path.value" if key in _KEYS else "path.key"
        return problem(422, "the request is not as this operation wants it", [Fault(where=where, says="is none")])
    return await check(request, token, _KEYS[key], value)


router = APIRouter(tags=["suppressions"], route_class=DirectRoute)
_KEYS = {key.value: key for key in SuppressionKey}
May = Annotated[Token, Depends(needs(Scope.SUPPRESSIONS_READ))]


class Reason(Body):
    """A cancellation that binds."""

    reference: str
    contract: str = Field(
        description="The contract or order that it names; empty: everything of this customer. Of a customer who was "
        "erased `erased:` and a hash, unless it was asked for."
    )
    state: CancellationState
    requested_at: AwareDatetime
    effective_at: AwareDatetime = Field(description="From then on nothing may be sent or charged.")


class Suppressed(Body):
    """The answer: ``suppressed`` means do not."""

    suppressed: bool
    because: list[Reason] = Field(description="Also cancellations whose effect is still to come.")


@router.get(
    "/suppressions/{key}/{value}",
    response_model=Suppressed,
    responses={304: {"description": "As you have it."}},
    summary="May this customer be sent to or charged?",
)
async def check(
    request: Request,
    token: May,
    key: SuppressionKey,
    value: Annotated[str, Path(min_length=1, max_length=_LONGEST_VALUE, pattern=PRINTABLE)],
) -> Response:
    """By e-mail address or customer code every cancellation of the customer counts; by contract, those that name it
    and those that name none.
    """
    api = api_of(request)
    found = await request.app.state.checks.find(key, value)
    now = api.clock.now()
    headers = {"cache-control": f"private, max-age={_fresh_s(found, now)}"}
    return answer(request, suppressed(found, now), headers=headers)


def suppressed(found: Sequence[Suppression], now: datetime) -> dict[str, Any]:
    """Return the answer as plain values; a model of it would cost as much as finding it."""
    return {
        "suppressed": any(one.effective_at <= now for one in found),
        "because": [
            {
                "reference": one.reference,
                "contract": one.matter,
                "state": one.state.value,
                "requested_at": one.requested_at.isoformat(),
                "effective_at": one.effective_at.isoformat(),
            }
            for one in found
        ],
    }


def _fresh_s(found: Sequence[Suppression], now: datetime) -> int:
    """Return how many seconds the answer stays true: no longer than until the next cancellation takes effect."""
    coming = [(one.effective_at - now).total_seconds() for one in found if one.effective_at > now]
    return int(min([LONGEST_S, *coming]))
