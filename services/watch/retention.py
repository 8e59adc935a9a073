"""What was kept long enough loses its words, a little every hour; nothing does unless the settings say so."""

import random
import secrets
from datetime import timedelta
from functools import partial

import structlog

from itaca.clock import Clock
from itaca.contracts.ids import uuid7
from itaca.storage.database import Database
from itaca.storage.erasure import Order
from itaca.storage.retention import forget_closed, forget_noted
from itaca.storage.salted import SALT_BYTES
from services.watch.settings import WatchSettings

log = structlog.get_logger()
ACTOR = "watch"
_EVERY_S = 3600.0
_MOST_PAGES = 50
"""Of each class in one hour: a ledger of years is forgotten in days, and nobody waits for it."""


class Retention:
    """Forgets old mail and old cases, a page in a transaction."""

    def __init__(self, database: Database, clock: Clock, rng: random.Random, settings: WatchSettings) -> None:
        self._database, self._clock, self._rng = database, clock, rng
        self._next_s = clock.monotonic_s()
        self._classes = (
            ("noted", settings.retain_noted_days, forget_noted),
            ("closed", settings.retain_closed_days, forget_closed),
        )

    async def run(self) -> None:
        """Forget what the settings say, once an hour.

        Raises:
            TransientError: the ledger is away.
        """
        if self._clock.monotonic_s() < self._next_s:
            return
        now = self._clock.now()
        for kind, days, forget in self._classes:
            if days:
                await self._pages(kind, days, partial(forget, before=now - timedelta(days=days)))
        self._next_s = self._clock.monotonic_s() + _EVERY_S

    async def _pages(self, kind: str, days: int, forget: "partial[int]") -> None:
        seen = 0
        for _ in range(_MOST_PAGES):
            now = self._clock.now()
            reason = f"kept for {days} days, as the settings say"
            order = Order(uuid7(now, self._rng), now, ACTOR, reason, secrets.token_bytes(SALT_BYTES))
            page = await self._database.write(partial(forget, order=order))
            seen += page
            if not page:
                break
        if seen:
            log.info("watch.words_forgotten", kind=kind, looked_at=seen)
