"""What the command line asks of the classifier: judge files, train, compare, and change models."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from itaca.contracts.events import Judgement, Span, WrittenText
from itaca.contracts.ids import ModelVersion
from itaca.contracts.intents import Verdict
from services.classifier import promotion
from services.classifier.explain import explain as explain_judgement
from services.classifier.manifest import Manifest
from services.classifier.model import Model, load_model
from services.classifier.promotion import open_version
from services.classifier.shadow import shadow as run_shadow
from services.classifier.sources import Source, read_sources

BATCH = 64
SLICES_DIR = Path("tests/model/slices")
"""Mails that are only judged, for the report; absent outside a checkout."""


def classify(paths: Sequence[Path], models_dir: Path, *, explain: bool = False) -> Iterator[dict[str, Any]]:
    """Judge the mails of all paths with the promoted model and yield one row each, in order.

    ``intents`` are those whose verdict is yes; ``review`` says that a person must look. With ``explain`` the
    spans of text that weighed most are added, with the words themselves.

    Raises:
        PermanentError: no usable model, or a path that holds no mail.
    """
    model = load_model(models_dir)
    sources = read_sources(paths)
    while batch := list(islice(sources, BATCH)):
        judgements = model.judge([source.text for source in batch], with_spans=False)
        for source, judgement in zip(batch, judgements, strict=True):
            yield _answer(model, source, judgement, explain=explain)


def _answer(model: Model, source: Source, judgement: Judgement, *, explain: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": source.id,
        "intents": [intent.value for intent, verdict in judgement.verdicts.items() if verdict is Verdict.YES],
        "scores": {intent.value: round(score, 4) for intent, score in judgement.scores.items()},
        "verdicts": {intent.value: verdict.value for intent, verdict in judgement.verdicts.items()},
        "review": judgement.needs_review,
        "review_reasons": list(judgement.review_reasons),
        "language": judgement.language,
        "model": judgement.model,
    }
    if explain:
        spans = explain_judgement(model.scorer, source.text)
        row["spans"] = [_shown(span, source.text) for span in spans]
    return row


def _shown(span: Span, text: WrittenText) -> dict[str, Any]:
    view = {"subject": text.subject, "new": text.new_text, "quoted": text.quoted_text}[span.view]
    return {**span.model_dump(mode="json"), "text": view[span.start : span.end]}


def train(
    corpus_dir: Path,
    models_dir: Path,
    seed: int,
    progress: Callable[[float, str], None],
    *,
    alpha: float | None = None,
    slices_dir: Path = SLICES_DIR,
) -> ModelVersion:
    """Train a candidate; it is not promoted. ``alpha`` is the largest share of complaints that may be missed, 1 %
    if it is not given.

    Raises:
        PermanentError: the corpus cannot be used.
    """
    # scikit-learn takes a second to import, which no other verb should wait for.
    from services.classifier.training.corpus import read_examples
    from services.classifier.training.risk import DEFAULT_ALPHA
    from services.classifier.training.train import Recipe
    from services.classifier.training.train import train as train_model

    judged_only = read_examples(sorted(slices_dir.glob("*.jsonl")))
    recipe = Recipe(corpus_dir, seed, DEFAULT_ALPHA if alpha is None else alpha, judged_only=judged_only)
    return train_model(recipe, models_dir, progress, datetime.now(UTC))


def list_models(models_dir: Path) -> list[dict[str, Any]]:
    """Return one row per model, newest first: version, created_at, current, and its main figures."""
    return [_listed(found.manifest, found.is_current) for found in promotion.list_models(models_dir)]


def _listed(manifest: Manifest, is_current: bool) -> dict[str, Any]:
    main = manifest.scores.get("all", {})
    return {
        "version": manifest.version,
        "created_at": manifest.created_at,
        "current": is_current,
        "mails": manifest.corpus_mails + manifest.labels_mails,
        **{name.replace(" ", "_"): figure.value for name, figure in main.items() if name in _MAIN_FIGURES},
    }


_MAIN_FIGURES = ("macro f1", "complaints found", "complaints safe", "review")


def show_model(models_dir: Path, version: str = "") -> dict[str, Any]:
    """Return the manifest of a model, of the one in use by default.

    Raises:
        PermanentError: there is no such model.
    """
    return promotion.manifest_of(models_dir, version).model_dump(mode="json")


def promote(models_dir: Path, version: str, *, despite_gate: bool = False) -> str:
    """Put a model to work and return its version; running classifiers change over within a second.

    Raises:
        PermanentError: there is no such model, it would be refused, or the gate refused it.
    """
    return promotion.promote(models_dir, version, despite_gate=despite_gate).version


def rollback(models_dir: Path) -> str:
    """Return to the model in use before and return its version.

    Raises:
        PermanentError: there is none.
    """
    return promotion.rollback(models_dir).version


def evaluate(paths: Iterable[Path], models_dir: Path) -> dict[str, Any]:
    """Compare the promoted model with labelled JSON lines; figures per language and slice, with intervals.

    Raises:
        PermanentError: no usable model, or a file without labelled mails.
    """
    from services.classifier.training.evaluate import evaluate as evaluate_files

    return evaluate_files(list(paths), load_model(models_dir))


def import_labels(
    paths: Sequence[Path], target: Path, by: str, *, imap: Sequence[str], password: Callable[[str], str]
) -> int:
    """Append the labels of folders named by intent, CSV files, JSON lines and IMAP folders to ``target``.

    Returns how many. ``imap`` are addresses such as ``imaps://user@host/FOLDER=complaint``; ``password`` returns
    the one of ``user@host``.

    Raises:
        PermanentError: nothing could be read, or a label makes no sense; nothing is added then.
        TransientError: an IMAP server is away.
    """
    from services.classifier.training.imap_folders import labelled_in, parse_folder
    from services.classifier.training.label_sources import import_labels as read_into
    from services.classifier.training.label_sources import labelled_rows

    folders = [parse_folder(address) for address in imap]
    remote = [labelled_in(folder, password(f"{folder.user}@{folder.host}")) for folder in folders]
    sources = [*map(labelled_rows, paths), *remote]
    return read_into(sources, target, by, datetime.now(UTC).isoformat(timespec="seconds"))


def improve(
    corpus_dir: Path,
    labels: Sequence[Path],
    models_dir: Path,
    seed: int,
    progress: Callable[[float, str], None],
    *,
    alpha: float | None = None,
) -> dict[str, Any]:
    """Train a candidate with labels and send it through the gate; it is not promoted. ``alpha`` as for ``train``.

    Returns ``version``, ``passed``, ``verdict`` in words, ``accepted`` and ``set_aside`` labels.

    Raises:
        PermanentError: the labels are too few or too uneven, or no champion is promoted.
    """
    from services.classifier.training.improve import improve as train_and_compare
    from services.classifier.training.risk import DEFAULT_ALPHA

    bound = DEFAULT_ALPHA if alpha is None else alpha
    found = train_and_compare(corpus_dir, list(labels), models_dir, seed, progress, datetime.now(UTC), bound)
    return {
        "version": found.version,
        "passed": found.verdict.passed,
        "verdict": found.verdict.text,
        "accepted": len(found.guarded.accepted),
        "set_aside": found.guarded.set_aside,
    }


def shadow(paths: Sequence[Path], models_dir: Path, version: str) -> dict[str, Any]:
    """Judge mails with the promoted model and with ``version`` and return where they differ.

    Raises:
        PermanentError: a model is refused, or a path holds no mail.
    """
    report = run_shadow(paths, load_model(models_dir), open_version(models_dir, version))
    return {
        "mails": report.mails,
        "differences": [
            {
                "id": one.id,
                "review": [one.champion.needs_review, one.candidate.needs_review],
                "intents": [intent.value for intent in one.intents],
                "champion": {intent.value: verdict.value for intent, verdict in one.champion.verdicts.items()},
                "candidate": {intent.value: verdict.value for intent, verdict in one.candidate.verdicts.items()},
            }
            for one in report.differences
        ],
    }
