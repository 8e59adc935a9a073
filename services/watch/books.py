"""The state of the whole as metrics: the books, the queues, the cases."""

import structlog

from itaca.broker.port import Broker
from itaca.broker.topology import TOPOLOGY
from itaca.clock import Clock
from itaca.contracts.intents import CaseKind
from itaca.errors import TransientError
from itaca.observability.metrics import Metrics
from itaca.storage.books import Books, close_page, glance
from itaca.storage.database import Database
from itaca.storage.line import open_cases, overdue_promises

log = structlog.get_logger()
_PAGE_EVERY_S = 300.0


class Bookkeeper:
    """Reads the ledger and the broker, and shows what it finds."""

    def __init__(
        self, database: Database, broker: Broker, clock: Clock, metrics: Metrics, overdue_after_s: float
    ) -> None:
        self._database, self._broker, self._clock, self._metrics = database, broker, clock, metrics
        self._overdue_after_s = overdue_after_s
        self._next_page_s = clock.monotonic_s()
        self._told: list[str] = []

    async def run(self) -> None:
        """Balance the books and set the metrics.

        Raises:
            TransientError: the ledger is away.
        """
        now = self._clock.now()
        if self._clock.monotonic_s() >= self._next_page_s:
            self._next_page_s = self._clock.monotonic_s() + _PAGE_EVERY_S
            await self._database.write(lambda conn: close_page(conn, now))
        books = await self._database.read(lambda conn: glance(conn, now, self._overdue_after_s))
        opened = await self._database.read(open_cases)
        overdue = await self._database.read(lambda conn: overdue_promises(conn, now))
        self._show(books)
        for kind in CaseKind:
            self._metrics.cases_open.labels(kind.value).set(opened.get(kind, 0))
        self._metrics.cases_overdue.set(overdue)
        await self._show_queues(books)

    def _show(self, books: Books) -> None:
        metrics = self._metrics
        metrics.unsettled.set(books.in_progress)
        metrics.unsettled_age.set(books.oldest_unsettled_age_s)
        metrics.unaccounted.set(books.unaccounted)
        metrics.ownerless.set(books.cases_without_owner)
        metrics.outbox_pending.set(books.outbox_pending)
        metrics.outbox_age.set(books.outbox_oldest_age_s)
        problems = books.problems()
        if problems != self._told:
            self._told = problems
            log.warning("watch.books_checked", problems=problems)

    async def _show_queues(self, books: Books) -> None:
        for queue in TOPOLOGY:
            try:
                depth = await self._broker.depth(queue.name)
            except TransientError:
                self._metrics.queue_age.labels(queue.name).set(books.oldest_unsettled_age_s)
                continue
            for state, count in (("ready", depth.ready), ("retrying", depth.retrying), ("dead", depth.dead)):
                self._metrics.queue_messages.labels(queue.name, state).set(count)
            waits = depth.ready + depth.retrying + depth.dead > 0
            age = depth.oldest_age_s if depth.oldest_age_s is not None else books.oldest_unsettled_age_s
            self._metrics.queue_age.labels(queue.name).set(age if waits else 0)
