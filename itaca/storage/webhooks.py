"""Webhooks: who is told which events, with which secret, and who is paused."""

import base64
import random
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from itaca.contracts.ids import uuid7
from itaca.contracts.intents import OutboxKind
from itaca.errors import PermanentError
from itaca.keys import Keyring
from itaca.storage.conditions import is_unsent
from itaca.storage.moments import from_micros, to_micros
from itaca.storage.tables import outbox, webhooks

OLD_SECRET_SIGNS = timedelta(days=1)
"""So long after a rotation the old secret signs beside the new one: a receiver has time to learn it."""
NONE_STANDS = "no subscription that stands has this id: it has ended, or never was"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,200}[A-Za-z0-9])?"
_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?"
URL_PATTERN = rf"^https?://{_HOST}{_PORT}(/[!-~]{{0,1500}})?$"
"""Where events may go, as far as one can tell from the address: no user, no port that does not exist."""
LONGEST_URL = 2_000
_SECRET_BYTES = 32
_HAND_OFF_KINDS = (OutboxKind.ORDER_HANDOFF.value, OutboxKind.CANCELLATION_HANDOFF.value)


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
TEST_EVENT = "webhook.test"
"""Sent by hand to see whether a receiver answers; nobody subscribes to it."""


@dataclass(frozen=True)
class Webhook:
    """One subscription. ``ended_because`` is empty while it stands; nothing is sent while it is paused.

    ``sealed``: the secrets that sign, sealed, the newest first.
    """

    id: str
    url: str
    sealed: Sequence[str] = field(repr=False)
    events: frozenset[WebhookEvent]
    created_at: datetime
    ended_at: datetime | None = None
    ended_because: str = ""
    paused_at: datetime | None = None
    old_until: datetime | None = None

    def secrets_at(self, moment: datetime, keyring: Keyring) -> list[str]:
        """Return the secrets that sign at a moment.

        Raises:
            ConfigurationError: the key that sealed them is not here.
        """
        in_force = self.sealed if self.old_until is not None and moment < self.old_until else self.sealed[:1]
        return [keyring.open(one) for one in in_force]


def is_receiver(url: str) -> bool:
    """Say whether events can go to this address."""
    return len(url) <= LONGEST_URL and re.fullmatch(URL_PATTERN, url) is not None


def add_webhook(
    conn: Connection,
    url: str,
    events: Collection[WebhookEvent],
    now: datetime,
    rng: random.Random,
    keyring: Keyring,
) -> tuple[Webhook, str]:
    """Subscribe; return the subscription and its secret (Standard Webhooks), which nobody can read again here.

    Raises:
        PermanentError: events cannot go to such an address.
    """
    if not is_receiver(url):
        raise PermanentError("events go to an address such as https://crm.example/itaca")
    secret = _new_secret()
    webhook = Webhook(uuid7(now, rng), url, (keyring.seal(secret),), frozenset(events), now)
    names = sorted(event.value for event in events)
    row = {"id": webhook.id, "url": url, "secret": webhook.sealed[0], "events": names, "created_at": to_micros(now)}
    conn.execute(insert(webhooks).values(row))
    return webhook, secret


def list_webhooks(conn: Connection) -> Sequence[Webhook]:
    """Return all subscriptions, those that ended too, in the order of their making."""
    return [_webhook(row) for row in conn.execute(select(webhooks).order_by(webhooks.c.id))]


def load_webhook(conn: Connection, webhook_id: str) -> Webhook | None:
    row = conn.execute(select(webhooks).where(webhooks.c.id == webhook_id)).one_or_none()
    return None if row is None else _webhook(row)


def standing_webhooks(conn: Connection) -> Sequence[Webhook]:
    """Return the subscriptions that have not ended."""
    return [_webhook(row) for row in conn.execute(_standing())]


def end_webhook(conn: Connection, webhook_id: str, because: str, now: datetime) -> bool:
    """End a subscription for ever; its log stays. Return False if there is none that stands."""
    return _change(conn, webhook_id, ended_at=to_micros(now), ended_because=because)


def pause_webhook(conn: Connection, webhook_id: str, now: datetime) -> bool:
    """Send nothing more until it is resumed: what happens meanwhile waits. Return False if there is none to pause."""
    return _change(conn, webhook_id, webhooks.c.paused_at.is_(None), paused_at=to_micros(now))


def resume_webhook(conn: Connection, webhook_id: str, now: datetime) -> bool:
    """Send again, at once what has waited; return False if none of this id is paused."""
    if not _change(conn, webhook_id, webhooks.c.paused_at.is_not(None), paused_at=None):
        return False
    # Hand-offs name no receiver: all that wait are tried, which costs one attempt each.
    waits = (outbox.c.recipient == webhook_id) | outbox.c.kind.in_(_HAND_OFF_KINDS)
    held = update(outbox).where(is_unsent(), outbox.c.lease_until.is_(None), waits)
    conn.execute(held.values(next_at=to_micros(now)))
    return True


def rotate_secret(conn: Connection, webhook_id: str, now: datetime, keyring: Keyring) -> str:
    """Give a subscription a new secret and return it; the old one signs beside it for ``OLD_SECRET_SIGNS``.

    Raises:
        PermanentError: there is none of this id that stands.
    """
    secret = _new_secret()
    until = to_micros(now + OLD_SECRET_SIGNS)
    if not _change(conn, webhook_id, old_secret=webhooks.c.secret, old_until=until, secret=keyring.seal(secret)):
        raise PermanentError(NONE_STANDS)
    return secret


def event_payload(event_id: str, event: str, at: datetime, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is sent: the form that Standard Webhooks recommends, and the id that stands in its headers."""
    return {"id": event_id, "type": str(event), "timestamp": at.isoformat(), "data": dict(data)}


def _new_secret() -> str:
    """Return a secret as Standard Webhooks writes it, by the operating system's chance."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _change(conn: Connection, webhook_id: str, *conditions: Any, **values: Any) -> bool:
    """Change a subscription that stands; return whether there was one."""
    is_standing = (webhooks.c.id == webhook_id) & webhooks.c.ended_at.is_(None)
    return conn.execute(update(webhooks).where(is_standing, *conditions).values(**values)).rowcount == 1


@cache
def _standing() -> Select[Any]:
    """Every routing transaction asks this; built once, as building takes longer than running."""
    return select(webhooks).where(webhooks.c.ended_at.is_(None))


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    return Webhook(
        row.id,
        row.url,
        tuple(sealed for sealed in (row.secret, row.old_secret) if sealed),
        frozenset(WebhookEvent(name) for name in row.events),
        from_micros(row.created_at),
        None if row.ended_at is None else from_micros(row.ended_at),
        row.ended_because,
        None if row.paused_at is None else from_micros(row.paused_at),
        None if row.old_until is None else from_micros(row.old_until),
    )
