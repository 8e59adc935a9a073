"""Webhooks: who is told which events, what was tried, and what is sent again."""

import base64
import random
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from itaca.contracts.ids import CaseId, OutboxId, uuid7
from itaca.contracts.intents import OutboxKind
from itaca.errors import PermanentError
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.outbox import NewEntry, enqueue
from itaca.storage.tables import outbox, webhook_deliveries, webhooks

_SECRET_BYTES = 32


class WebhookEvent(StrEnum):
    """What other systems may be told. The two hand-offs are taken by whoever executes them: see ``HAND_OFFS``."""

    CASE_OPENED = "case.opened"
    CASE_ESCALATED = "case.escalated"
    CASE_CLOSED = "case.closed"
    CANCELLATION_REQUESTED = "cancellation.requested"
    CANCELLATION_EFFECTED = "cancellation.effected"
    CANCELLATION_VIOLATED = "cancellation.violated"
    ORDER_RECEIVED = "order.received"
    PROMISE_BROKEN = "promise.broken"


HAND_OFFS = (WebhookEvent.ORDER_RECEIVED, WebhookEvent.CANCELLATION_REQUESTED)
"""They carry the customer's words, and the matter counts as handed over when they are taken."""


@dataclass(frozen=True)
class Webhook:
    """One subscription. ``ended_because`` is empty while it stands."""

    id: str
    url: str
    secret: str = field(repr=False)
    events: frozenset[WebhookEvent]
    created_at: datetime
    ended_at: datetime | None
    ended_because: str


@dataclass(frozen=True)
class Delivery:
    """One attempt. ``status`` is what HTTP answered, None where nobody did; ``problem`` is empty for a success."""

    id: str
    webhook_id: str
    outbox_id: OutboxId
    event_id: str
    event: str
    at: datetime
    status: int | None
    milliseconds: int
    problem: str


def add_webhook(
    conn: Connection, url: str, events: Collection[WebhookEvent], now: datetime, rng: random.Random
) -> Webhook:
    """Subscribe; the secret that signs (Standard Webhooks) is made here, by the operating system's chance."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    webhook = Webhook(uuid7(now, rng), url, secret, frozenset(events), now, None, "")
    names = sorted(event.value for event in events)
    row = {"id": webhook.id, "url": url, "secret": secret, "events": names, "created_at": to_micros(now)}
    conn.execute(insert(webhooks).values(row))
    return webhook


def list_webhooks(conn: Connection) -> Sequence[Webhook]:
    """Return all subscriptions, those that ended too, in the order of their making."""
    return [_webhook(row) for row in conn.execute(select(webhooks).order_by(webhooks.c.id))]


def load_webhook(conn: Connection, webhook_id: str) -> Webhook | None:
    row = conn.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
    return None if row is None else _webhook(row)


def standing_webhooks(conn: Connection) -> Sequence[Webhook]:
    """Return the subscriptions that have not ended."""
    return [_webhook(row) for row in conn.execute(select(webhooks).where(webhooks.c.ended_at.is_(None)))]


def end_webhook(conn: Connection, webhook_id: str, because: str, now: datetime) -> bool:
    """End a subscription for ever; its log stays. Return False if there is none that stands."""
    is_standing = (webhooks.c.id == webhook_id) & webhooks.c.ended_at.is_(None)
    change = update(webhooks).where(is_standing).values(ended_at=to_micros(now), ended_because=because)
    return conn.execute(change).rowcount == 1


def log_delivery(conn: Connection, delivery: Delivery) -> None:
    """Write down one attempt."""
    values = {"id": delivery.id, "webhook_id": delivery.webhook_id, "outbox_id": delivery.outbox_id}
    more = {"status": delivery.status, "milliseconds": delivery.milliseconds, "problem": delivery.problem}
    told = {"event_id": delivery.event_id, "event": delivery.event, "at": to_micros(delivery.at)}
    conn.execute(insert(webhook_deliveries).values({**values, **told, **more}))


def list_deliveries(conn: Connection, webhook_id: str, before: str = "", limit: int = 50) -> Sequence[Delivery]:
    """Return attempts, the newest first, those before the one with this id."""
    table = webhook_deliveries
    query = select(table).where(table.c.webhook_id == webhook_id).order_by(table.c.id.desc()).limit(limit)
    if before:
        query = query.where(table.c.id < before)
    return [_delivery(row) for row in conn.execute(query)]


def redeliver(conn: Connection, webhook_id: str, delivery_id: str, now: datetime, rng: random.Random) -> OutboxId:
    """Send the event of an attempt once more, with the same id, so that its receiver knows it.

    Raises:
        PermanentError: there is no such attempt, its subscription has ended, or it was a hand-off, which is tried
            until it is taken.
    """
    row = conn.execute(
        select(outbox)
        .join(outbox, outbox.c.id == webhook_deliveries.c.outbox_id)
        .where(webhook_deliveries.c.id == delivery_id, webhook_deliveries.c.webhook_id == webhook_id)
    ).one_or_none()
    if row is None:
        raise PermanentError("there is no such delivery")
    if row.kind != OutboxKind.WEBHOOK.value:
        raise PermanentError("a hand-off is tried until it is taken; it is not sent twice")
    webhook = load_webhook(conn, webhook_id)
    if webhook is None or webhook.ended_at is not None:
        raise PermanentError("the subscription has ended")
    new_id = OutboxId(uuid7(now, rng))
    key = f"webhook:{webhook_id}:again:{new_id}"
    case_id = None if row.case_id is None else CaseId(row.case_id)
    enqueue(conn, [NewEntry(new_id, OutboxKind.WEBHOOK, key, row.payload, now, row.recipient, case_id)])
    return new_id


def event_payload(event_id: str, event: WebhookEvent, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent: the form that Standard Webhooks recommends, and the id that stands in its headers."""
    return {"id": event_id, "type": event.value, "timestamp": at.isoformat(), "data": dict(data)}


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    return Webhook(
        row.id,
        row.url,
        row.secret,
        frozenset(WebhookEvent(name) for name in row.events),
        from_micros(row.created_at),
        None if row.ended_at is None else from_micros(row.ended_at),
        row.ended_because,
    )


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        row.id,
        row.webhook_id,
        OutboxId(row.outbox_id),
        row.event_id,
        row.event,
        from_micros(row.at),
        row.status,
        row.milliseconds,
        row.problem,
    )
