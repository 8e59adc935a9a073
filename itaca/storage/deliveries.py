"""The delivery log of webhooks: every attempt, read page by page, and what is sent once more."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from itaca.contracts.ids import CaseId, OutboxId, uuid7
from itaca.contracts.intents import OutboxKind, OutboxState
from itaca.errors import PermanentError
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.outbox import NewEntry, enqueue
from itaca.storage.paging import PAGE, Page, Place, cut, from_place
from itaca.storage.tables import outbox, webhook_deliveries
from itaca.storage.webhooks import NONE_STANDS, TEST_EVENT, Webhook, event_payload, load_webhook


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


@dataclass(frozen=True)
class LoggedDelivery:
    """One attempt with what has become of its event since: after ``attempts``, again at ``next_at`` while it waits.

    ``may_repeat``: it can be sent once more, which a hand-off cannot.
    """

    delivery: Delivery
    state: OutboxState
    attempts: int
    next_at: datetime
    may_repeat: bool


def log_delivery(conn: Connection, delivery: Delivery) -> None:
    """Write down one attempt."""
    values = {"id": delivery.id, "webhook_id": delivery.webhook_id, "outbox_id": delivery.outbox_id}
    more = {"status": delivery.status, "milliseconds": delivery.milliseconds, "problem": delivery.problem}
    told = {"event_id": delivery.event_id, "event": delivery.event, "at": to_micros(delivery.at)}
    conn.execute(insert(webhook_deliveries).values({**values, **told, **more}))


def list_deliveries(conn: Connection, webhook_id: str, before: str = "", limit: int = 50) -> Sequence[Delivery]:
    """Return attempts, the newest first, those before the one with this id."""
    query = _attempts(webhook_id).order_by(webhook_deliveries.c.id.desc()).limit(limit)
    if before:
        query = query.where(webhook_deliveries.c.id < before)
    return [_logged(row).delivery for row in conn.execute(query)]


def log_page(
    conn: Connection, webhook_id: str, place: Place | None = None, limit: int = PAGE
) -> Page[LoggedDelivery]:
    """Return a page of attempts with what became of their events, the newest first, by the index of the log.

    Args:
        place: by the id of an attempt.
    """
    query = from_place(_attempts(webhook_id), (webhook_deliveries.c.id,), place, limit + 1, is_newest_first=True)
    return cut([_logged(row) for row in conn.execute(query)], place, limit)


def send_test(conn: Connection, webhook_id: str, now: datetime, rng: random.Random) -> OutboxId:
    """Let a subscription be sent an event that says nothing, also while it is paused.

    Raises:
        PermanentError: there is none of this id that stands.
    """
    _standing(conn, webhook_id)
    new_id = OutboxId(uuid7(now, rng))
    payload = event_payload(new_id, TEST_EVENT, now, {})
    enqueue(conn, [NewEntry(new_id, OutboxKind.WEBHOOK, f"webhook:{new_id}", payload, now, webhook_id)])
    return new_id


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
    _standing(conn, webhook_id)
    new_id = OutboxId(uuid7(now, rng))
    key = f"webhook:{webhook_id}:again:{new_id}"
    case_id = None if row.case_id is None else CaseId(row.case_id)
    enqueue(conn, [NewEntry(new_id, OutboxKind.WEBHOOK, key, row.payload, now, row.recipient, case_id)])
    return new_id


def _attempts(webhook_id: str) -> Select[Any]:
    entry = (outbox.c.kind, outbox.c.state, outbox.c.attempts, outbox.c.next_at)
    query = select(webhook_deliveries, *entry).join(outbox, outbox.c.id == webhook_deliveries.c.outbox_id)
    return query.where(webhook_deliveries.c.webhook_id == webhook_id)


def _standing(conn: Connection, webhook_id: str) -> Webhook:
    webhook = load_webhook(conn, webhook_id)
    if webhook is None or webhook.ended_at is not None:
        raise PermanentError(NONE_STANDS)
    return webhook


def _logged(row: Row[tuple[object, ...]]) -> LoggedDelivery:
    delivery = Delivery(
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
    may_repeat = row.kind == OutboxKind.WEBHOOK.value
    return LoggedDelivery(delivery, OutboxState(row.state), row.attempts, from_micros(row.next_at), may_repeat)
