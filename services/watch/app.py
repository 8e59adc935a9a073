"""The watch as a stage: a round every few seconds, each of its duties on its own feet.

In:     the ledger and the broker.
Out:    unsettled mail driven again; review cases for what the machine gave up; broken promises one level up;
        legal terms that end told of; cases of silent owners passed on, and a daily list of those nobody can take;
        cancellations watched from their effect and closed at the end of their watch; the books, the standing audit
        and the drift of scores as metrics; alarms about drift for the router; words forgotten that were kept long
        enough.
Fails:  a duty that meets a TransientError is left until the next round; the others are done all the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from itaca.cases.policy import company_policy
from itaca.dispatch import Dispatcher
from itaca.errors import ItacaError
from itaca.process import Parts, pause
from itaca.readers import ReaderLimits
from itaca.reading import open_dispatcher
from itaca.storage.cancellations import follow_watches
from itaca.storage.promises import Broken, break_overdue
from services.watch.audit import AuditFigures
from services.watch.books import Bookkeeper
from services.watch.clocks import Clocks
from services.watch.drift import DriftAlarm
from services.watch.drive import Drive
from services.watch.driver import Driver
from services.watch.letters import Letters
from services.watch.retention import Retention
from services.watch.settings import WatchSettings

log = structlog.get_logger()


class WatchStage:
    """Runs the rounds until told to stop."""

    name = "watch"

    def __init__(self, parts: Parts, settings: WatchSettings, dispatcher: Dispatcher) -> None:
        self._parts, self._settings, self._policy = parts, settings, company_policy(parts.settings)
        self._dispatcher = dispatcher
        drive = Drive(
            parts.database,
            Driver(parts.database, self._dispatcher),
            parts.clock,
            parts.rng,
            self._policy,
            parts.metrics,
            settings,
        )
        letters = Letters(parts.broker, parts.database, drive.review, parts.metrics)
        books = Bookkeeper(parts.database, parts.broker, parts.clock, parts.metrics, settings.review_after_s + 5 * 60)
        clocks = Clocks(parts.database, parts.clock, parts.rng, self._policy)
        self._duties: dict[str, Callable[[], Awaitable[None]]] = {
            "dead_letters": letters.run,
            "drive": drive.run,
            "promises": self.escalate,
            "cancellations": self.follow_cancellations,
            "legal_terms": clocks.legal_terms,
            "owners": clocks.owners,
            "daily_list": clocks.daily_list,
            "values": clocks.values,
            "books": books.run,
            "audit": AuditFigures(parts.database, parts.clock, parts.metrics).run,
            "retention": Retention(parts.database, parts.clock, parts.rng, settings).run,
            "drift": DriftAlarm(parts.database, parts.clock, parts.metrics).run,
        }
        self._failing: dict[str, str] = {}

    async def run(self, stopping: asyncio.Event) -> None:
        try:
            while not stopping.is_set():
                await self.round()
                await pause(self._settings.interval_s, self._parts.clock, stopping)
        finally:
            await self._dispatcher.close()

    async def round(self) -> None:
        """Do every duty once."""
        for name, duty in self._duties.items():
            try:
                await duty()
            except ItacaError as error:
                self._failing[name] = str(error)
                log.warning("watch.duty_postponed", duty=name, problem=str(error))
            else:
                self._failing.pop(name, None)

    async def escalate(self) -> None:
        """Break every promise whose date has passed.

        Raises:
            TransientError: the ledger is away.
        """
        while broken := await self._break_some():
            for promise in broken:
                self._parts.metrics.escalations.labels(promise.kind.value).inc()
                log.warning("watch.promise_broken", case_id=promise.case_id, level=promise.level)

    async def follow_cancellations(self) -> None:
        """Begin the watches whose date has come, and end those that are over.

        Raises:
            TransientError: the ledger is away.
        """
        now, rng = self._parts.clock.now(), self._parts.rng
        while await self._parts.database.write(lambda conn: follow_watches(conn, now, rng, "watch")):
            pass

    async def _break_some(self) -> Sequence[Broken]:
        """Break some of them at this moment: a case that climbs twice after a standstill has its history in order."""
        now, rng = self._parts.clock.now(), self._parts.rng
        return await self._parts.database.write(lambda conn: break_overdue(conn, now, self._policy, rng, "watch"))

    def problems(self) -> Sequence[str]:
        return [f"{duty}: {problem}" for duty, problem in self._failing.items()]


def build(parts: Parts, settings: WatchSettings) -> WatchStage:
    return WatchStage(parts, settings, open_dispatcher(parts, ReaderLimits()))
