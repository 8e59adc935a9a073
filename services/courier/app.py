"""The courier as a stage: the one place where it meets its adapters."""

import asyncio
from collections.abc import Sequence

import structlog

from itaca.cases.policy import Policy
from itaca.errors import TransientError
from itaca.keys import open_keyring
from itaca.mail.reply_address import ReplyAddresses
from itaca.observability.logs import place_of
from itaca.process import Parts, pause
from itaca.storage.outbox import claim_due
from services.courier.doors import Door, open_door
from services.courier.handler import Courier, Writing
from services.courier.messages import Letters
from services.courier.receipts import Receipts
from services.courier.settings import CourierSettings
from services.courier.webhooks import WebhookDoor

log = structlog.get_logger()


class CourierStage:
    """Looks at the outbox every second and delivers what is due, a few at a time."""

    name = "courier"

    def __init__(self, parts: Parts, settings: CourierSettings, door: Door, letters: Writing) -> None:
        self._parts, self._settings = parts, settings
        self._courier = Courier(
            parts.database,
            parts.broker,
            door,
            letters,
            parts.clock,
            parts.rng,
            parts.metrics,
            settings,
            has_exchange=not parts.settings.broker_url.get_secret_value().startswith("memory://"),
            receipts=Receipts(parts.database, parts.settings),
            webhooks=WebhookDoor(parts.database, parts.clock, parts.rng, settings, parts.settings),
        )
        self._problem = ""

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if not await self.round():
                await pause(self._settings.interval_s, self._parts.clock, stopping)

    async def round(self) -> int:
        """Deliver one batch and return how many entries were in it; what was begun is finished."""
        now, settings = self._parts.clock.now(), self._settings
        try:
            entries = await self._parts.database.write(
                lambda conn: claim_due(conn, now, settings.lease_s, settings.batch_size)
            )
        except TransientError as error:
            self._problem = str(error)
            return 0
        self._problem = ""
        results = await asyncio.gather(*(self._courier.deliver(e) for e in entries), return_exceptions=True)
        for entry, result in zip(entries, results, strict=True):
            if isinstance(result, TransientError):
                log.warning("courier.entry_left", outbox_id=entry.id, problem=str(result))
            elif isinstance(result, Exception):
                # A bug of ours in one letter must not keep all others here: its lease runs out, and it is seen again.
                what, where = type(result).__name__, place_of(result)
                log.error("courier.entry_crashed", outbox_id=entry.id, error=what, where=where)
            elif isinstance(result, BaseException):
                raise result
        return len(entries)

    def problems(self) -> Sequence[str]:
        return [self._problem] if self._problem else []


def build(parts: Parts, settings: CourierSettings) -> CourierStage:
    shared = parts.settings
    addresses = ReplyAddresses(open_keyring(shared)) if shared.reply_tokens else None
    zone = Policy().calendar.zone
    letters = Letters(shared.organisation, settings.from_address, shared.evidence_address, zone, addresses)
    return CourierStage(parts, settings, open_door(settings, shared.data_dir), letters)
