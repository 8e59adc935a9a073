"""The door of webhooks: signed by Standard Webhooks, to checked addresses, without following anybody elsewhere."""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
import standardwebhooks

from itaca.clock import Clock
from itaca.contracts.ids import OutboxId, uuid7
from itaca.errors import ConfigurationError, ItacaError, PermanentError, TransientError
from itaca.keys import open_keyring
from itaca.settings import SharedSettings
from itaca.storage.database import Database
from itaca.storage.deliveries import Delivery, log_delivery
from itaca.storage.outbox import OutboxEntry
from itaca.storage.webhooks import (
    TEST_EVENT,
    Webhook,
    WebhookEvent,
    end_webhook,
    event_payload,
    load_webhook,
    standing_webhooks,
)
from services.courier.addresses import resolve
from services.courier.settings import CourierSettings

_GONE = 410
_PORTS = {"https": 443, "http": 80}


class HeldError(TransientError):
    """The subscription is paused: what it is told waits, for as long as that lasts."""


class WebhookDoor:
    """Delivers events to subscriptions, and notes every attempt."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rng: random.Random,
        settings: CourierSettings,
        shared: SharedSettings,
    ) -> None:
        self._database, self._clock, self._rng, self._shared = database, clock, rng, shared
        self._timeout_s = settings.webhook_timeout_s
        self._allowed = [ip_network(network) for network in settings.webhook_networks]
        self._tls: ssl.SSLContext | None = None

    async def deliver(self, entry: OutboxEntry) -> str:
        """Deliver one event to its subscription and return by what it was taken.

        Raises:
            HeldError: the subscription is paused; a test is sent all the same.
            TransientError: nobody answered, or the answer was no success; again later.
            PermanentError: the subscription has ended, its receiver is gone, or it leads where it may not.
        """
        webhook = await self._database.read(lambda conn: load_webhook(conn, entry.recipient))
        if webhook is None or webhook.ended_at is not None:
            raise PermanentError("the subscription has ended")
        if webhook.paused_at is not None and entry.payload["type"] != TEST_EVENT:
            raise HeldError("the subscription is paused")
        return await self._attempt(webhook, entry.id, entry.payload)

    async def hand_off(self, entry: OutboxEntry, event: WebhookEvent, data: Mapping[str, Any]) -> Sequence[str]:
        """Hand a matter to everybody who takes it by webhook; return by what it was taken, nothing if nobody does.

        Raises:
            HeldError: one of them is paused.
            TransientError: one of them did not take it; all are asked again, by the same id.
            PermanentError: one of them leads where it may not.
        """
        standing = await self._database.read(standing_webhooks)
        takers = [hook for hook in standing if event in hook.events]
        if any(hook.paused_at is not None for hook in takers):
            raise HeldError("a subscription that takes it is paused")
        payload = event_payload(entry.id, event, entry.created_at, data)
        return [await self._attempt(hook, entry.id, payload) for hook in takers]

    async def _attempt(self, webhook: Webhook, outbox_id: OutboxId, payload: Mapping[str, Any]) -> str:
        now, started = self._clock.now(), time.monotonic()
        status: int | None = None
        problem = ""
        try:
            status = await self._post(webhook, payload, now)
            problem = _problem(status)
        except ItacaError as error:
            problem = str(error)
            raise
        finally:
            milliseconds = int((time.monotonic() - started) * 1000)
            await self._note(webhook, outbox_id, payload, now, status, milliseconds, problem)
        if status == _GONE:
            because = "its receiver answered 410 Gone"
            await self._database.write(lambda conn: end_webhook(conn, webhook.id, because, now))
            raise PermanentError(because)
        if problem:
            raise TransientError(problem)
        return f"taken by a webhook ({status})"

    async def _post(self, webhook: Webhook, payload: Mapping[str, Any], now: datetime) -> int:
        """Send it to the checked address, under the name that its certificate must bear; return the status."""
        parts, url = _parsed(webhook.url)
        port, hostname = parts.port or _PORTS.get(parts.scheme, 0), parts.hostname or ""
        # Without TLS anybody on the way could read: only networks that were allowed by name are reached so.
        address = await resolve(hostname, port, self._allowed, is_private_only=parts.scheme != "https")
        body = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        signature = self._signature(webhook, str(payload["id"]), now, body)
        shown = f"[{address}]" if ":" in address else address
        target = url.copy_with(host=shown, fragment=None)
        headers = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": "Itaca",
            "webhook-id": str(payload["id"]),
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        try:
            # Each step has its limit in httpx, and all of them together have it here: an answer may come in drops.
            async with asyncio.timeout(self._timeout_s):
                return await self._send(target, hostname, body.encode(), headers)
        except (httpx.HTTPError, TimeoutError) as error:
            kind = "ReadTimeout" if isinstance(error, TimeoutError) else type(error).__name__
            raise TransientError(f"the webhook does not answer ({kind})") from error

    async def _send(self, target: httpx.URL, hostname: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post the body and return the status; what the answer holds is not read."""
        timeout = httpx.Timeout(self._timeout_s)
        # No pool is kept: one connection to an address could otherwise serve two names.
        async with httpx.AsyncClient(verify=self._context(), timeout=timeout, trust_env=False) as client:
            request = client.build_request(
                "POST", target, content=body, headers=headers, extensions=_sni(hostname, timeout)
            )
            response = await client.send(request, stream=True, follow_redirects=False)
            await response.aclose()
        return response.status_code

    def _signature(self, webhook: Webhook, event_id: str, now: datetime, body: str) -> str:
        """Sign by each secret in force: after a rotation the receiver knows one of them.

        Raises:
            TransientError: the key that sealed them is not here; nothing is lost while somebody puts it back.
        """
        try:
            keyring = open_keyring(self._shared, makes=False)
            in_force = webhook.secrets_at(now, keyring)
        except ConfigurationError as error:
            raise TransientError("the secret of the webhook cannot be opened: see ITACA_SECRET_KEY") from error
        return " ".join(standardwebhooks.Webhook(secret).sign(event_id, now, body) for secret in in_force)

    async def _note(
        self,
        webhook: Webhook,
        outbox_id: OutboxId,
        payload: Mapping[str, Any],
        at: datetime,
        status: int | None,
        milliseconds: int,
        problem: str,
    ) -> None:
        delivery = Delivery(
            uuid7(at, self._rng),
            webhook.id,
            outbox_id,
            str(payload["id"]),
            str(payload["type"]),
            at,
            status,
            milliseconds,
            problem,
        )
        await self._database.write(lambda conn: log_delivery(conn, delivery))

    def _context(self) -> ssl.SSLContext:
        """Return whom we trust; reading it takes longer than a delivery, so it is read once."""
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls


def _parsed(text: str) -> tuple[SplitResult, httpx.URL]:
    """Read an address.

    Raises:
        PermanentError: it is none; what makes subscriptions refuses such, but a row may come from elsewhere.
    """
    try:
        parts, url = urlsplit(text), httpx.URL(text)
        if parts.hostname and parts.port != 0:
            return parts, url
    except (ValueError, httpx.InvalidURL):
        pass
    raise PermanentError("the webhook has no address that leads anywhere")


def _problem(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"the webhook answered {status}; nobody is followed elsewhere"
    return f"the webhook answered {status}"


def _sni(hostname: str, timeout: httpx.Timeout) -> dict[str, Any]:
    return {"sni_hostname": hostname, "timeout": timeout.as_dict()}
