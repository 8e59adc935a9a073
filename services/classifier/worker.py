"""What runs inside a worker process: one model, a memory limit, and nothing of the rest of the stage."""

import resource
from collections.abc import Sequence
from pathlib import Path

from itaca.contracts.events import Judgement, WrittenText
from services.classifier.model import Model, Pin, load_pinned

_MIB = 1024 * 1024


class _Held:
    """The model of this process; one process never holds two."""

    model: Model | None = None


def prepare_worker(memory_mib: int) -> None:
    """Limit the data memory of this process; a mail that needs more ends the worker, not the machine."""
    limit = memory_mib * _MIB
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def open_model(models_dir: Path, pin: Pin) -> str:
    """Load the model, so that the first mail does not wait for it; returns its version.

    Raises:
        PermanentError: the model is refused.
    """
    if _Held.model is None:
        _Held.model = load_pinned(models_dir, pin)
    return _Held.model.version


def judge_texts(models_dir: Path, pin: Pin, texts: Sequence[WrittenText]) -> list[Judgement]:
    """Judge the texts with the model of this worker, loading it first in a worker that was just started again.

    Raises:
        PermanentError: the model is refused.
    """
    open_model(models_dir, pin)
    assert _Held.model is not None
    return _Held.model.judge(texts)
