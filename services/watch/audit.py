"""The figures of the standing audit as metrics: how many mails wait for their check, and what the checks prove."""

import structlog

from itaca.clock import Clock
from itaca.observability.metrics import Metrics
from itaca.storage.audit_samples import ALL, elusion
from itaca.storage.database import Database

log = structlog.get_logger()
_EVERY_S = 60.0


class AuditFigures:
    """Counts the checks once a minute; a person makes a few hundred of them in a month."""

    def __init__(self, database: Database, clock: Clock, metrics: Metrics) -> None:
        self._database, self._clock, self._metrics = database, clock, metrics
        self._next_s = clock.monotonic_s()
        self._misses = 0

    async def run(self) -> None:
        """Set the metrics, and say aloud when a check has found a missed complaint.

        Raises:
            TransientError: the ledger is away.
        """
        if self._clock.monotonic_s() < self._next_s:
            return
        now = self._clock.now()
        found = await self._database.read(lambda conn: elusion(conn, now))
        self._next_s = self._clock.monotonic_s() + _EVERY_S
        for one in found:
            self._metrics.elusion.labels(one.language).set(one.upper_bound)
            if one.language == ALL:
                self._metrics.audit_samples.labels("waiting").set(one.waiting)
                self._metrics.audit_samples.labels("checked").set(one.checked)
                if one.misses > self._misses:
                    log.warning("watch.miss_found", misses=one.misses, checked=one.checked)
                self._misses = one.misses
