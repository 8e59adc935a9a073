"""Activities: what other systems charged, shipped or mailed, held against what customers cancelled."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.cases.activities import Activity
from itaca.contracts.intents import ActivityKind
from itaca.storage.activities import report_activity
from itaca.storage.tokens import Scope, Token
from itaca.storage.violations import VIOLATION
from services.desk.api.access import needs
from services.desk.api.core import PRINTABLE, Body, IdempotencyKey, api_of, write_once

router = APIRouter(tags=["activities"])
May = Annotated[Token, Depends(needs(Scope.ACTIVITIES_WRITE))]
_WHOM = ("email", "customer", "contract")
Name = Annotated[str, Field(min_length=1, pattern=PRINTABLE)]


class NewActivity(Body):
    """Something that happened. One of ``email``, ``customer`` and ``contract`` at least says to whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [name], "properties": {name: {"minLength": 1}}} for name in _WHOM],
        }
    )
    system: Annotated[Name, Field(max_length=64, examples=["billing"])]
    id: Annotated[Name, Field(max_length=128, description="Your own id; the same one again is the same report.")]
    kind: ActivityKind
    happened_at: AwareDatetime
    email: Annotated[str, Field(max_length=320, pattern=PRINTABLE)] = ""
    customer: Annotated[str, Field(max_length=128, pattern=PRINTABLE, description="Customer code.")] = ""
    contract: Annotated[str, Field(max_length=128, pattern=PRINTABLE, description="Contract or order number.")] = ""
    amount: Annotated[str, Field(max_length=32, pattern=PRINTABLE, examples=["34.90 EUR"])] = ""
    description: Annotated[str, Field(max_length=500, pattern=PRINTABLE)] = ""

    @model_validator(mode="after")
    def names_somebody(self) -> "NewActivity":
        if not (self.email or self.customer or self.contract):
            raise ValueError("say to whom: email, customer or contract")
        return self


class ReportedActivity(Body):
    """What became of the report; a violation reopened the case with this reference."""

    id: str
    verdict: Literal["clear", "violation", "unknown"]
    reference: str | None


@router.post(
    "/activities",
    response_model=ReportedActivity,
    status_code=201,
    responses={200: {"model": ReportedActivity, "description": "Known already."}},
    summary="Report a charge, a shipment or a mailing",
)
async def report(request: Request, token: May, new: NewActivity, key: IdempotencyKey = None) -> Response:
    """A hit after the effective date of a cancellation reopens its case one level higher, with this as evidence."""
    api = api_of(request)
    activity = Activity(
        new.system,
        new.id,
        new.kind,
        new.happened_at,
        new.email,
        new.customer,
        new.contract,
        new.description,
        new.amount,
    )

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        done = report_activity(conn, activity, now, api.policy, api.rng, token.actor)
        if done.is_new and done.verdict == VIOLATION:
            api.metrics.violations.labels(done.kind.value).inc()
        answered = ReportedActivity(id=done.id, verdict=done.verdict, reference=done.reference or None)
        return (201 if done.is_new else 200), answered

    return await write_once(request, token, key, work)
