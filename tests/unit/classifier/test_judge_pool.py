"""The pool: a mail that kills its worker harms nobody else, and models change without a gap."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from itaca.contracts.events import Judgement, WrittenText
from services.classifier.judge import Unjudged
from services.classifier.judge_pool import LOOKS_BETWEEN_TRIES, JudgePool
from services.classifier.manifest import MANIFEST_NAME, MODEL_NAME
from services.classifier.model import read_pin
from services.classifier.promotion import promote
from services.classifier.settings import ClassifierSettings
from tests.support.small_model import DEADLY, ENDLESS, mortal_work

pytestmark = pytest.mark.slow


@pytest.fixture
async def pool(models: Path) -> AsyncIterator[JudgePool]:
    """A started pool with mortal workers and short limits."""
    started = JudgePool(ClassifierSettings(models_dir=models, judge_timeout_s=5.0, mail_timeout_s=8.0), mortal_work)
    await started.start()
    yield started
    await started.close()


def _texts(*new: str) -> list[WrittenText]:
    return [WrittenText(subject="", new_text=text, language="it") for text in new]


@pytest.mark.slow
@pytest.mark.parametrize("harm", [DEADLY, ENDLESS])
async def test_lm28_a_mail_that_kills_its_worker_takes_no_neighbour_with_it(pool: JudgePool, harm: str) -> None:
    """The neighbours are judged, the culprit is not, and the next batch is as if nothing had been."""
    first, culprit, last = await pool.judge(_texts("vorrei ordinare", harm, "non è arrivato"))
    assert isinstance(first, Judgement)
    assert isinstance(last, Judgement)
    assert isinstance(culprit, Unjudged)
    assert harm not in culprit.reason
    assert isinstance((await pool.judge(_texts("buongiorno")))[0], Judgement)


async def test_without_a_model_mail_goes_to_review(tmp_path: Path) -> None:
    """No model promoted: readiness says so, and each mail is answered unsure instead of by a default."""
    pool = JudgePool(ClassifierSettings(models_dir=tmp_path))
    await pool.start()
    (answer,) = await pool.judge(_texts("non è arrivato"))
    assert "itaca train" in pool.problems()[0]
    assert isinstance(answer, Judgement)
    assert answer.needs_review
    assert answer.model == pool.version == "none"
    await pool.close()


async def test_a_refused_model_does_not_push_a_good_one_out(pool: JudgePool, models: Path) -> None:
    """The pointer names a model that is not there: the good one goes on, and readiness says what is wrong."""
    version = pool.version
    good = (models / "current").read_text()
    (models / "current").write_text(json.dumps({"version": "itaca-gone", "manifest_sha256": "0"}))
    await pool.follow()
    assert "itaca-gone" in pool.problems()[0]
    assert pool.version == version
    (models / "current").write_text(good)
    await pool.follow()
    assert not pool.problems()
    assert (await pool.judge(_texts("ciao")))[0].model == version  # type: ignore[union-attr]


async def test_a_new_model_takes_over_between_batches(pool: JudgePool, models: Path) -> None:
    """Batches in flight while a model is promoted are each judged by one version, and none is lost."""
    first = pool.version
    second = Path(shutil.copytree(models / first, models / "itaca-second"))
    manifest = json.loads((second / MANIFEST_NAME).read_text())
    manifest["version"] = second.name
    (second / MANIFEST_NAME).write_text(json.dumps(manifest))
    running = [asyncio.ensure_future(pool.judge(_texts(*["non è arrivato"] * 20))) for _ in range(5)]
    await asyncio.to_thread(promote, models, second.name)
    await pool.follow()
    assert pool.version == read_pin(models).version == second.name
    after = await pool.judge(_texts("ciao"))
    for batch in await asyncio.gather(*running):
        assert len(batch) == 20
        assert len({answer.model for answer in batch if isinstance(answer, Judgement)}) == 1
    assert after[0].model == second.name  # type: ignore[union-attr]
    await pool.follow()


async def test_a_refused_model_that_is_restored_is_taken_up(models: Path) -> None:
    """The file is put back as it was, under the same name: a later look finds it good."""
    path = models / read_pin(models).version / MODEL_NAME
    body = path.read_bytes()
    path.write_bytes(body[:-1])
    pool = JudgePool(ClassifierSettings(models_dir=models))
    await pool.start()
    assert pool.version == "none"
    path.write_bytes(body)
    for _ in range(LOOKS_BETWEEN_TRIES):
        await pool.follow()
    assert pool.version == read_pin(models).version
    assert not pool.problems()
    await pool.close()
