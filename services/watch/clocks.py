"""The clocks of cases: legal terms, parkings that end, owners who are away, the daily list, answers to be scored."""

import random
from collections.abc import Callable
from datetime import date

import structlog
from sqlalchemy import Connection

from itaca.cases.policy import Policy
from itaca.clock import Clock
from itaca.storage.daily_list import leave_daily_lists
from itaca.storage.database import Database
from itaca.storage.legal_clocks import run_clocks
from itaca.storage.owner_timers import check_owners
from itaca.storage.parkings import end_parkings
from itaca.storage.values import score_due

log = structlog.get_logger()
ACTOR = "watch"


class Clocks:
    """Duties of the watch; each returns when nothing is due any more, and raises TransientError without a ledger."""

    def __init__(self, database: Database, clock: Clock, rng: random.Random, policy: Policy) -> None:
        self._database, self._clock, self._rng, self._policy = database, clock, rng, policy
        self._listed: date | None = None

    async def legal_terms(self) -> None:
        """End the parkings whose day has come; warn of legal terms, and break those that are over."""
        await self._until_none("parkings_ended", lambda c: end_parkings(c, self._clock.now(), self._rng, ACTOR))
        await self._until_none(
            "legal_terms_told", lambda c: run_clocks(c, self._clock.now(), self._policy, self._rng, ACTOR)
        )

    async def owners(self) -> None:
        """Look at the owners of the cases whose timers have come."""
        await self._until_none(
            "owners_checked", lambda c: check_owners(c, self._clock.now(), self._policy, self._rng, ACTOR)
        )

    async def values(self) -> None:
        """Score the answers whose customers have had their time to write again."""
        await self._until_none("answers_scored", lambda c: score_due(c, self._clock.now()))

    async def daily_list(self) -> None:
        """Leave the list of the day in the outbox, once; another watch's list is the same one."""
        now = self._clock.now()
        today = self._policy.calendar.today(now)
        if self._listed == today:
            return
        left = await self._database.write(lambda c: leave_daily_lists(c, now, self._policy, self._rng))
        if left is not None:
            self._listed = today
            log.info("watch.daily_lists_left", count=left)

    async def _until_none(self, event: str, work: Callable[[Connection], int]) -> None:
        while done := await self._database.write(work):
            log.info(f"watch.{event}", count=done)
