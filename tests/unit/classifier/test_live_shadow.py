"""Shadow on running mail: differences are counted and logged by id, and nothing of it reaches an answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from itaca.contracts.events import Judgement, MailReceived, WrittenText
from itaca.contracts.ids import MailId, ModelVersion
from itaca.contracts.intents import Intent, Verdict
from itaca.observability.metrics import Metrics
from services.classifier.live_shadow import MAX_WAITING, LiveShadow
from services.classifier.model import read_pin
from services.classifier.settings import ClassifierSettings
from tests.support.small_model import DEADLY, contrary_work
from tests.support.waiting import until

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def mail(number: int, text: str) -> MailReceived:
    return MailReceived(
        mail_id=MailId(f"mail-{number}"), received_at=NOW, text=WrittenText(subject="", new_text=text, language="it")
    )


def judgement(complaint: Verdict, needs_review: bool = False) -> Judgement:
    verdicts = {Intent.ORDER: Verdict.NO, Intent.COMPLAINT: complaint, Intent.CANCELLATION: Verdict.NO}
    scores = dict.fromkeys(Intent, 0.5)
    return Judgement(model=ModelVersion("champion"), scores=scores, verdicts=verdicts, needs_review=needs_review)


def seen(metrics: Metrics, name: str, value: str) -> float:
    label = "intent" if "differences" in name else "how"
    return metrics.registry.get_sample_value(name, {label: value}) or 0.0


@asynccontextmanager
async def running(shadow: LiveShadow) -> AsyncIterator[None]:
    """Let the shadow judge until the end of the block."""
    task = asyncio.ensure_future(shadow.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.slow
async def test_differences_are_counted_by_intent_and_logged_by_id(models: Path) -> None:
    """The candidate finds a complaint everywhere: one agrees, one differs, one differs in the review alone."""
    metrics = Metrics()
    settings = ClassifierSettings(models_dir=models, shadow=read_pin(models).version, judge_timeout_s=60.0)
    shadow = LiveShadow(settings, metrics, contrary_work)
    structlog.configure()
    with capture_logs() as logs:
        async with running(shadow):
            shadow.offer([(mail(1, "segreto"), judgement(Verdict.YES)), (mail(2, "x"), judgement(Verdict.NO))])
            shadow.offer(
                [(mail(3, "y"), judgement(Verdict.YES, needs_review=True)), (mail(4, DEADLY), judgement(Verdict.YES))]
            )
            await until(
                lambda: (
                    seen(metrics, "itaca_shadow_mails_total", "judged") == 3
                    and seen(metrics, "itaca_shadow_mails_total", "failed") == 1
                ),
                "the shadow has judged",
                60,
            )
    assert seen(metrics, "itaca_shadow_differences_total", "complaint") == 1
    assert seen(metrics, "itaca_shadow_differences_total", "none") == 1
    assert seen(metrics, "itaca_shadow_differences_total", "order") == 0
    told = [(one["mail_id"], one["intents"]) for one in logs if one["event"] == "classifier.shadow_differed"]
    assert told == [("mail-2", ["complaint"]), ("mail-3", [])]
    assert "segreto" not in str(logs)


async def test_a_slow_candidate_is_skipped_and_counted() -> None:
    """What does not fit into its line is left out; the champion never waits."""
    metrics = Metrics()
    shadow = LiveShadow(ClassifierSettings(shadow="itaca-x"), metrics)
    batch = [(mail(1, "x"), judgement(Verdict.NO)), (mail(2, "y"), judgement(Verdict.NO))]
    for _ in range(MAX_WAITING + 3):
        shadow.offer(batch)
    assert seen(metrics, "itaca_shadow_mails_total", "skipped") == 6


async def test_a_refused_candidate_ends_the_shadow_only(tmp_path: Path) -> None:
    """It is told once, and what is offered later goes nowhere."""
    structlog.configure()
    shadow = LiveShadow(ClassifierSettings(models_dir=tmp_path, shadow="itaca-x"), Metrics())
    with capture_logs() as logs:
        await shadow.run()
    assert [one["event"] for one in logs] == ["classifier.shadow_refused"]
    shadow.offer([(mail(1, "x"), judgement(Verdict.NO))])


def test_a_candidate_that_is_not_there_is_a_problem_of_the_configuration(models: Path) -> None:
    """A misspelt version stops the start instead of shadowing nothing in silence."""
    version = read_pin(models).version
    assert ClassifierSettings(models_dir=models, shadow=version).problems() == []
    (problem,) = ClassifierSettings(models_dir=models, shadow="itaca-x").problems()
    assert problem.startswith("ITACA_CLASSIFIER_SHADOW: there is no model itaca-x")
