"""What webhooks carry, for the description of the API: the same for every event, and the matter itself for two."""

from typing import Annotated

from fastapi import APIRouter
from fastapi import Body as FromBody
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from itaca.contracts.events import OrderHandoff
from itaca.contracts.intents import ActivityKind, CaseKind, CaseOutcome, CaseStatus
from itaca.storage.webhooks import HAND_OFFS, WebhookEvent

_TITLES = {
    WebhookEvent.CASE_OPENED: "A case was opened",
    WebhookEvent.CASE_ESCALATED: "A case went up, or left its owner",
    WebhookEvent.CASE_CLOSED: "A case was closed",
    WebhookEvent.CANCELLATION_REQUESTED: "A cancellation to carry out",
    WebhookEvent.CANCELLATION_EFFECTED: "A cancellation took effect",
    WebhookEvent.CANCELLATION_VIOLATED: "Something happened after a cancellation took effect",
    WebhookEvent.ORDER_RECEIVED: "An order to take on",
    WebhookEvent.PROMISE_BROKEN: "A promise was broken",
}


class CaseFacts(BaseModel):
    """The case when it happened, and what the event adds; never words of customers."""

    model_config = ConfigDict(extra="allow")
    reference: str
    kind: CaseKind
    status: CaseStatus
    outcome: CaseOutcome | None
    severity: int
    level: int
    contacts: int
    opened_at: AwareDatetime
    promise: str | None = Field(None, description="What was promised.")
    due_at: AwareDatetime | None = Field(None, description="When it broke.")
    system: str | None = Field(None, description="Which system carried it out, or violated it.")
    effected_at: AwareDatetime | None = Field(None, description="When the executing system carried it out.")
    effective_at: AwareDatetime | None = Field(None, description="From when on the cancellation binds.")
    activity: str | None = Field(None, description="Our id of the report that violated it.")
    activity_kind: ActivityKind | None = Field(None, description="What was done after the cancellation.")


class Told(BaseModel):
    """What every event has (Standard Webhooks); ``id`` stands in the header webhook-id, too."""

    model_config = ConfigDict(extra="forbid")
    id: str
    type: WebhookEvent
    timestamp: AwareDatetime


class CaseTold(Told):
    """Something happened to a case."""

    data: CaseFacts


class MatterTold(Told):
    """A matter for whoever carries it out: a 2xx takes it over."""

    data: OrderHandoff


def router() -> APIRouter:
    """Return the webhooks as OpenAPI 3.1 describes them."""
    made = APIRouter(tags=["told"])
    for event in WebhookEvent:
        receive = _matter if event in HAND_OFFS else _case
        made.add_api_route(
            event.value,
            receive,
            methods=["POST"],
            summary=_TITLES[event],
            operation_id=f"told_{event.value.replace('.', '_')}",
            status_code=204,
            response_description="Taken; anything else than 2xx is tried again.",
        )
    return made


def _case(told: Annotated[CaseTold, FromBody()]) -> None:
    """Signed by Standard Webhooks: verify it before you believe it."""


def _matter(told: Annotated[MatterTold, FromBody()]) -> None:
    """Signed by Standard Webhooks: verify it before you believe it. Whoever answers 2xx has taken the matter over."""
