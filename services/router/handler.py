"""Judged mails in, one transaction out: everything that follows from them, or nothing.

In:     MailClassified, in batches.
Out:    readings, cases, promises, outbox entries and settled mails, and the samples of the standing audit among
        them, committed together; then the messages' acks.
Fails:  a message that is no MailClassified -> dead letter, which the watch turns into a review case.
        TransientError of the ledger -> the batch is held and tried again. Twice equals once: a mail that is
        settled is skipped.
"""

import random
from collections.abc import Sequence

import structlog

from itaca.broker.settlement import Ack, DeadLetter, Settlement
from itaca.cases.actions import Decision
from itaca.cases.decision import decide
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.clock import Clock
from itaca.contracts.codec import decode
from itaca.contracts.events import MailClassified
from itaca.errors import PermanentError
from itaca.observability.metrics import Metrics
from itaca.storage.database import Database
from itaca.storage.routing import Routed, Waiting, route
from services.router.caution import Caution

log = structlog.get_logger()


class Router:
    """Decides about mails that were judged."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rng: random.Random,
        policy: Policy,
        metrics: Metrics,
        audit_per_month: float = 0.0,
    ) -> None:
        self._database, self._clock, self._rng = database, clock, rng
        self._policy, self._metrics = policy, metrics
        self._audit_per_month = audit_per_month
        self._caution = Caution(database, clock)

    async def handle(self, bodies: Sequence[bytes]) -> Sequence[Settlement]:
        """Settle the mails of one batch.

        Raises:
            TransientError: the ledger is away; nothing was settled.
        """
        settlements: list[Settlement] = []
        events: list[MailClassified] = []
        for body in bodies:
            try:
                events.append(decode(MailClassified, body))
                settlements.append(Ack())
            except PermanentError as error:
                settlements.append(DeadLetter(str(error)))
        if events:
            await self._route([Waiting(e.mail_id, e.judgement) for e in events])
        return settlements

    async def _route(self, waiting: Sequence[Waiting]) -> None:
        now = self._clock.now()
        today = self._policy.calendar.today(now)
        await self._caution.refresh()

        def decided(mail: MailFacts, standing: Standing) -> Decision:
            return decide(self._caution.applied(mail), standing, self._policy)

        routed = await self._database.write(
            lambda conn: route(
                conn, waiting, decided, now, today, self._rng, "router", self._audit_per_month, self._policy
            )
        )
        self._report(routed)

    def _report(self, routed: Routed) -> None:
        for mail_id, outcome in routed.outcomes.items():
            self._metrics.settled.labels(outcome.value).inc()
            log.info("router.mail_settled", mail_id=mail_id, outcome=outcome.value)
        for kind in routed.opened:
            self._metrics.cases_opened.labels(kind.value).inc()
        if routed.already_settled:
            log.info("router.mails_skipped", count=routed.already_settled)
