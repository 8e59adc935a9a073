"""The alarm about drift: scores of today against the model's first, once an hour."""

from collections.abc import Sequence

import structlog

from itaca.cases.drift import Drift, drifts
from itaca.clock import Clock
from itaca.observability.metrics import Metrics
from itaca.storage.database import Database
from itaca.storage.drift import keep_alarms, score_samples

log = structlog.get_logger()
_EVERY_S = 3600.0


class DriftAlarm:
    """Compares complaint scores, and writes down for the router where a "no" is to be doubted."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics) -> None:
        self._database, self._clock, self._metrics = database, clock, metrics
        self._next_s = clock.monotonic_s()
        self._told: list[str] = []

    async def run(self) -> None:
        """Show the drift; raise the alarms that stand, and take back those that do not.

        Raises:
            TransientError: the ledger is away.
        """
        if self._clock.monotonic_s() < self._next_s:
            return
        now = self._clock.now()
        reference, recent = await self._database.read(lambda conn: score_samples(conn, now))
        found = drifts(reference, recent)
        alarms = [one for one in found if one.is_alarming]
        await self._database.write(lambda conn: keep_alarms(conn, alarms, now))
        self._next_s = self._clock.monotonic_s() + _EVERY_S
        self._show(found, [one.language for one in alarms])

    def _show(self, found: Sequence[Drift], alarming: list[str]) -> None:
        self._metrics.score_drift.clear()
        for one in found:
            self._metrics.score_drift.labels(one.language).set(one.index)
        if alarming != self._told:
            self._told = alarming
            log.warning("watch.drift_changed", alarms=alarming)
