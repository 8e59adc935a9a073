"""Training a model: labelled mails in, an immutable folder with model, manifest and report out."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import joblib
import numpy as np

from itaca.contracts.ids import ModelVersion
from services.classifier.lexicon import build_lexicon, load_lexicon
from services.classifier.manifest import MANIFEST_NAME, MODEL_NAME, Manifest, describe_file, present_libraries
from services.classifier.scorer import FORMAT, Scorer, pack
from services.classifier.training.corpus import (
    INTENTS,
    Example,
    corpus_digest,
    corpus_files,
    is_frozen,
    label_matrix,
    read_examples,
)
from services.classifier.training.figures import figures
from services.classifier.training.risk import DEFAULT_ALPHA, DEFAULT_CONFIDENCE
from services.classifier.training.thresholds import Choice, choose_thresholds
from services.classifier.training.votes import (
    Progress,
    fit_stack,
    fit_votes,
    out_of_fold_evidence,
    out_of_fold_scores,
    prepare,
)
from services.classifier.vectors import Array


@dataclass(frozen=True)
class Trained:
    """What training leaves in memory: the scores are out of fold, shape (n_examples, n_intents)."""

    examples: list[Example]
    labels: Array
    scores: Array
    choice: Choice
    frozen: list[Example]
    frozen_scores: Array


def train(
    corpus_dir: Path,
    out_dir: Path,
    seed: int,
    progress: Progress,
    *,
    now: datetime,
    alpha: float = DEFAULT_ALPHA,
    extra: Sequence[Example] = (),
) -> ModelVersion:
    """Train a model on the corpus and leave it in ``out_dir``/<version>; it is not promoted.

    The same corpus, lexicon, labels and seed give the same version and the same bytes of ``model.joblib``.
    ``extra`` are labels that people gave; ``alpha`` is the largest share of complaints that may be missed.

    Raises:
        PermanentError: the corpus cannot be read.
    """
    files = corpus_files(corpus_dir)
    entries = load_lexicon()
    version = _version(corpus_digest(files), entries, extra, seed, alpha)
    if (out_dir / version / MANIFEST_NAME).is_file():
        progress(1.0, "this very model exists already")
        return version
    progress(0.0, "reading the corpus")
    examples = [*read_examples(files), *extra]
    state, trained = _fit(examples, entries, seed, alpha, progress)
    progress(0.95, "writing the model")
    folder = _write_model(out_dir, version, state)
    manifest = Manifest(
        version=version,
        created_at=now.isoformat(timespec="seconds"),
        files={MODEL_NAME: describe_file(folder / MODEL_NAME)},
        libraries=present_libraries(),
        corpus_digest=corpus_digest(files),
        corpus_mails=len(examples) - len(extra),
        seed=seed,
        intents=INTENTS,
        thresholds=trained.choice.thresholds,
        threshold_rule=trained.choice.rule,
        scores=figures(
            trained.examples, trained.scores, trained.frozen, trained.frozen_scores, trained.choice.thresholds
        ),
        labels_mails=len(extra),
    )
    _publish(folder, out_dir / version, manifest)
    progress(1.0, "done")
    return version


def _fit(
    examples: list[Example], entries: Mapping[str, Mapping[str, str]], seed: int, alpha: float, progress: Progress
) -> tuple[dict[str, object], Trained]:
    """Fit both layers on everything but the frozen part, and score the frozen part once."""
    lexicon = build_lexicon(entries)
    learned = [example for example in examples if not is_frozen(example)]
    frozen = [example for example in examples if is_frozen(example)]
    labels = label_matrix(learned).astype(np.float64)
    prepared = prepare(learned, lexicon)
    evidence, folds = out_of_fold_evidence(learned, prepared, labels, seed, progress)
    scores = out_of_fold_scores(evidence, labels, folds)
    progress(0.8, "fitting on all folds")
    votes = fit_votes(prepared, labels, list(range(len(learned))), seed)
    scorer = Scorer(lexicon, votes, *fit_stack(evidence, labels))
    choice = choose_thresholds(scores, labels, alpha, DEFAULT_CONFIDENCE)
    frozen_scores = np.array([scorer.probabilities(example.text, example.text.new_text) for example in frozen])
    trained = Trained(learned, labels, scores, choice, frozen, frozen_scores)
    return pack(scorer, entries), trained


def _version(
    corpus: str, entries: Mapping[str, Mapping[str, str]], extra: Sequence[Example], seed: int, alpha: float
) -> ModelVersion:
    facts = {
        "corpus": corpus,
        "lexicon": entries,
        "labels": [[e.id, sorted(e.labels), e.text.model_dump_json()] for e in extra],
        "seed": seed,
        "alpha": alpha,
        "format": FORMAT,
        "libraries": present_libraries(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return ModelVersion(f"itaca-{digest[:12]}")


def _write_model(out_dir: Path, version: ModelVersion, state: Mapping[str, object]) -> Path:
    """Write the model file into a folder beside its later place, and flush it to the disk."""
    folder = out_dir / f".{version}.new"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    joblib.dump(dict(state), folder / MODEL_NAME, compress=("zlib", 3))
    return folder


def _publish(folder: Path, place: Path, manifest: Manifest) -> None:
    """Complete the folder with its manifest and put it in place by one rename."""
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    folder.rename(place)
