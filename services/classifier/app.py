"""The classifier, put together: the only place that chooses what judges and where the answers go."""

import asyncio
from collections.abc import Sequence

from itaca.broker.runner import Runner
from itaca.broker.topology import CLASSIFIER_MAIL_RECEIVED, ROUTER_MAIL_CLASSIFIED, QueueName
from itaca.contracts.events import Judgement
from itaca.observability.metrics import Metrics
from itaca.process import Parts, pause
from services.classifier.handler import ClassifyHandler
from services.classifier.judge_pool import JudgePool
from services.classifier.live_shadow import LiveShadow
from services.classifier.settings import ClassifierSettings

STOP_GRACE_S = 30.0


class ClassifierStage:
    """Reads one queue, judges, publishes; changes its model while it works."""

    name = "classifier"

    def __init__(self, parts: Parts, settings: ClassifierSettings) -> None:
        self._parts, self._settings = parts, settings
        self._pool = JudgePool(settings)
        self._shadow = LiveShadow(settings, parts.metrics) if settings.shadow else None
        self._shown_model = ""

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until ``stopping``, then finish the batch in hand."""
        await self._pool.start()
        self._show_model()
        runner = Runner(
            self._parts.broker,
            CLASSIFIER_MAIL_RECEIVED,
            ClassifyHandler(self._pool, self._publish, self._observe, self._shadow.offer if self._shadow else None),
            batch_size=self._settings.batch_size,
            clock=self._parts.clock,
            observer=_Settled(self._parts.metrics),
        )
        reading = asyncio.ensure_future(runner.run())
        following = asyncio.ensure_future(self._follow(stopping))
        # Nothing waits for the shadow: when it ends, the stage works on.
        beside = [asyncio.ensure_future(self._shadow.run())] if self._shadow else []
        try:
            await asyncio.wait({reading, following}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await runner.stop(STOP_GRACE_S)
            for task in (reading, following, *beside):
                task.cancel()
            ended = await asyncio.gather(reading, following, *beside, return_exceptions=True)
            await self._pool.close()
        for result in ended:
            if isinstance(result, Exception):
                raise result

    def problems(self) -> Sequence[str]:
        """Return why mail goes to people instead of being judged."""
        return self._pool.problems()

    async def _follow(self, stopping: asyncio.Event) -> None:
        """Look for another model again and again until told to stop."""
        while not stopping.is_set():
            await pause(self._settings.reload_s, self._parts.clock, stopping)
            if not stopping.is_set():
                await self._pool.follow()
                self._show_model()

    async def _publish(self, bodies: Sequence[bytes]) -> None:
        await self._parts.broker.publish(ROUTER_MAIL_CLASSIFIED, bodies)

    def _observe(self, judgement: Judgement) -> None:
        for intent, verdict in judgement.verdicts.items():
            self._parts.metrics.judged.labels(intent.value, verdict.value).inc()

    def _show_model(self) -> None:
        version = self._pool.version
        if version != self._shown_model:
            self._parts.metrics.model_info.clear()
            self._parts.metrics.model_info.labels(version).set(1)
            self._shown_model = version


class _Settled:
    """Counts what the runner settles."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_settled(self, queue: QueueName, how: str, seconds: float) -> None:
        self._metrics.messages.labels("classifier", how).inc()
        self._metrics.stage_seconds.labels("classifier").observe(seconds)


def build(parts: Parts, settings: ClassifierSettings) -> ClassifierStage:
    """Build the stage from the parts of its process."""
    return ClassifierStage(parts, settings)
