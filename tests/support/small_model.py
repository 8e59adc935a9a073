"""A model trained in a second on a few mails of the corpus, and what a test may do to its folder."""

import itertools
import shutil
import tempfile
import threading
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from itaca.contracts.events import Judgement, WrittenText
from itaca.contracts.intents import Intent, Verdict
from services.classifier.model import Pin
from services.classifier.promotion import promote
from services.classifier.training.train import Recipe, train
from services.classifier.worker import judge_texts

CORPUS = Path(__file__).parents[2] / "models" / "corpus"
_FILES = ("it_retail", "en", "de", "fr", "es")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEADLY = "end this worker"
ENDLESS = "never come to an end"


def small_corpus(folder: Path, mails_a_file: int = 30) -> Path:
    """Write a small corpus, the first mails of five files, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        with (CORPUS / f"{name}.jsonl").open(encoding="utf-8") as lines:
            (folder / f"{name}.jsonl").write_text("".join(itertools.islice(lines, mails_a_file)), encoding="utf-8")
    return folder


@cache
def _trained() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="itaca-trained-")


@pytest.fixture(scope="session")
def trained_models() -> Path:
    """A folder with one small promoted model, trained once in this process; not to be changed."""
    folder = Path(_trained().name)
    return folder / "models" if (folder / "models").exists() else small_model(folder)


@pytest.fixture
def models(trained_models: Path, tmp_path: Path) -> Path:
    """A copy of it, under the name that verbs look for, that a test may break."""
    return Path(shutil.copytree(trained_models, tmp_path / "models"))


def small_model(folder: Path, seed: int = 0) -> Path:
    """Train and promote a small model; returns the folder of models."""
    models = folder / "models"
    version = train(Recipe(small_corpus(folder / "corpus"), seed), models, lambda _share, _what: None, NOW)
    promote(models, version)
    return models


def mortal_work(models_dir: Path, pin: Pin, texts: list[WrittenText]) -> list[Judgement]:
    """Judge as a worker does, but die of the mail that says so, and hang on the one that says that."""
    import os

    for text in texts:
        if DEADLY in text.new_text:
            os._exit(139)
        if ENDLESS in text.new_text:
            threading.Event().wait()
    return judge_texts(models_dir, pin, texts)


def contrary_work(models_dir: Path, pin: Pin, texts: list[WrittenText]) -> list[Judgement]:
    """Find a complaint in every mail and nothing else, and die of the mail that says so."""
    mortal_work(models_dir, pin, texts)
    verdicts = {intent: Verdict.YES if intent is Intent.COMPLAINT else Verdict.NO for intent in Intent}
    found = Judgement(model=pin.version, scores=dict.fromkeys(Intent, 0.5), verdicts=verdicts, needs_review=False)
    return [found for _ in texts]
