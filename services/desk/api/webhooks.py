"""Webhooks: subscribe, unsubscribe, see what was tried, send again."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import Connection
from starlette.responses import Response

from itaca.storage.deliveries import list_deliveries, redeliver
from itaca.storage.tokens import Scope, Token
from itaca.storage.webhook_secrets import keyring_here
from itaca.storage.webhooks import (
    LONGEST_URL,
    NONE_STANDS,
    URL_PATTERN,
    Webhook,
    WebhookEvent,
    add_webhook,
    end_webhook,
    list_webhooks,
    load_webhook,
)
from services.desk.api.access import needs
from services.desk.api.core import Body, IdempotencyKey, api_of, known, write_once
from services.desk.api.etags import answer
from services.desk.api.pages import Cursor, Limit, next_cursor
from services.desk.api.problems import RefusedError

router = APIRouter(tags=["webhooks"])
MayRead = Annotated[Token, Depends(needs(Scope.WEBHOOKS_READ))]
MayWrite = Annotated[Token, Depends(needs(Scope.WEBHOOKS_WRITE))]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_NONE = "no subscription has this id"


class NewWebhook(Body):
    """Where events go. Without TLS, and into private networks, only where the courier's settings allow it."""

    url: Annotated[str, Field(max_length=LONGEST_URL, pattern=URL_PATTERN, examples=["https://crm.example/itaca"])]
    events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=len(WebhookEvent))]


class WebhookBody(Body):
    """One subscription."""

    id: str
    url: str
    events: list[WebhookEvent]
    created_at: AwareDatetime
    paused_at: AwareDatetime | None = Field(description="Since when nothing is sent; what happens meanwhile waits.")
    ended_at: AwareDatetime | None
    ended_because: str


class NewWebhookBody(WebhookBody):
    """A subscription just made: its secret is shown this once."""

    secret: str = Field(description="Verifies the signatures (Standard Webhooks); keep it.")


class WebhookList(Body):
    items: list[WebhookBody]


class DeliveryBody(Body):
    """One attempt at delivering an event."""

    id: str
    event_id: str
    event: str
    at: AwareDatetime
    status: int | None = Field(description="What HTTP answered; null where nobody did.")
    milliseconds: int
    problem: str = Field(description="Empty for a success.")


class DeliveryList(Body):
    items: list[DeliveryBody]
    next: str | None


class Queued(Body):
    """The event leaves once more; its attempts stand in the log."""

    outbox_id: str


@router.post("/webhooks", response_model=NewWebhookBody, status_code=201, summary="Subscribe to events")
async def subscribe(request: Request, token: MayWrite, new: NewWebhook) -> Response:
    """`order.received` and `cancellation.requested` carry the matter itself: taking one takes it over.

    There is no Idempotency-Key here: its answer would be kept, and the secret with it.
    """
    api = api_of(request)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        keyring = keyring_here(conn, api.shared)
        made, secret = add_webhook(conn, new.url, set(new.events), now, api.rng, keyring)
        return 201, NewWebhookBody(**shown(made), secret=secret)

    return await write_once(request, token, None, work)


@router.get("/webhooks", response_model=WebhookList, summary="List subscriptions")
async def list_(request: Request, token: MayRead) -> Response:
    """Those that ended, too; never their secrets."""
    found = await api_of(request).database.read(list_webhooks)
    return answer(request, {"items": [shown(one) for one in found]})


@router.delete("/webhooks/{webhook_id}", status_code=204, summary="Unsubscribe")
async def unsubscribe(request: Request, token: MayWrite, webhook_id: Id) -> Response:
    """Nothing more is sent; the log stays."""
    api = api_of(request)
    now = api.clock.now()
    because = f"ended by {token.name}"
    if not await api.database.write(lambda conn: end_webhook(conn, webhook_id, because, now)):
        raise RefusedError(404, NONE_STANDS)
    return Response(status_code=204)


@router.get("/webhooks/{webhook_id}/deliveries", response_model=DeliveryList, summary="Read the delivery log")
async def deliveries(
    request: Request, token: MayRead, webhook_id: Id, cursor: Cursor = "", limit: Limit = 50
) -> Response:
    """Every attempt, the newest first."""

    def work(conn: Connection) -> Any:
        known(load_webhook(conn, webhook_id), _NONE)
        return list_deliveries(conn, webhook_id, cursor, limit)

    found = await api_of(request).database.read(work)
    upcoming = next_cursor([one.id for one in found], limit)
    return answer(request, {"items": [DeliveryBody.shown(one) for one in found], "next": upcoming})


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    response_model=Queued,
    status_code=202,
    summary="Send an event once more",
)
async def again(
    request: Request, token: MayWrite, webhook_id: Id, delivery_id: Id, key: IdempotencyKey = None
) -> Response:
    """With the same id, by which its receiver knows it."""
    api = api_of(request)

    def work(conn: Connection, now: datetime) -> tuple[int, Body]:
        known(load_webhook(conn, webhook_id), _NONE)
        return 202, Queued(outbox_id=redeliver(conn, webhook_id, delivery_id, now, api.rng))

    return await write_once(request, token, key, work)


def shown(found: Webhook) -> dict[str, Any]:
    """Return a subscription as it is answered, without its secret."""
    return WebhookBody.shown(found, events=sorted(found.events))
