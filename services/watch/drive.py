"""Unsettled mail is driven again; what the machine cannot settle in time goes to a person.

A mail that merely waits its turn is left alone: while the router settles mail, whatever was received after the
newest settled mail is behind it in the line, and driving it again would only make the line longer.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import Connection

from itaca.cases.actions import Decision
from itaca.cases.decision import decide
from itaca.cases.model import MailFacts, Standing
from itaca.cases.policy import Policy
from itaca.clock import Clock
from itaca.contracts.ids import MailId
from itaca.errors import PermanentError
from itaca.mail.model import MailText
from itaca.observability.metrics import Metrics
from itaca.storage.database import Database
from itaca.storage.line import newest_settled
from itaca.storage.mails import MailRow, claim_unsettled, is_any_due, load_texts
from itaca.storage.routing import Waiting, route
from services.watch.settings import WatchSettings

log = structlog.get_logger()
STRIKES = 3
PROGRESS_WITHIN = timedelta(seconds=30)


class Driving(Protocol):
    """What a round asks of ``services.watch.driver.Driver``."""

    async def drive(self, mails: Sequence[MailRow], texts: dict[MailId, MailText]) -> None: ...


class Drive:
    """One round: claim what is due, send it on its way again or to a person."""

    def __init__(
        self,
        database: Database,
        driver: Driving,
        clock: Clock,
        rng: random.Random,
        policy: Policy,
        metrics: Metrics,
        settings: WatchSettings,
    ) -> None:
        self._database, self._driver, self._clock, self._rng = database, driver, clock, rng
        self._policy, self._metrics, self._settings = policy, metrics, settings

    async def run(self) -> None:
        """Drive one batch.

        Raises:
            TransientError: the ledger is away, or nobody can own a review; what was claimed comes again at its
                next date.
        """
        now = self._clock.now()
        due = await self._database.write(lambda conn: self._claim(conn, now))
        if not due:
            return
        texts = await self._database.read(lambda conn: load_texts(conn, [mail.id for mail in due]))
        given_up = {mail.id: reason for mail in due if (reason := self._hopeless(mail, mail.id in texts, now))}
        again = [mail for mail in due if mail.id not in given_up]
        self._metrics.driven.inc(len(again))
        log.info("watch.mails_driven", count=len(again), given_up=len(given_up))
        try:
            await self.review(given_up)
        finally:
            # Their next date has moved on already: what nobody can own yet must not cost the others their turn.
            await self._driver.drive(again, texts)

    def _claim(self, conn: Connection, now: datetime) -> list[MailRow]:
        """Take what is due and does not merely wait its turn; while nothing is due, this is one small look."""
        if not is_any_due(conn, now):
            return []
        limit, first_s = self._settings.batch_size, self._settings.drive_after_s
        front = newest_settled(conn, now - PROGRESS_WITHIN)
        return claim_unsettled(conn, now, limit, first_s=first_s, received_until=front)

    async def review(self, reasons: dict[MailId, str]) -> None:
        """Settle these mails by review cases; each reason is what the owner reads.

        A mail that the ledger refuses to settle stays unsettled and loud in the books; it keeps nobody else waiting.

        Raises:
            TransientError: the ledger is away.
        """
        for mail_id, reason in reasons.items():
            try:
                await self._review_one(Waiting(mail_id, None, reason))
            except PermanentError as error:
                log.error("watch.review_refused", mail_id=mail_id, problem=str(error))

    async def _review_one(self, waiting: Waiting) -> None:
        now = self._clock.now()
        today = self._policy.calendar.today(now)

        def decided(mail: MailFacts, standing: Standing) -> Decision:
            return decide(mail, standing, self._policy)

        routed = await self._database.write(
            lambda conn: route(conn, [waiting], decided, now, today, self._rng, "watch", policy=self._policy)
        )
        for mail_id, outcome in routed.outcomes.items():
            self._metrics.settled.labels(outcome.value).inc()
            log.warning("watch.mail_reviewed", mail_id=mail_id, reason=waiting.review_reason)

    def _hopeless(self, mail: MailRow, is_read: bool, now: datetime) -> str:
        """Return why a person must decide, or nothing.

        What was not tried often enough is not given up for its age: after a standstill every mail is old.
        """
        if mail.attempts <= STRIKES:
            return ""
        if not is_read:
            return f"the mail could not be read in {STRIKES} attempts"
        waited_s = (now - mail.received_at).total_seconds()
        if waited_s < self._settings.review_after_s:
            return ""
        return f"the classifier has not answered for {waited_s / 60:.0f} minutes"
