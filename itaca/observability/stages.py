"""What a stage's runner reports, as metrics."""

from itaca.observability.metrics import Metrics


class StageObserver:
    """Counts settled messages and how long each took, under the stage's name."""

    def __init__(self, stage: str, metrics: Metrics) -> None:
        self._stage, self._metrics = stage, metrics

    def on_settled(self, queue: str, how: str, seconds: float) -> None:
        """Count one message; ``how`` is ack, retry or dead_letter."""
        self._metrics.messages.labels(self._stage, how).inc()
        self._metrics.stage_seconds.labels(self._stage).observe(seconds)
