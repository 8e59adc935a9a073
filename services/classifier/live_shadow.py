"""A candidate that judges the mail of the day beside the champion: it answers nothing, and its differences are told.

In:     mails with the champion's judgements, after these were published.
Out:    counters, and one line in the log for each mail that the candidate answers differently.
Fails:  never for the mail: what the candidate cannot judge in time is skipped and counted, and a candidate that
        is refused ends the shadow, not the stage.
"""

import asyncio
from collections.abc import Sequence

import structlog

from itaca.contracts.events import Judgement, MailReceived
from itaca.contracts.ids import ModelVersion
from itaca.errors import PermanentError
from itaca.observability.metrics import Metrics
from services.classifier.judge import Unjudged
from services.classifier.judge_pool import PinnedPool, Work
from services.classifier.promotion import pin_of
from services.classifier.settings import ClassifierSettings
from services.classifier.shadow import differing
from services.classifier.verdicts import NO_MODEL
from services.classifier.worker import judge_texts

log = structlog.get_logger()
MAX_WAITING = 64
"""Batches that wait for the candidate; more are skipped, so that a slow candidate cannot fill the memory."""
ONLY_REVIEW = "none"
"""What stands for the intent where the verdicts agree and only one of the two asks for a person."""

Judged = Sequence[tuple[MailReceived, Judgement]]


class LiveShadow:
    """Judges behind the champion, in worker processes of its own."""

    def __init__(self, settings: ClassifierSettings, metrics: Metrics, work: Work = judge_texts) -> None:
        self._settings, self._metrics, self._work = settings, metrics, work
        self._waiting: asyncio.Queue[Judged] = asyncio.Queue(MAX_WAITING)

    def offer(self, judged: Judged) -> None:
        """Take a batch that the champion has answered; never waits. Without a champion nothing is compared."""
        if any(judgement.model == NO_MODEL for _, judgement in judged):
            self._count("skipped", len(judged))
            return
        try:
            self._waiting.put_nowait(judged)
        except asyncio.QueueFull:
            self._count("skipped", len(judged))

    async def run(self) -> None:
        """Judge what is offered until cancelled; return early if the candidate is refused."""
        version = self._settings.shadow
        pool: PinnedPool | None = None
        try:
            pin = await asyncio.to_thread(pin_of, self._settings.models_dir, version)
            pool = PinnedPool(self._settings, pin, self._work)
            await pool.open()
            log.info("classifier.shadow_loaded", model=version)
            while True:
                await self._judge(pool, await self._waiting.get())
        except PermanentError as error:
            log.error("classifier.shadow_refused", model=version, reason=str(error))
        finally:
            if pool is not None:
                await asyncio.to_thread(pool.close)

    async def _judge(self, pool: PinnedPool, judged: Judged) -> None:
        answers = await pool.judge([mail.text for mail, _ in judged])
        for (mail, champion), answer in zip(judged, answers, strict=True):
            if isinstance(answer, Unjudged):
                self._count("failed", 1)
            else:
                self._count("judged", 1)
                self._compare(mail, champion, answer)

    def _compare(self, mail: MailReceived, champion: Judgement, candidate: Judgement) -> None:
        intents = differing(champion, candidate)
        if intents is None:
            return
        names = [intent.value for intent in intents]
        for name in names or [ONLY_REVIEW]:
            self._metrics.shadow_differences.labels(name).inc()
        versions: dict[str, ModelVersion] = {"champion": champion.model, "candidate": candidate.model}
        log.info("classifier.shadow_differed", mail_id=mail.mail_id, intents=names, **versions)

    def _count(self, how: str, mails: int) -> None:
        self._metrics.shadow_mails.labels(how).inc(mails)
